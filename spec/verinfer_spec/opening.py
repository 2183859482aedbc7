"""Step 7: the opening of a linear functional of the committed vector (opening.md)."""

from __future__ import annotations

import numpy as np

from . import merkle
from .field import GENERATOR, ONE, ZERO, K, P, two_adic_generator
from .parameters import Oracle, Parameters, mask_cells
from .reject import Rejected
from .transcript import Transcript
from .vector import dot, eq_index, eq_table, fsum, kfmul, kmul, scalar


def domain_point(oracle: Oracle, row: int) -> int:
    """Cosets one after the other, each in bit-reversed order."""
    bits = oracle.log_coset
    coset, within = row >> bits, row & ((1 << bits) - 1)
    exponent = int(f"{within:0{bits}b}"[::-1], 2) if bits else 0
    shift = pow(GENERATOR, (P - 1) // 3 * coset, P)
    return shift * pow(two_adic_generator(bits), exponent, P) % P


def powers_at(x: K, point: list[K], length: int) -> K:
    """`sum over i < length of x^i eq(point, i)`."""
    power, every, below, rest = x, ONE, ZERO, length
    for coordinate in point:
        zero, one = ONE - coordinate, coordinate * power
        if rest & 1:
            below = every * zero + below * one
        elif below:
            below = below * zero
        every = every * (zero + one)
        power = power * power
        rest >>= 1
    return every if rest else below


class Claim:
    """The claim as a multiple of the first one and a rest: the first is computed when all else has been checked."""

    def __init__(self):
        self.factor, self.rest = ONE, ZERO

    def add(self, value: K) -> None:
        self.rest = self.rest + value

    def fold(self, transcript: Transcript, label: str) -> K:
        """A round: values at 0, leading coefficient; the value at 1 is the claim less that at 0."""
        at_zero, leading = transcript.receive(label, 2)
        x = transcript.challenge(label)
        self.factor = self.factor * x
        self.rest = at_zero + x * (self.rest - at_zero - at_zero - leading + leading * x)
        return x


def queries(transcript: Transcript, p: Parameters, index: int, root: bytes) -> tuple[list[int], np.ndarray]:
    """Opened rows and their base elements, checked against the root."""
    oracle = p.oracles[index]
    state = transcript.state
    nonce = transcript.receive_bytes("grinding", 8)
    if not transcript.grinds(p.grinding, nonce, state):
        raise Rejected("Grinding", f"oracle {index}")
    width = (1 << oracle.fold) + 3 if index == 0 else 3 << oracle.fold
    rows = transcript.indices("queries", oracle.domain, oracle.num_queries)
    leaves, values = [], []
    for row in rows:
        encoded = transcript.take(8 * width)
        leaves.append((row, merkle.leaf(encoded)))
        values.append(encoded)
    integers = np.frombuffer(b"".join(values), dtype="<u8").reshape(len(rows), width)
    if (integers >= np.uint64(P)).any():
        raise Rejected("Message", "an element is not canonical")
    if merkle.root(oracle.domain, leaves, lambda: transcript.take(32)) != root:
        raise Rejected("MerkleRoot", f"oracle {index}")
    return rows, integers.astype(np.uint64)


def fold_rows(index: int, oracle: Oracle, integers: np.ndarray, folded: list[K], blinding: K) -> list[K]:
    """The folded codeword at the rows."""
    weights = eq_table(folded)
    count = 1 << oracle.fold
    if index == 0:
        sums = fsum(kfmul(weights[:, None, :], integers[:, :count]), axis=2)
        values = [scalar(sums[:, i]) for i in range(len(integers))]
        return [v + blinding * K(*(int(x) for x in row[count:])) for v, row in zip(values, integers)]
    elements = integers.reshape(-1, count, 3).transpose(2, 0, 1)
    sums = fsum(kmul(weights[:, None, :], elements), axis=2)
    return [scalar(sums[:, i]) for i in range(len(integers))]


def verify(transcript: Transcript, p: Parameters, root: bytes, first) -> None:
    """`first()` gives the claim and the weights of all cells."""
    claim = Claim()
    x, y = transcript.challenge("mask points"), transcript.challenge("mask points")
    (masked,) = transcript.receive("mask sum", 1)
    epsilon = transcript.challenge("mask sum")
    claim.add(epsilon * masked)
    point: list[K] = [ZERO] * p.log_cells
    bound, powers, blinding, last = 0, [], ZERO, []
    for index, oracle in enumerate(p.oracles):
        for bit in range(bound + oracle.fold - 1, bound - 1, -1):
            point[bit] = claim.fold(transcript, "fold round")
        folded = point[bound : bound + oracle.fold]
        bound += oracle.fold
        if index == 0:
            (blind,) = transcript.receive("blinding", 1)
            blinding = transcript.challenge("blinding")
            claim.add(blinding * blind)
        if index + 1 == len(p.oracles):
            last = transcript.receive("final polynomial", p.final_len)
            rows, integers = queries(transcript, p, index, root)
            for row, value in zip(rows, fold_rows(index, oracle, integers, folded, blinding)):
                if value != horner(last, domain_point(oracle, row)):
                    raise Rejected("FinalPolynomial")
            break
        next_root = transcript.receive_bytes("folded commitment", 32)
        outside = transcript.challenge("out of domain")
        (value,) = transcript.receive("out of domain", 1)
        rows, integers = queries(transcript, p, index, root)
        gamma = transcript.challenge("query combination")
        values = fold_rows(index, oracle, integers, folded, blinding)
        following = p.oracles[index + 1]
        length = following.degree << following.fold
        weight = gamma
        for at, found in [(outside, value)] + [(K(domain_point(oracle, r)), v) for r, v in zip(rows, values)]:
            claim.add(weight * found)
            powers.append((weight, at, length, bound))
            weight = weight * gamma
        root = next_root
    for bit in range(p.log_cells - 1, bound - 1, -1):
        point[bit] = claim.fold(transcript, "final round")
    table = eq_table(point[bound:])[:, : len(last)]
    value = dot(table, np.array([k.coordinates() for k in last], dtype=np.uint64).T)
    started, weights = first()
    total = dot(weights, eq_table(point)[:, : weights.shape[1]])
    masks = mask_cells(p.log_cells)
    log = masks.bit_length() - 1
    block = ((p.num_rows << p.oracles[0].fold) - masks) >> log
    within = powers_at(x, point[:log], masks) + powers_at(y, point[:log], masks)
    total = total + epsilon * eq_index(point[log:], block) * within
    for weight, at, length, first in powers:
        total = total + weight * powers_at(at, point[first:], length)
    if value * total != claim.factor * started + claim.rest:
        raise Rejected("CombinedClaim")


def horner(coefficients: list[K], x: int) -> K:
    a = b = c = 0
    for k in reversed(coefficients):
        a, b, c = (a * x + k.a) % P, (b * x + k.b) % P, (c * x + k.c) % P
    return K(a, b, c)
