"""Lengths, rates and query counts (opening.md, 1, 5 and 7)."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2, sqrt

from .reject import Rejected

MIN_LOG_CELLS, MAX_LOG_CELLS = 12, 30
FIELD_BITS = 191
MULTIPLICITY = 10.0


def schedule(log_cells: int) -> tuple[int, int, int, int]:
    """Fold, `r`, step of the second domain, bits of proof of work."""
    for most, found in ((13, (3, 5, 1, 14)), (16, (4, 3, 1, 14)), (19, (4, 1, 1, 14)), (22, (5, 1, 1, 16))):
        if log_cells <= most:
            return found
    return 6, 1, 3, 16


def bits_per_query(log_inv_rate: float) -> float:
    return 0.5 * log_inv_rate - log2(21.0 / 20.0)


def queries(level: int, grinding: int, log_inv_rate: float) -> int:
    return ceil(max(level + 3 - grinding, 0) / bits_per_query(log_inv_rate))


def mask_rows(log_cells: int) -> int:
    _, rate, _, grinding = schedule(log_cells)
    least = queries(128, grinding, float(rate)) + 8
    return 1 << (least - 1).bit_length()


def mask_cells(log_cells: int) -> int:
    return mask_rows(log_cells) << schedule(log_cells)[0]


def stored_cells(log_cells: int, num_cells: int) -> int:
    masks = mask_cells(log_cells)
    least = (1 << (log_cells - 1)) + masks if log_cells > MIN_LOG_CELLS else 1 << MIN_LOG_CELLS
    return max(-(-num_cells // masks) * masks + masks, least)


def log_ceil(n: int) -> int:
    return (n - 1).bit_length() if n > 1 else 0


@dataclass
class Oracle:
    fold: int
    degree: int
    cosets: int
    log_coset: int
    num_queries: int

    @property
    def domain(self) -> int:
        return self.cosets << self.log_coset


@dataclass
class Parameters:
    log_cells: int
    num_rows: int
    oracles: list[Oracle]
    final_variables: int
    final_len: int
    grinding: int


def for_cells(num_stored: int, level: int) -> Parameters:
    if not 1 << MIN_LOG_CELLS <= num_stored <= 1 << MAX_LOG_CELLS:
        raise Rejected("Relation", "no parameters")
    log_cells = log_ceil(num_stored)
    first_fold, rate, step, grinding = schedule(log_cells)
    num_rows = -(-num_stored >> first_fold)
    folds, left = [first_fold], log_cells - first_fold
    while left > 7:
        folds.append(min(4, left - 6))
        left -= folds[-1]
    rest = sum(folds[1:])
    final_len = -(-num_rows >> rest)
    height = left + rest + rate
    step += 5 * final_len <= 3 << left
    oracles = []
    for index, fold in enumerate(folds):
        height -= (0, step)[index] if index < 2 else 1
        rest -= fold if index else 0
        degree = final_len << rest
        cosets, log_coset = (3, height - 2) if index == 0 and 4 * final_len <= 3 << left else (1, height)
        log_inv_rate = log2(cosets << log_coset) - log2(degree)
        oracles.append(Oracle(fold, degree, cosets, log_coset, max(queries(level, grinding, log_inv_rate), 1)))
    return Parameters(log_cells, num_rows, oracles, left, final_len, grinding)


def opening_terms(p: Parameters) -> list[float]:
    """Bits of every term of the opening (opening.md, 7)."""
    terms = []

    def list_bits(o: Oracle) -> float:
        return log2(o.domain) - log2(o.degree) + log2(MULTIPLICITY)

    def line_bits(o: Oracle) -> float:
        log_len = log2(o.domain << o.fold)
        minus = log_len - log2((o.degree << o.fold) - 1)
        return FIELD_BITS - (3 + log_len + 3 * log2(MULTIPLICITY + 0.5) - log2(3) + minus)

    first = p.oracles[0]
    terms += [FIELD_BITS - list_bits(first)] * 2 + [line_bits(first) - 1]
    for index, o in enumerate(p.oracles):
        if index:
            terms.append(FIELD_BITS + 1 - 2 * list_bits(o) - log2(o.degree << o.fold))
        terms.append(line_bits(o) - 1 - log2(o.fold))
        terms.append(FIELD_BITS - list_bits(o) - 1 - log2(o.fold))
        terms.append(o.num_queries * bits_per_query(log2(o.domain) - log2(o.degree)) + p.grinding)
        if index + 1 < len(p.oracles):
            terms.append(FIELD_BITS - log2(1 + o.num_queries) - list_bits(p.oracles[index + 1]) - 1)
    terms.append(FIELD_BITS - log2(max(2 * p.final_variables, 1)))
    return terms


def reduction_terms(p: Parameters, r) -> list[float]:
    """Bits of every term of steps 2 to 6 (protocol.md, 4)."""
    first, m = p.oracles[0], p.log_cells
    lists = log2(first.domain) - log2(first.degree) + log2(MULTIPLICITY)
    numerators = [3.0 * 2.0**m, 3 * m * (m - 1) / 2 + 2 * m, 1, 2 * r.log_contraction_len]
    claims, forms = 3, m + 1 + 3 * len(r.masks.pairs)
    if r.log_scaling_len is not None:
        numerators += [1, 2 * r.log_scaling_len]
        claims, forms = claims + 2, forms + 1
    numerators += [1, forms]
    if r.output_form == "shown":
        numerators.append(r.output_elements)
        claims += 1
    if r.objects:
        numerators.append(127 + max(o.blocks for o in r.objects))
        claims += len(r.objects)
    numerators.append(claims - 1)
    return [FIELD_BITS - log2(n) - lists for n in numerators if n > 0]


def security_bits(p: Parameters, r) -> float:
    total = sum(2.0**-bits for bits in opening_terms(p) + reduction_terms(p, r))
    return min(-log2(total), 128.0)
