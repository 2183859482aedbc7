"""How a maximum over a window is cut into stages (protocol.md, 7.8)."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from .graph import Shape, Window

COLUMN_CELLS = 64
MAX_SEARCHED_TAPS = 16


@dataclass
class Stage:
    window: Window
    source: Shape
    target: Shape

    @property
    def columns(self) -> int:
        return self.window.taps - 1


def stages(window: Window, source: Shape, target: Shape) -> list[Stage]:
    axes = [
        Axis(window.kernel_h, window.stride_h, window.dilation_h, window.pad_top, source.height, target.height),
        Axis(window.kernel_w, window.stride_w, window.dilation_w, window.pad_left, source.width, target.width),
    ]
    options = [one_axis_after_the_other(axes, first, source) for first in (1, 0)]
    options = [o for o in options if o] + [[Stage(window, source, target)]]
    return min(options, key=lambda o: sum(columns_cost(s.columns, s.target.elements) for s in o))


def columns_cost(columns: int, cells: int) -> int:
    return (cells + COLUMN_CELLS) * columns


@dataclass
class Positions:
    before: int
    step: int
    length: int


class Axis:
    def __init__(self, kernel: int, stride: int, dilation: int, pad: int, side: int, length: int):
        most = -(-(side + pad) // dilation)
        self.taps, self.stride = min(kernel, most), 0 if length == 1 else stride
        self.dilation, self.pad, self.side, self.length = dilation, pad, side, length
        self.is_open = kernel >= most

    def written(self) -> Positions:
        return Positions(self.pad, max(self.stride, 1), self.length)

    def read(self) -> Positions:
        return self.written() if self.taps == 1 else self.positions(self.taps, 1, gcd(self.stride, self.dilation))

    def positions(self, whole: int, taps: int, step: int) -> Positions:
        needed = ((self.length - 1) * self.stride + (whole - taps) * self.dilation) // step + 1
        skipped = max(self.pad - (taps - 1) * self.dilation, 0) // step
        before = self.pad - skipped * step
        existing = (self.side - 1 + before) // step + 1
        return Positions(before, step, max(min(max(needed - skipped, 0), existing), 1))

    def cuts(self, factor: int) -> list[tuple[int, int, Positions]]:
        """Parts, their distance in taps, and positions, in the order of computation."""
        if self.taps == 1:
            return []
        lengths = [self.taps]
        if self.is_open:
            lengths.append(1 << (self.taps - 1).bit_length())
        searches = [Search(self, length, factor) for length in lengths]
        return min(searches, key=lambda s: s.best(s.whole, self.stride)[0]).cuts()


class Search:
    def __init__(self, axis: Axis, whole: int, factor: int):
        self.axis, self.whole, self.factor = axis, whole, factor
        self.found: dict = {}

    def target(self, taps: int, step: int) -> Positions:
        return self.axis.written() if taps == self.whole else self.axis.positions(self.whole, taps, step)

    def best(self, taps: int, step: int):
        if (taps, step) not in self.found:
            cells = self.target(taps, step).length * self.factor
            options = []
            for parts, distance in candidates(taps, step):
                rest, below = taps - (parts - 1) * distance, gcd(step, distance * self.axis.dilation)
                inner = 0 if rest == 1 else self.best(rest, below)[0]
                options.append((inner + columns_cost(parts - 1, cells), (parts, distance)))
            self.found[taps, step] = min(options, key=lambda option: option[0])
        return self.found[taps, step]

    def cuts(self):
        taps, step, found = self.whole, self.axis.stride, []
        while (taps, step) in self.found:
            parts, distance = self.found[taps, step][1]
            found.append((parts, distance, self.target(taps, step)))
            taps, step = taps - (parts - 1) * distance, gcd(step, distance * self.axis.dilation)
        return found[::-1]


def candidates(taps: int, step: int) -> list[tuple[int, int]]:
    if taps <= MAX_SEARCHED_TAPS:
        found = [(parts, d) for parts in range(2, taps) for d in range(1, taps // parts + 1)]
    else:
        half = taps // 2
        found = [(2, half - half % step if 1 <= step <= half else half)]
        found.append((2, taps - (1 << ((taps - 1).bit_length() - 1))))
    return found + [(taps, 1)]


def one_axis_after_the_other(axes: list[Axis], first: int, source: Shape) -> list[Stage]:
    second = 1 - first
    places = [Positions(0, 1, axis.side) for axis in axes]
    found = []
    for axis, other, positions in (
        (first, second, axes[second].read()),
        (second, first, axes[first].written()),
    ):
        for parts, distance, target in axes[axis].cuts(source.channels * positions.length):
            before = list(places)
            places[axis], places[other] = target, positions
            reading = []
            for i in (0, 1):
                apart = distance * axes[i].dilation if i == axis else before[i].step
                step = before[i].step
                stride = max(places[i].step // step, 1)
                reading.append((parts if i == axis else 1, stride, apart // step, (places[i].before - before[i].before) // step))
            (kh, sh, dh, ph), (kw, sw, dw, pw) = reading
            found.append(
                Stage(
                    Window(kh, kw, sh, sw, dh, dw, ph, pw),
                    Shape(before[0].length, before[1].length, source.channels),
                    Shape(places[0].length, places[1].length, source.channels),
                )
            )
    return found
