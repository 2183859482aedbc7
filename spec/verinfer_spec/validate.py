"""Which networks are valid (protocol.md, 7.1)."""

from __future__ import annotations

from . import graph as g
from . import ranges
from .reject import Rejected


class Check:
    def __init__(self, graph: g.Graph, code: str):
        self.graph, self.code = graph, code

    def demand(self, holds: bool, reason: str) -> None:
        if not holds:
            raise Rejected(self.code, reason)

    def all(self) -> None:
        graph = self.graph
        sizes = [t.shape.elements for t in graph.tensors]
        self.demand(all(0 < s <= 1 << 28 for s in sizes) and sum(sizes) <= 1 << 30, "sizes")
        self.wiring()
        for node in graph.nodes:
            self.node(node)
        found = ranges.value_ranges(graph)
        for node in graph.nodes:
            if g.requantization(node.op):
                op = node.op
                if not graph.learned and isinstance(op, g.Add) and op.constants is not None:
                    op.constants = [ranges.neutral_constant(graph, found, op)] * len(op.constants)
                self.accumulators(node, ranges.accumulators(graph, found, node) if op_is_known(graph, op) else [(0, 0)])

    def wiring(self) -> None:
        graph, count = self.graph, len(self.graph.tensors)
        self.demand(graph.input < count and graph.output < count and graph.input != graph.output, "input or output")
        written, read = {graph.input}, set()
        for node in graph.nodes:
            inputs = inputs_of(node.op)
            self.demand(all(i in written for i in inputs), "a tensor is read before it is written")
            read.update(inputs)
            self.demand(node.output < count and node.output not in written, "a tensor is written twice")
            written.add(node.output)
        self.demand(len(written) == count, "a tensor is never written")
        self.demand(all(n.output in read or n.output == graph.output for n in graph.nodes), "a node serves nothing")

    def shape(self, tensor: int) -> g.Shape:
        return self.graph.tensors[tensor].shape

    def in_type(self, tensor: int, *values: int) -> bool:
        spec = self.graph.tensors[tensor]
        return all(spec.min <= v <= spec.max for v in values)

    def node(self, node: g.Node) -> None:
        op, output = node.op, node.output
        shape, spec = self.shape(output), self.graph.tensors[output]
        rq = g.requantization(op)
        if isinstance(op, (g.Conv, g.SumPool, g.MaxPool)):
            self.window(op.window, self.shape(op.input), shape)
        if isinstance(op, g.Conv):
            channels = self.shape(op.input).channels
            self.demand(not op.depthwise or shape.channels % channels == 0, "channels")
            self.demand(self.in_type(op.input, op.input_zero_point), "zero point")
            if self.graph.learned:
                inner = 1 if op.depthwise else channels
                self.demand(len(op.weights) == op.window.taps * inner * shape.channels, "weights")
                self.demand(len(op.bias) == shape.channels, "biases")
                z = op.weight_zero_point
                self.demand(all(-128 <= w <= 255 and abs(w - z) <= 255 for w in op.weights), "weights")
                self.demand(-128 <= z <= 255, "zero point of weights")
        elif isinstance(op, g.Add):
            self.demand(self.shape(op.left) == shape, "shape")
            self.demand(len(op.left_table) == 256 and small(op.left_table), "table")
            if op.constants is None:
                self.broadcast(op.right, shape)
                self.demand(len(op.right_table) == 256 and small(op.right_table), "table")
            else:
                self.demand(len(op.constants) == shape.channels and small(op.constants), "constants")
        elif isinstance(op, g.Mul):
            self.demand(self.shape(op.left) == shape, "shape")
            self.broadcast(op.right, shape)
            self.demand(self.in_type(op.left, op.left_zero_point) and self.in_type(op.right, op.right_zero_point), "zero point")
        elif isinstance(op, g.SumPool):
            self.demand(self.shape(op.input).channels == shape.channels, "channels")
            self.counts(op, shape)
            for count, table in op.tables:
                self.demand(len(table) == 255 * count + 1 and self.in_type(output, *table), "table")
        elif isinstance(op, g.MaxPool):
            self.demand(self.shape(op.input).channels == shape.channels, "channels")
            self.demand(self.graph.tensors[op.input].signed == spec.signed, "type")
            self.demand(op.min <= op.max and self.in_type(output, op.min, op.max), "clamp")
        elif isinstance(op, g.Lookup):
            self.demand(self.shape(op.input) == shape, "shape")
            self.demand(len(op.table) == 256 and self.in_type(output, *op.table), "table")
        elif isinstance(op, g.Pad):
            source, b = self.shape(op.input), op.before
            fits = source.height + b.height <= shape.height and source.width + b.width <= shape.width
            self.demand(fits and source.channels + b.channels <= shape.channels, "border")
            self.demand(self.graph.tensors[op.input].signed == spec.signed and self.in_type(output, op.value), "type")
        elif isinstance(op, g.Reshape):
            self.demand(self.shape(op.input).elements == shape.elements, "elements")
            self.demand(self.graph.tensors[op.input].signed == spec.signed, "type")
        else:
            self.concatenation(op, shape, spec)
        if rq:
            self.requantization(rq, output, shape.channels if isinstance(op, g.Conv) else 1)

    def concatenation(self, op: g.Concat, shape: g.Shape, spec: g.Tensor) -> None:
        self.demand(len(op.inputs) > 0 and op.axis <= 2, "axis")
        sides = [[s.height, s.width, s.channels] for s in map(self.shape, op.inputs)]
        joined = list(sides[0])
        joined[op.axis] = sum(s[op.axis] for s in sides)
        same = all(s[i] == sides[0][i] for s in sides for i in range(3) if i != op.axis)
        self.demand(same and g.Shape(*joined) == shape, "shape")
        self.demand(all(self.graph.tensors[i].signed == spec.signed for i in op.inputs), "type")

    def broadcast(self, tensor: int, shape: g.Shape) -> None:
        s = self.shape(tensor)
        pairs = ((s.height, shape.height), (s.width, shape.width), (s.channels, shape.channels))
        self.demand(all(a in (1, b) for a, b in pairs), "shape")

    def requantization(self, rq: g.Requantization, output: int, channels: int) -> None:
        self.demand(len(rq.multipliers) in (1, channels) and len(rq.shifts) in (1, channels), "multipliers")
        self.demand(all(m >= 0 for m in rq.multipliers) and all(-62 <= s <= 30 for s in rq.shifts), "multipliers")
        self.demand(self.in_type(output, rq.zero_point), "zero point")
        self.demand(rq.min <= rq.max and self.in_type(output, rq.min, rq.max), "clamp")

    def window(self, w: g.Window, source: g.Shape, target: g.Shape) -> None:
        sides = (w.kernel_h, w.kernel_w, w.stride_h, w.stride_w, w.dilation_h, w.dilation_w)
        self.demand(all(1 <= v <= 1 << 16 for v in sides) and w.pad_top <= 1 << 16 and w.pad_left <= 1 << 16, "window")
        extents = (w.taps, (w.kernel_h - 1) * w.dilation_h, (w.kernel_w - 1) * w.dilation_w)
        self.demand(all(e <= 1 << 28 for e in extents), "window")
        for side, length, kernel, stride, dilation, pad in (
            (source.height, target.height, w.kernel_h, w.stride_h, w.dilation_h, w.pad_top),
            (source.width, target.width, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left),
        ):
            taps = (g.existing(side, y, kernel, stride, dilation, pad) for y in range(length))
            self.demand(all(len(t) > 0 for t in taps), "a window has no tap")
            room = side + pad - ((kernel - 1) * dilation + 1)
            self.demand(length >= (room // stride + 1 if room >= 0 else 0), "the output is too small")

    def counts(self, op: g.SumPool, shape: g.Shape) -> None:
        source, w = self.shape(op.input), op.window
        rows = {len(w.row_taps(source.height, y)) for y in range(shape.height)}
        columns = {len(w.column_taps(source.width, x)) for x in range(shape.width)}
        found = sorted({r * c for r in rows for c in columns})
        self.demand([count for count, _ in op.tables] == found, "tables by number of taps")

    def accumulators(self, node: g.Node, found) -> None:
        rq = node.op.requantization
        for channel, ends in enumerate(found):
            for acc in ends:
                values = (acc, acc << max(rq.shift(channel), 0), rq.quotient(acc, channel) + rq.zero_point)
                self.demand(all(-(1 << 31) <= v < 1 << 31 for v in values), "an accumulator leaves 32 bits")


def op_is_known(graph: g.Graph, op) -> bool:
    """Hidden layers have neutral weights, whose accumulators are zero."""
    return graph.learned or not isinstance(op, g.Conv)


def small(addends: list[int]) -> bool:
    return all(abs(a) < 1 << 30 for a in addends)


def inputs_of(op) -> list[int]:
    if isinstance(op, g.Add):
        return [op.left] + ([op.right] if op.constants is None else [])
    if isinstance(op, g.Mul):
        return [op.left, op.right]
    return op.inputs if isinstance(op, g.Concat) else [op.input]
