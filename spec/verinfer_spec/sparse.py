"""The leaves of a relation as one sparse matrix over the addresses of cells.

Beside the cells, `num_stored` of them, there are *virtual* ones, whose weights are moved on later: elements of a
public input, hidden integers, accumulators and signs by layer, chunk and channel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .field import P
from .relation import INPUT, Accumulator, Cell, Element, Integers, Reordered, Sign
from .vector import H32, LOW, ORDER, fadd, fmul, kfmul


class Scatter:
    """Adds values to targets that may repeat."""

    def __init__(self, targets: np.ndarray):
        self.order = np.argsort(targets, kind="stable")
        ordered = targets[self.order]
        self.starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(ordered) else None
        self.targets = ordered[self.starts] if len(ordered) else None

    def add(self, target: np.ndarray, values: np.ndarray) -> None:
        if self.targets is None:
            return
        values = values[:, self.order]
        low = np.add.reduceat(values & LOW, self.starts, axis=1)
        high = np.add.reduceat(values >> H32, self.starts, axis=1)
        total = fadd(low % ORDER, fmul(high % ORDER, np.uint64(1 << 32)))
        target[:, self.targets] = fadd(target[:, self.targets], total)


@dataclass
class Value:
    """The values at one place of all tuples: cells they are of, sources, factors and constants."""

    rows: list = field(default_factory=list)
    targets: list = field(default_factory=list)
    factors: list = field(default_factory=list)
    constant_rows: list = field(default_factory=list)
    constants: list = field(default_factory=list)

    def seal(self) -> None:
        join = lambda parts, dtype: np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)
        self.rows = join(self.rows, np.int64)
        self.factors = join(self.factors, np.uint64)
        self.scatter = Scatter(join(self.targets, np.int64))
        self.constant_rows = join(self.constant_rows, np.int64)
        self.constants = join(self.constants, np.uint64)

    def apply(self, weights: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Adds the weights of the values to their sources; gives the products with the constants."""
        self.scatter.add(target, kfmul(weights[:, self.rows], self.factors))
        return kfmul(weights[:, self.constant_rows], self.constants)


