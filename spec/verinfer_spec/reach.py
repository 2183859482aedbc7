"""What outputs of an architecture can be, and on what they depend (protocol.md, 9).

An element is a set of values, a bit `v + 128` each, and what it may depend on: 1 the input, 2 what is learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np

from . import graph as g

INPUT, LEARNED = 1, 2
MAX_PAIRS = 1 << 10
MAX_EXACT_TAPS = 16


def interval(low: int, high: int) -> int:
    return ((1 << (high - low + 1)) - 1) << (low + 128) if low <= high else 0


def values(mask: int) -> list[int]:
    return [i - 128 for i in range(mask.bit_length()) if mask >> i & 1]


def bounds(mask: int) -> tuple[int, int]:
    return (mask & -mask).bit_length() - 129, mask.bit_length() - 129


def of_values(found) -> int:
    mask = 0
    for value in found:
        mask |= 1 << (value + 128)
    return mask


def element(mask: int, influence: int) -> tuple[int, int]:
    return mask, influence if mask & (mask - 1) else 0


@dataclass
class Planes:
    """By channel and pixel the number of an element; and the tensor that it is a function of."""

    ids: np.ndarray
    root: int = -1
    source: np.ndarray | None = None
    function: tuple = ()


class Reach:
    def __init__(self, graph: g.Graph, written: dict[int, tuple[int, int]]):
        """`written`: by node with hidden values the ends of what it can write."""
        self.graph, self.written = graph, written
        self.elements: list[tuple[int, int]] = []
        self.numbers: dict = {}
        self.tensors: dict[int, Planes] = {}
        spec = graph.tensors[graph.input]
        every = self.number(element(interval(spec.min, spec.max), INPUT))
        self.write(graph.input, np.full((spec.shape.channels, spec.shape.pixels), every))
        for index, node in enumerate(graph.nodes):
            self.node(index, node)
        ids = self.tensors[graph.output].ids
        self.channels = [self.joined(np.unique(plane)) for plane in ids]
        self.influence = 0
        for _, influence in self.channels:
            self.influence |= influence

    def number(self, found: tuple[int, int]) -> int:
        if found not in self.numbers:
            self.numbers[found] = len(self.elements)
            self.elements.append(found)
        return self.numbers[found]

    def joined(self, ids) -> tuple[int, int]:
        mask = influence = 0
        for i in ids:
            mask |= self.elements[i][0]
            influence |= self.elements[i][1]
        return mask, influence

    def write(self, tensor: int, ids: np.ndarray) -> None:
        self.tensors[tensor] = Planes(ids, tensor, ids, tuple(range(-128, 256)))

    def map(self, ids: np.ndarray, change) -> np.ndarray:
        found, where = np.unique(ids, return_inverse=True)
        return np.array([self.number(change(self.elements[i])) for i in found])[where].reshape(ids.shape)

    def image(self, tensor: int, root: int, source: np.ndarray, function: tuple) -> None:
        ids = self.map(source, lambda e: element(of_values(function[v + 128] for v in values(e[0])), e[1]))
        self.tensors[tensor] = Planes(ids, root, source, function)

    def write_function(self, tensor: int, of: int, function) -> None:
        read = self.tensors[of]
        self.image(tensor, read.root, read.source, tuple(function(v) for v in read.function))

    def shape(self, tensor: int) -> g.Shape:
        return self.graph.tensors[tensor].shape

    def node(self, index: int, node: g.Node) -> None:
        op, output = node.op, node.output
        shape = self.shape(output)
        if isinstance(op, g.Conv):
            self.write(output, self.convolution(index, op, shape))
        elif isinstance(op, g.Add):
            self.addition(index, output, op)
        elif isinstance(op, g.Mul):
            self.product(output, op)
        elif isinstance(op, g.SumPool):
            first = self.graph.tensors[op.input].min
            if len(op.tables) == 1 and op.tables[0][0] == 1 and is_point(op.window, self.shape(op.input), shape):
                self.write_function(output, op.input, lambda v: entry(op.tables[0][1], first, v))
            else:
                tables = {}
                for count, table in op.tables:
                    tables.setdefault(count, table)
                self.write(output, self.windows(op, shape, lambda n, ids: self.sum(tables.get(n, []), n, ids, first)))
        elif isinstance(op, g.MaxPool):
            clamp = lambda v: min(max(v, op.min), op.max)
            if is_point(op.window, self.shape(op.input), shape):
                self.write_function(output, op.input, clamp)
            else:
                self.write(output, self.windows(op, shape, lambda n, ids: self.maximum(ids, clamp)))
        elif isinstance(op, g.Lookup):
            first = self.graph.tensors[op.input].min
            self.write_function(output, op.input, lambda v: entry(op.table, first, v))
        elif isinstance(op, g.Pad):
            self.padding(output, op, shape)
        elif isinstance(op, g.Reshape):
            read = self.tensors[op.input]
            self.tensors[output] = Planes(reshaped(read.ids, shape), read.root, reshaped(read.source, shape), read.function)
        elif len(op.inputs) == 1:
            self.write_function(output, op.inputs[0], lambda v: v)
        else:
            parts = [self.tensors[i].ids.reshape(-1, self.shape(i).height, self.shape(i).width) for i in op.inputs]
            self.write(output, np.concatenate(parts, axis=(1, 2, 0)[op.axis]).reshape(shape.channels, -1))

    def hidden(self, index: int, rq: g.Requantization) -> int:
        return interval(*self.written.get(index, (rq.min, rq.max)))

    def convolution(self, index: int, op: g.Conv, shape: g.Shape) -> np.ndarray:
        mask = self.hidden(index, op.requantization)
        ids = self.tensors[op.input].ids
        bits = np.array([e[1] for e in self.elements], dtype=np.uint8)[ids]
        if op.depthwise:
            bits = np.repeat(bits, shape.channels // len(bits), axis=0)
        else:
            bits = np.bitwise_or.reduce(bits, axis=0)[None, :]
        under = np.zeros((len(bits), shape.pixels), dtype=np.uint8)
        for to, source in taps(op.window, self.shape(op.input), shape):
            under[:, to] |= bits[:, source]
        numbers = [self.number(element(mask, b | LEARNED)) for b in range(4)]
        return np.broadcast_to(np.array(numbers)[under], (shape.channels, shape.pixels))

    def same_root(self, left: int, right: int) -> bool:
        a, b = self.tensors[left], self.tensors[right]
        return a.root == b.root and self.shape(left) == self.shape(right)

    def both(self, left: int, right: int, change) -> np.ndarray:
        shape, other = self.shape(left), self.shape(right)
        b = self.tensors[right].ids.reshape(other.channels, other.height, other.width)
        b = np.broadcast_to(b, (shape.channels, shape.height, shape.width)).reshape(shape.channels, -1)
        pairs, where = np.unique(np.stack([self.tensors[left].ids.ravel(), b.ravel()]), axis=1, return_inverse=True)
        found = [self.number(change(self.elements[i], self.elements[j])) for i, j in pairs.T]
        return np.array(found)[where.ravel()].reshape(shape.channels, -1)

    def addition(self, index: int, output: int, op: g.Add) -> None:
        rounded = rounding(op.requantization)
        first = self.graph.tensors[op.left].min

        def ends(mask: int, table, first: int):
            found = [entry(table, first, v) for v in values(mask)]
            return min(found), max(found)

        if op.constants is not None:
            mask = self.hidden(index, op.requantization)

            def change(e):
                low, high = ends(e[0], op.left_table, first)
                return element(mask, (0 if low == high else e[1]) | LEARNED)

            self.write(output, self.map(self.tensors[op.left].ids, change))
            return
        right_first = self.graph.tensors[op.right].min
        total = lambda a, b: rounded(entry(op.left_table, first, a) + entry(op.right_table, right_first, b))
        if self.same_root(op.left, op.right):
            self.combine(output, op.left, op.right, total)
            return

        def change(a, b):
            low, high = ends(a[0], op.left_table, first)
            right_low, right_high = ends(b[0], op.right_table, right_first)
            influence = (0 if low == high else a[1]) | (0 if right_low == right_high else b[1])
            mask = each_pair(a[0], b[0], total)
            return element(interval(rounded(low + right_low), rounded(high + right_high)) if mask is None else mask, influence)

        self.write(output, self.both(op.left, op.right, change))

    def combine(self, output: int, left: int, right: int, function) -> None:
        a, b = self.tensors[left], self.tensors[right]
        self.image(output, a.root, a.source, tuple(function(x, y) for x, y in zip(a.function, b.function)))

    def product(self, output: int, op: g.Mul) -> None:
        rounded = rounding(op.requantization)
        product = lambda a, b: rounded((a - op.left_zero_point) * (b - op.right_zero_point))
        if self.same_root(op.left, op.right):
            self.combine(output, op.left, op.right, product)
            return

        def change(a, b):
            if a[0] in (0, single(op.left_zero_point)) or b[0] in (0, single(op.right_zero_point)):
                return element(single(rounded(0)), 0)
            mask = each_pair(a[0], b[0], product)
            if mask is None:
                corners = [product(x, y) for x in bounds(a[0]) for y in bounds(b[0])]
                mask = interval(min(corners), max(corners))
            return element(mask, a[1] | b[1])

        self.write(output, self.both(op.left, op.right, change))

    def windows(self, op, shape: g.Shape, result) -> np.ndarray:
        """By number of existing taps and the elements under them."""
        ids, source = self.tensors[op.input].ids, self.shape(op.input)
        under = [list() for _ in range(shape.pixels)]
        for to, read in taps(op.window, source, shape):
            for t, r in zip(to.tolist(), read.tolist()):
                under[t].append(r)
        known, planes, made = {}, {}, []
        for plane in ids:
            key = plane.tobytes()
            if key not in planes:
                row = []
                for read in under:
                    kinds = (len(read), frozenset(plane[read].tolist()))
                    if kinds not in known:
                        known[kinds] = self.number(result(*kinds))
                    row.append(known[kinds])
                planes[key] = np.array(row)
            made.append(planes[key])
        return np.stack(made)

    def sum(self, table, count: int, ids, first: int) -> tuple[int, int]:
        mask, influence = self.joined(ids)
        low, high = (v - first for v in bounds(mask))
        between = table[count * low : count * high + 1]
        if bounds(mask)[1] - bounds(mask)[0] + 1 == mask.bit_count():
            return element(of_values(between), influence)
        distances = [v - first for v in values(mask)]
        if count <= MAX_EXACT_TAPS:
            sums = {0}
            for _ in range(count):
                sums = {s + d for s in sums for d in distances}
            return element(of_values(table[s] for s in sums), influence)
        step = 0
        for d in distances:
            step = gcd(step, d - low)
        return element(of_values(between[:: max(step, 1)]), influence)

    def maximum(self, ids, clamp) -> tuple[int, int]:
        under = [self.elements[i] for i in ids]
        least = max(bounds(mask)[0] for mask, _ in under)
        found, influence = [], 0
        for mask, own in under:
            if bounds(mask)[1] >= least:
                found += [clamp(v) for v in values(mask) if v >= least]
            if bounds(mask)[1] > least:
                influence |= own
        return element(of_values(found), influence)

    def padding(self, output: int, op: g.Pad, shape: g.Shape) -> None:
        source = self.shape(op.input)
        if source == shape:
            self.write_function(output, op.input, lambda v: v)
            return
        ids = np.full((shape.channels, shape.height, shape.width), self.number(element(single(op.value), 0)))
        before = op.before
        ids[
            before.channels : before.channels + source.channels,
            before.height : before.height + source.height,
            before.width : before.width + source.width,
        ] = self.tensors[op.input].ids.reshape(source.channels, source.height, source.width)
        self.write(output, ids.reshape(shape.channels, -1))


def single(value: int) -> int:
    return 1 << (value + 128) if -128 <= value < 256 else 0


def entry(table, first: int, value: int) -> int:
    return table[value - first] if 0 <= value - first < len(table) else 0


def rounding(rq: g.Requantization):
    return lambda acc: min(max(rq.quotient(acc, 0) + rq.zero_point, rq.min), rq.max)


def each_pair(a: int, b: int, function):
    if a.bit_count() * b.bit_count() > MAX_PAIRS:
        return None
    return of_values(function(x, y) for x in values(a) for y in values(b))


def taps(window: g.Window, source: g.Shape, target: g.Shape):
    from .wiring import tap_pairs

    return [tap_pairs(window, source, target, tap) for tap in range(window.taps)]


def is_point(w: g.Window, source: g.Shape, target: g.Shape) -> bool:
    return source == target and w.taps == 1 and (w.stride_h, w.stride_w, w.pad_top, w.pad_left) == (1, 1, 0, 0)


def reshaped(ids: np.ndarray, shape: g.Shape) -> np.ndarray:
    return ids.T.reshape(shape.pixels, shape.channels).T
