"""Worst-case values and accumulators (protocol.md, 7.4)."""

from __future__ import annotations

import numpy as np

from . import graph as g


def value_ranges(graph: g.Graph) -> list[tuple[int, int]]:
    ranges = [(t.min, t.max) for t in graph.tensors]
    for node in graph.nodes:
        op = node.op
        rq = g.requantization(op)
        if rq is not None:
            found = (rq.min, rq.max)
        elif isinstance(op, g.SumPool):
            found = (min(min(t) for _, t in op.tables), max(max(t) for _, t in op.tables))
        elif isinstance(op, g.MaxPool):
            low, high = ranges[op.input]
            found = tuple(min(max(v, op.min), op.max) for v in (low, high))
        elif isinstance(op, g.Lookup):
            found = (min(op.table), max(op.table))
        elif isinstance(op, g.Pad):
            low, high = ranges[op.input]
            found = (min(low, op.value), max(high, op.value))
        elif isinstance(op, g.Reshape):
            found = ranges[op.input]
        else:
            found = (min(ranges[i][0] for i in op.inputs), max(ranges[i][1] for i in op.inputs))
        ranges[node.output] = found
    return ranges


def rescaled(graph: g.Graph, ranges, tensor: int, table: list[int]) -> tuple[int, int]:
    low, high = ranges[tensor]
    first = graph.tensors[tensor].min
    entries = table[low - first : high - first + 1]
    return min(entries), max(entries)


def accumulators(graph: g.Graph, ranges, node: g.Node) -> list[tuple[int, int]]:
    """One for each output channel, or one for all."""
    op = node.op
    if isinstance(op, g.Conv):
        return convolution(graph, ranges, node, op)
    if isinstance(op, g.Add):
        low, high = rescaled(graph, ranges, op.left, op.left_table)
        if op.constants is not None:
            return [(low + c, high + c) for c in op.constants]
        more = rescaled(graph, ranges, op.right, op.right_table)
        return [(low + more[0], high + more[1])]
    left = [v - op.left_zero_point for v in ranges[op.left]]
    right = [v - op.right_zero_point for v in ranges[op.right]]
    products = [a * b for a in left for b in right]
    return [(min(products), max(products))]


def convolution(graph: g.Graph, ranges, node: g.Node, op: g.Conv) -> list[tuple[int, int]]:
    """The extremes over all sets of taps that exist together at some pixel."""
    source, target = graph.tensors[op.input].shape, graph.tensors[node.output].shape
    low, high = (v - op.input_zero_point for v in ranges[op.input])
    w = np.array(op.weights, dtype=np.int64) - op.weight_zero_point
    h, k = op.window.kernel_h, op.window.kernel_w
    if op.depthwise:
        w = w.reshape(h, k, target.channels, 1).transpose(2, 0, 1, 3)
    else:
        w = w.reshape(target.channels, h, k, source.channels)
    positive, negative = np.maximum(w, 0).sum(axis=3), np.minimum(w, 0).sum(axis=3)
    lows, highs = positive * low + negative * high, positive * high + negative * low
    rows = {op.window.row_taps(source.height, y) for y in range(target.height)}
    columns = {op.window.column_taps(source.width, x) for x in range(target.width)}
    least, most = [], []
    for row in rows:
        for column in columns:
            part = (slice(None), slice(row.start, row.stop), slice(column.start, column.stop))
            least.append(lows[part].sum(axis=(1, 2)))
            most.append(highs[part].sum(axis=(1, 2)))
    least, most = np.min(least, axis=0), np.max(most, axis=0)
    return [(int(a) + b, int(z) + b) for a, z, b in zip(least, most, op.bias)]


def fits(acc: int, rq: g.Requantization) -> bool:
    small = lambda v: -(1 << 31) <= v < 1 << 31
    return small(acc) and small(acc << max(rq.shift(0), 0)) and small(rq.quotient(acc, 0) + rq.zero_point)


def neutral_constant(graph: g.Graph, ranges, op: g.Add) -> int:
    """What stands for hidden addends: the constant closest to zero with which no sum leaves 32 bits."""
    low, high = rescaled(graph, ranges, op.left, op.left_table)

    def farthest(end: int) -> int:
        inside, outside = 0, end
        while abs(outside - inside) > 1:
            total = inside + outside
            middle = abs(total) // 2 * (1 if total > 0 else -1)
            if fits(middle, op.requantization):
                inside = middle
            else:
                outside = middle
        return inside

    if high > 0 and not fits(high, op.requantization):
        return farthest(high) - high
    if not fits(low, op.requantization):
        return farthest(low) - low
    return 0
