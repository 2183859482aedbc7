"""Networks: tensors, windows, operators (protocol.md, 7.1)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shape:
    height: int
    width: int
    channels: int

    @property
    def pixels(self) -> int:
        return self.height * self.width

    @property
    def elements(self) -> int:
        return self.height * self.width * self.channels


@dataclass(frozen=True)
class Tensor:
    shape: Shape
    signed: bool

    @property
    def min(self) -> int:
        return -128 if self.signed else 0

    @property
    def max(self) -> int:
        return 127 if self.signed else 255


@dataclass(frozen=True)
class Window:
    kernel_h: int = 1
    kernel_w: int = 1
    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    pad_top: int = 0
    pad_left: int = 0

    @property
    def taps(self) -> int:
        return self.kernel_h * self.kernel_w

    def row_taps(self, height: int, y: int) -> range:
        return existing(height, y, self.kernel_h, self.stride_h, self.dilation_h, self.pad_top)

    def column_taps(self, width: int, x: int) -> range:
        return existing(width, x, self.kernel_w, self.stride_w, self.dilation_w, self.pad_left)


def existing(side: int, position: int, kernel: int, stride: int, dilation: int, pad: int) -> range:
    """The taps of an output position that lie within the input."""
    start = position * stride
    first = -(-max(pad - start, 0) // dilation)
    end = min(-(-max(side + pad - start, 0) // dilation), kernel)
    return range(min(first, end), end)


POINT = Window()

TWICE, ONCE = "twice", "once"


@dataclass
class Requantization:
    multipliers: list[int]
    shifts: list[int]
    rounding: str
    zero_point: int
    min: int
    max: int

    def multiplier(self, channel: int) -> int:
        return self.multipliers[0 if len(self.multipliers) == 1 else channel]

    def shift(self, channel: int) -> int:
        return self.shifts[0 if len(self.shifts) == 1 else channel]

    def quotient(self, acc: int, channel: int) -> int:
        """TFLite's MultiplyByQuantizedMultiplier."""
        shift = self.shift(channel)
        product = (acc << max(shift, 0)) * self.multiplier(channel)
        right = max(-shift, 0)
        if self.rounding == ONCE:
            return (product + (1 << (30 + right))) >> (31 + right)
        high = (product + (1 << 30)) >> 31
        if right == 0:
            return high
        return (high + (1 << (right - 1)) - (high < 0)) >> right


@dataclass
class Conv:
    depthwise: bool
    input: int
    input_zero_point: int
    window: Window
    requantization: Requantization
    weights: list[int] = field(default_factory=list)
    weight_zero_point: int = 0
    bias: list[int] = field(default_factory=list)


@dataclass
class Add:
    left: int
    left_table: list[int]
    right: int | None
    right_table: list[int]
    constants: list[int] | None
    requantization: Requantization


@dataclass
class Mul:
    left: int
    left_zero_point: int
    right: int
    right_zero_point: int
    requantization: Requantization


@dataclass
class SumPool:
    input: int
    window: Window
    tables: list[tuple[int, list[int]]]


@dataclass
class MaxPool:
    input: int
    window: Window
    min: int
    max: int


@dataclass
class Lookup:
    input: int
    table: list[int]


@dataclass
class Pad:
    input: int
    before: Shape
    value: int


@dataclass
class Reshape:
    input: int


@dataclass
class Concat:
    inputs: list[int]
    axis: int


@dataclass
class Node:
    op: object
    output: int


@dataclass
class Graph:
    tensors: list[Tensor]
    nodes: list[Node]
    input: int
    output: int
    digest: bytes = b""
    """Of the network, or of the architecture where `learned` is false."""
    learned: bool = True

    def producer(self, tensor: int):
        for node in self.nodes:
            if node.output == tensor:
                return node
        return None


def requantization(op) -> Requantization | None:
    return getattr(op, "requantization", None)
