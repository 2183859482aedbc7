"""Lines that step where TFLite's rounding does (protocol.md, 1.1 and 7.5)."""

from __future__ import annotations

from dataclasses import dataclass

from . import graph as g
from .reject import Rejected

INTEGER_BITS = 62
NEVER = None


def may_have_sign(rq: g.Requantization) -> bool:
    return rq.rounding == g.TWICE and rq.min < rq.zero_point


@dataclass
class Line:
    multiplier: int
    constant: int
    sign_factor: int
    bits: int

    def key(self, acc: int, signed: bool) -> int:
        value = self.multiplier * acc + self.constant
        key = value >> self.bits
        return (value - self.sign_factor) >> self.bits if signed and key <= 0 else key


@dataclass
class Values:
    """Consecutive values, and the first accumulator that reaches each."""

    first: int = 0
    steps: tuple = ()
    always: int | None = None
    never: int | None = None

    def constants(self, multiplier: int, unit: int, low: int, high: int):
        """Smallest and largest constant; `None` where levels leave 62 bits."""
        last = self.first + len(self.steps)
        largest = max(abs(self.first), abs(last), abs(self.always or 0), abs(self.never or 0))
        if largest << unit > 1 << 62:
            return None
        least = most = None
        if self.always is not None:
            least = (self.always << unit) - multiplier * low
        if self.never is not None:
            most = (self.never << unit) - multiplier * high - 1
        if self.steps:
            levels = [((self.first + i) << unit) - multiplier * acc for i, acc in enumerate(self.steps)]
            highest, below = max(levels), min(levels) + multiplier - 1
            least = highest if least is None else max(least, highest)
            most = below if most is None else min(most, below)
        return least, most