class Matrix:
    def __init__(self, r):
        self.relation = r
        self.addresses = [placement.addresses() for placement in r.placements]
        self.length = r.num_stored
        self.input = self.reserve(0 if r.hidden_input else r.shape(r.graph.input).elements * r.images)
        self.accumulators = [self.reserve(self.chunks(l) * l.output_shape.channels) for l in r.layers]
        self.signs = [
            self.reserve(self.chunks(l) * l.output_shape.channels if l.hidden and l.hidden.sign_factor else 0)
            for l in r.layers
        ]
        self.integers: dict = {}
        self.values = [Value(), Value(), Value()]
        self.row_cells, self.tags, self.counted = [], [], []
        self.lookup_cells = []
        self.multiplicities = []
        for number, column in enumerate(r.columns):
            self.column(number, column)
        for value in self.values:
            value.seal()
        join = lambda parts, dtype: np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)
        self.lookup_cells = join(self.lookup_cells, np.int64)
        self.counted = join(self.counted, np.int64)
        self.row_cells = join(self.row_cells, np.int64)
        self.tags = join(self.tags, np.uint64)
        self.places()

    def reserve(self, count: int) -> int:
        first = self.length
        self.length += count
        return first

    def chunks(self, layer) -> int:
        return len(self.relation.placements[layer.output].chunks)

    def column(self, number: int, column) -> None:
        addresses = self.addresses[number]
        if column.kind in ("lookup", "row"):
            flat = addresses.ravel()
            self.row_cells.append(flat)
            self.tags.append(np.full(len(flat), column.table + 1, dtype=np.uint64))
            (self.lookup_cells if column.kind == "lookup" else self.counted).append(flat)
            for value, form in zip(self.values, column.values):
                if form.constant.any():
                    value.constant_rows.append(flat)
                    value.constants.append(np.broadcast_to(form.constant, addresses.shape).ravel())
                for source, factor in form.terms:
                    self.term(value, number, addresses, source, factor)
        elif column.kind == "multiplicity":
            flat = addresses.ravel()
            table = self.relation.tables[column.table]
            self.row_cells.append(flat)
            self.tags.append(np.full(len(flat), column.table + 1, dtype=np.uint64))
            self.counted.append(flat)
            keys = (table.first + np.arange(table.length)).astype(np.int64)
            for value, entries in zip(self.values, (keys, table.outputs)):
                if entries is not None:
                    value.constant_rows.append(flat)
                    value.constants.append(np.where(entries < 0, entries.astype(np.uint64) + ORDER, entries.astype(np.uint64)))

    def term(self, value: Value, number: int, addresses, source, factor) -> None:
        channels, pixels = addresses.shape
        rows = addresses
        factors = np.broadcast_to(factor, addresses.shape)
        if isinstance(source, Cell):
            targets = self.addresses[source.column]
        elif isinstance(source, Element):
            (to_pixels, from_pixels), (to_channels, from_channels) = source.pixels, source.channels
            grid = np.ix_(to_channels, to_pixels)
            rows, factors = addresses[grid], factors[grid]
            if source.location == INPUT:
                targets = self.input + from_pixels[None, :] * source.source_channels + from_channels[:, None]
            else:
                targets = self.addresses[source.location][np.ix_(from_channels, from_pixels)]
        elif isinstance(source, Reordered):
            index = np.arange(pixels)[None, :] * channels + np.arange(channels)[:, None]
            if source.location == INPUT:
                targets = self.input + index
            else:
                stored = self.addresses[source.location]
                targets = stored[index % stored.shape[0], index // stored.shape[0]]
        elif isinstance(source, Integers):
            targets = np.broadcast_to((self.of_integers(source) + np.arange(channels))[:, None], addresses.shape)
        else:
            first = (self.accumulators if isinstance(source, Accumulator) else self.signs)[source.layer]
            placement = self.relation.placements[number]
            chunk_of = np.zeros(pixels, dtype=np.int64)
            for k, chunk in enumerate(placement.chunks):
                chunk_of[chunk.first_pixel : chunk.first_pixel + (1 << chunk.log)] = k
            targets = first + chunk_of[None, :] * channels + np.arange(channels)[:, None]
        value.rows.append(np.ascontiguousarray(rows).ravel())
        value.factors.append(np.ascontiguousarray(factors).ravel())
        value.targets.append(np.ascontiguousarray(targets).ravel())

    def of_integers(self, integers: Integers) -> int:
        key = tuple(integers.columns)
        if key not in self.integers:
            self.integers[key] = (self.reserve(integers.channels), integers)
        return self.integers[key][0]

    def places(self) -> None:
        """Bytes of hidden integers, and offsets."""
        for layer in self.relation.layers:
            if layer.hidden:
                self.of_integers(layer.hidden.multiplier)
                if layer.hidden.sign_factor:
                    self.of_integers(layer.hidden.sign_factor)
        sources, targets, factors, offset_rows, offsets = [], [], [], [], []
        for first, integers in self.integers.values():
            index = first + np.arange(integers.channels)
            power = 1
            for column, planes in integers.columns:
                for plane in range(planes):
                    sources.append(index)
                    targets.append(self.addresses[column][plane])
                    factors.append(np.full(integers.channels, power, dtype=np.uint64))
                    power = power * 256 % P
            offset_rows.append(index)
            offsets.append(np.full(integers.channels, -integers.offset % P, dtype=np.uint64))
        join = lambda parts, dtype: np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)
        self.byte_sources, self.byte_factors = join(sources, np.int64), join(factors, np.uint64)
        self.byte_scatter = Scatter(join(targets, np.int64))
        self.offset_rows, self.offsets = join(offset_rows, np.int64), join(offsets, np.uint64)
