"""Values that are known up to the prover's pads: affine forms in secrets (protocol.md, 3).

A form is a node of a graph of sums; coefficients are found by one pass from the result back to the secrets.
"""

from __future__ import annotations

from itertools import count

from .field import K, ONE, ZERO

_numbers = count()


class Affine:
    __slots__ = ("constant", "terms", "parts", "number")

    def __init__(self, constant: K = ZERO, terms=(), parts=()):
        self.constant, self.terms, self.parts = constant, terms, parts
        self.number = next(_numbers)

    def plus(self, factor: K, other: "Affine") -> "Affine":
        return combination((ONE, self), (factor, other))

    def times(self, factor: K) -> "Affine":
        return combination((factor, self))

    def coefficients(self) -> dict[int, K]:
        """By secret."""
        weights: dict[int, K] = {self.number: ONE}
        nodes = {self.number: self}
        stack = [self]
        while stack:
            for _, part in stack.pop().parts:
                if part.number not in nodes:
                    nodes[part.number] = part
                    stack.append(part)
        found: dict[int, K] = {}
        for number in sorted(nodes, reverse=True):
            weight, node = weights.get(number), nodes[number]
            if weight is None:
                continue
            for secret, coefficient in node.terms:
                found[secret] = found.get(secret, ZERO) + weight * coefficient
            for factor, part in node.parts:
                weights[part.number] = weights.get(part.number, ZERO) + weight * factor
        return found


def combination(*parts: tuple[K, Affine]) -> Affine:
    constant = ZERO
    for factor, part in parts:
        constant = constant + factor * part.constant
    return Affine(constant, (), parts)


def known(constant: K) -> Affine:
    return Affine(constant)


def masked(message: K, pad: int) -> Affine:
    return Affine(message, ((pad, -ONE),))


def secret(index: int) -> Affine:
    return Affine(ZERO, ((index, ONE),))


def product(x: Affine, y: Affine, pads: int) -> Affine:
    """Of two masked messages; `pads` is the secret that is the product of their pads."""
    cross = combination((y.constant, x), (x.constant, y))
    return Affine(cross.constant - x.constant * y.constant, ((pads, ONE),), cross.parts)