class Steps:
    def __init__(self, rq: g.Requantization, channel: int, low: int, high: int):
        shift = rq.shift(channel)
        self.low, self.high, self.rounding = low, high, rq.rounding
        self.multiplier, self.right = rq.multiplier(channel) << max(shift, 0), max(-shift, 0)
        bottom, top = rq.quotient(low, channel), rq.quotient(high, channel)

        def values(first: int, last: int) -> Values:
            if first > last:
                return Values()
            start = max(first, bottom + 1)
            return Values(
                start,
                tuple(self.reaching(v) for v in range(start, min(last, top) + 1)),
                min(bottom, last) if bottom >= first else None,
                max(first, top + 1) if top < last else None,
            )

        least, most = rq.min - rq.zero_point, rq.max - rq.zero_point
        self.positive = values(max(least, 0) + 1, most)
        self.others = values(least + 1, min(most, 0))

    def reaching(self, value: int) -> int:
        """The first accumulator whose rounded product is at least the value."""
        n = self.right
        if self.rounding == g.ONCE:
            product = (value << (31 + n)) - (1 << (30 + n))
        elif n == 0:
            product = (value << 31) - (1 << 30)
        else:
            product = (((value << n) - (1 << (n - 1)) + (value <= 0)) << 31) - (1 << 30)
        return -(-product // self.multiplier)

    def needs_sign(self) -> bool:
        return self.right > 0 and min(len(self.positive.steps), len(self.others.steps)) > 64

    def fewest_bits(self) -> int:
        steps = self.others.steps + self.positive.steps
        if not steps:
            return 0
        ends = [s for v in (self.others, self.positive) if v.steps for s in (v.steps[0], v.steps[-1])]
        span = max(ends) - min(ends)
        return max(span.bit_length() - 1 + self.right - 4, 0) if span > 0 else 0

    def line(self, bits: int, signed: bool) -> Line | None:
        unit = bits + signed
        if not self.positive.steps and not self.others.steps:
            return self.with_multiplier(0, bits, unit, signed)
        near = (self.multiplier << unit) >> (31 + self.right)
        for multiplier in (near, near + 1, near - 1, near + 2):
            found = self.with_multiplier(multiplier, bits, unit, signed)
            if found:
                return found
        return None

    def with_multiplier(self, m: int, bits: int, unit: int, signed: bool) -> Line | None:
        if m < 0 or m * max(abs(self.low), abs(self.high)) >= 1 << 62:
            return None
        positive = self.positive.constants(m, unit, self.low, self.high)
        others = self.others.constants(m, unit, self.low, self.high)
        if positive is None or others is None:
            return None
        factor = 0
        if signed:
            least = 1 if None in (positive[0], others[1]) else max(positive[0] - others[1], 1)
            most = 1 << (unit - 1)
            if None not in (positive[1], others[0]):
                most = min(most, positive[1] - others[0])
            if least > most:
                return None
            factor = middle(least, most)
        least = [c for c in (positive[0], None if others[0] is None else others[0] + factor) if c is not None]
        most = [c for c in (positive[1], None if others[1] is None else others[1] + factor) if c is not None]
        if least and most:
            if max(least) > min(most):
                return None
            constant = middle(max(least), min(most))
        else:
            constant = max(least) if least else min(most) if most else 0
        return Line(m, constant, factor, bits)


def middle(a: int, b: int) -> int:
    """Half of the sum, rounded towards zero."""
    total = a + b
    return total // 2 if total >= 0 else -(-total // 2)


def find(channels, signed: bool, least: int, most: int) -> list[Line] | None:
    """A line for each channel, each with the fewest bits from those of the one before on."""
    bits, found = least, []
    for steps in channels:
        if steps is None:
            return None
        bits = max(bits, steps.fewest_bits())
        while True:
            if bits > most:
                return None
            line = steps.line(bits, signed)
            if line:
                break
            bits += 1
        found.append(line)
    return found


class Plan:
    """How a node is requantized."""

    def __init__(self, signed: bool, shift: int, keys: tuple[int, int]):
        self.signed, self.shift, self.keys, self.table = signed, shift, keys, 0
        self.values: list[tuple[int, int, int]] | None = None
        self.magnitude = 1 << shift

    def widen(self, bits: int) -> None:
        factor = 1 << (bits - self.shift)
        if self.values is not None:
            self.values = [(m * factor, c * factor, k * factor) for m, c, k in self.values]
        self.magnitude *= factor
        self.shift = bits

    def max_bits(self) -> int:
        used = self.magnitude.bit_length()
        return max(self.shift - max(used - INTEGER_BITS, 0), 0) + max(INTEGER_BITS - used, 0)


def plan(rq: g.Requantization, ranges: list[tuple[int, int]], channels: int, margin: int) -> Plan:
    """With known constants."""
    ranges = [ranges[0 if len(ranges) == 1 else c] for c in range(channels)]
    ranges = [(low - margin, high + margin) for low, high in ranges]
    sources = ranges
    if len(rq.multipliers) == 1 and len(rq.shifts) == 1:
        sources = [(min(r[0] for r in ranges), max(r[1] for r in ranges))]
    sign = may_have_sign(rq)

    def steps(skip: bool):
        for channel, (low, high) in enumerate(sources):
            found = Steps(rq, channel, low, high)
            yield None if skip and found.needs_sign() else found

    signed = False
    lines = find(steps(sign), False, 8, 44 if sign else INTEGER_BITS)
    if lines is None:
        signed = sign
        lines = find(steps(False), signed, 8, INTEGER_BITS)
    if lines is None:
        raise Rejected("Relation", "no line")
    bits = lines[-1].bits
    by_channel = [lines[0 if len(lines) == 1 else c] for c in range(channels)]
    keys = [line.key(acc, signed) for line, range_ in zip(by_channel, ranges) for acc in range_]
    result = Plan(signed, bits, (min(keys), max(keys)))
    widened = [(line, 1 << (bits - line.bits)) for line in by_channel]
    result.values = [(l.multiplier * f, l.constant * f, l.sign_factor * f) for l, f in widened]
    sizes = [
        max(abs(low), abs(high)) * m + abs(c) + k for (low, high), (m, c, k) in zip(ranges, result.values)
    ]
    result.magnitude = max(max(sizes), 1 << bits)
    return result
