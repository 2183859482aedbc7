"""Step 3: from the sum of all fractions to a claim on the leaves (protocol.md, 3 and 8)."""

from __future__ import annotations

from .affine import Affine, combination, known
from .field import ONE, ZERO, K
from .messages import Messages
from .reject import Rejected

LANE_BITS = 3


def verify(messages: Messages, log_cells: int) -> tuple[list[K], Affine, Affine]:
    """The point, by bit of an address, and the claimed numerator and denominator there."""
    (product,) = messages.transcript.receive("denominator", 1)
    if not product:
        raise Rejected("ZeroDenominator")
    numerator, denominator, point = known(ZERO), known(product), []
    for _ in range(log_cells):
        combine = messages.challenge("layer combination")
        claim = numerator.plus(combine, denominator)
        point, claim = rounds(messages, point, claim)
        combined, n1, d0, d1 = messages.receive("layer children", 4)
        first, second = messages.product(combined, d1), messages.product(n1, d0)
        messages.require_zero(combination((ONE, claim), (-ONE, first), (-ONE, second)))
        child = messages.challenge("layer children")
        n0 = combined.plus(-combine, d0)
        numerator = combination((ONE - child, n0), (child, n1))
        denominator = combination((ONE - child, d0), (child, d1))
        lanes = min(len(point), LANE_BITS)
        # With fewer coordinates than lanes the new one comes first.
        point = point[:3] + [child] + point[3:] if lanes == LANE_BITS else [child] + point
    return point, numerator, denominator


def rounds(messages: Messages, point: list[K], claim: Affine) -> tuple[list[K], Affine]:
    """Binds bits 3 and up, then bits 0 to 2; a message is the factor beside eq at 0 and its leading coefficient."""
    bound = {}
    split = LANE_BITS if len(point) >= LANE_BITS else len(point)
    for bit in [*range(split, len(point)), *range(split)]:
        at_zero, leading = messages.receive("layer round", 2)
        coordinate = point[bit]
        if not coordinate:
            raise Rejected("DegenerateChallenge")
        inverse = coordinate.inverse()
        x = messages.challenge("layer round")
        # At 1: (claim - (1 - coordinate) at_zero) / coordinate.
        bound[bit] = x
        scale = x * inverse
        claim = combination(
            (scale, claim), (ONE - x + scale * (coordinate - ONE), at_zero), (x * (x - ONE), leading)
        )
    return [bound[bit] for bit in range(len(point))], claim


def quadratic(claim: Affine, at_zero: Affine, leading: Affine, x: K) -> Affine:
    """The polynomial of degree two that is `claim` at 0 and 1 together."""
    return combination((x, claim), (ONE - x - x, at_zero), (x * (x - ONE), leading))
