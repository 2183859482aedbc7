"""What a relation is made of (protocol.md, 1 and 7)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .graph import Shape, Window

INPUT = -1


@dataclass
class Table:
    """Rows `first + i` with `outputs[i]`, if it has outputs."""

    first: int
    length: int
    outputs: np.ndarray | None = None


@dataclass
class Cell:
    """The cell of a column of the same shape."""

    column: int


@dataclass
class Element:
    """Elements of a location: pairs of pixels and pairs of channels (target, source)."""

    location: int
    source_channels: int
    pixels: tuple[np.ndarray, np.ndarray]
    channels: tuple[np.ndarray, np.ndarray]


@dataclass
class Reordered:
    """The element with the same NHWC index."""

    location: int


@dataclass
class Integers:
    """Hidden integers, one for each channel: (column, planes) of bytes, less an offset."""

    columns: list[tuple[int, int]]
    offset: int
    channels: int


@dataclass
class Accumulator:
    layer: int


@dataclass
class Sign:
    """The sign times the hidden sign factor."""

    layer: int


@dataclass
class Form:
    """`constant[channel, pixel] + sum of factor[channel] * source`; arrays of F that broadcast."""

    constant: np.ndarray
    terms: list[tuple[object, np.ndarray]] = field(default_factory=list)

    def copy(self) -> "Form":
        return Form(self.constant, list(self.terms))


@dataclass
class Column:
    channels: int
    pixels: int
    kind: str
    """free, lookup, row, multiplicity or spare."""
    table: int = -1
    values: list[Form] = field(default_factory=list)


@dataclass
class Layer:
    """A linear layer."""

    depthwise: bool
    tensor: int
    location: int
    input_shape: Shape
    input_zero_point: int
    output_shape: Shape
    window: Window
    op: object
    output: int = -1
    hidden: "Hidden | None" = None
    rows: int = 0
    first_row: int = 0

    @property
    def inner(self) -> int:
        return self.output_shape.channels if self.depthwise else self.input_shape.channels


@dataclass
class Hidden:
    weights: int
    zero_point: int
    multiplier: Integers
    sign_factor: Integers | None = None
    sign: int = -1


@dataclass
class Object:
    """Something committed to: kind, image, tag and where its bytes are."""

    kind: str
    image: int
    tag: bytes
    length: int
    values: list[tuple[int, int, int]]
    digests: int | None
    salt: int

    @property
    def blocks(self) -> int:
        return 0 if self.length <= 1 << 16 else -(-self.length >> 16)


@dataclass
class Grid:
    """Rows of indices of a batched contraction."""

    rows: int
    width: int
    first_row: int = 0

    @property
    def log_width(self) -> int:
        return (self.width - 1).bit_length()

    @property
    def end(self) -> int:
        return (self.first_row + self.rows) << self.log_width


def place(grids: list[Grid]) -> int:
    """The widest first; the logarithm of the length, rounded up."""
    end = 0
    for grid in sorted(grids, key=lambda grid: -grid.log_width):
        grid.first_row = end >> grid.log_width
        end = grid.end
    return (end - 1).bit_length() if end > 1 else 0
