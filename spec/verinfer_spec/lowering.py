"""From a graph to its relation (protocol.md, 7)."""

from __future__ import annotations

import numpy as np
from blake3 import blake3

from . import graph as g
from . import limbs, lines, maximum, parameters, ranges, wiring
from .decode import Statement
from .field import P
from .layout import layout
from .masks import MaskPlan
from .reject import Rejected
from .relation import (
    INPUT, Accumulator, Cell, Column, Element, Form, Grid, Hidden, Integers, Layer, Object, Reordered, Sign, Table, place,
)
from .vector import residues

ADDEND_BOUND = 1 << 28
CONSTANT_BITS = 62
TAG_CONTEXT = "verinfer committed object v1: kind, length, and what gives its bytes a meaning"
ONE = np.array([[1]], dtype=np.uint64)
MINUS_ONE = np.array([[P - 1]], dtype=np.uint64)


def const(x: int) -> np.ndarray:
    return np.array([[x % P]], dtype=np.uint64)


def by_channel(values: list[int]) -> np.ndarray:
    return np.array([v % P for v in values], dtype=np.uint64)[:, None]


def by_pixel(values) -> np.ndarray:
    return residues(np.asarray(values))[None, :]


def cell(column: int) -> Form:
    return Form(const(0), [(Cell(column), ONE)])


def check_envelope(e) -> None:
    keys = (e.keys, e.signed_keys)
    if not 1 <= e.bits <= 22 or not 20 <= e.shift <= 58:
        raise Rejected("Relation", "the envelope's limbs are impossible")
    for first, last in keys:
        largest = max(abs(first), abs(last)) + 512
        if first > 0 or last < 0 or last - first > (2 << 22) + (2 << 20) or (largest + 3) << e.shift > 1 << 62:
            raise Rejected("Relation", "the envelope's keys are impossible")


class Relation:
    """Columns, tables, layers, objects and layout for a statement."""

    def __init__(self, graph: g.Graph, statement: Statement):
        self.graph, self.images, self.envelope = graph, statement.images, statement.envelope
        self.hidden_input, self.form = statement.input is None, statement.output
        self.output_form = statement.output.form
        self.columns: list[Column] = []
        self.tables: list[Table] = []
        self.table_ids: dict = {}
        self.made: dict = {}
        self.layers: list[Layer] = []
        self.objects: list[Object] = []
        self.parameters: list[int] = []
        self.views: list = [None] * len(graph.tensors)
        self.copies: dict[int, int] = {}
        self.outputs: dict[int, int] = {}
        """By column of requantized outputs its node."""
        self.ranges = ranges.value_ranges(graph)
        if self.envelope:
            check_envelope(self.envelope)
        self.plan()
        self.input()
        for index, node in enumerate(graph.nodes):
            self.node(index, node)
        self.finish()

    # Tables, each once.

    def table(self, first: int, length: int, outputs=None) -> int:
        outputs = None if outputs is None else np.asarray(outputs, dtype=np.int64)
        key = (first, length, None if outputs is None else outputs.tobytes())
        if key not in self.table_ids:
            self.table_ids[key] = len(self.tables)
            self.tables.append(Table(first, length, outputs))
        return self.table_ids[key]

    def range(self, bits: int) -> int:
        return self.table(0, 1 << bits)

    def zero(self) -> int:
        return self.table(0, 1)

    def function(self, first: int, outputs) -> int:
        outputs = np.asarray(outputs, dtype=np.int64)
        return self.table(first, len(outputs), outputs)

    def clamp(self, plan, rq: g.Requantization) -> int:
        key = limbs.clamp_key(plan, rq)
        if key not in self.made:
            low, high = self.clamps[key]
            keys = np.arange(low, high + 1) >> int(plan.signed)
            self.made[key] = self.function(low, np.clip(keys, rq.min, rq.max))
        return self.made[key]

    def sign(self, plan) -> int:
        if plan.table not in self.made:
            low, high = self.signs[plan.table]
            self.made[plan.table] = self.function(low, np.arange(low, high + 1) <= 0)
        return self.made[plan.table]

    # Columns.

    def column(self, channels: int, pixels: int, kind: str, table: int = -1, values=()) -> int:
        self.columns.append(Column(channels, pixels, kind, table, list(values)))
        return len(self.columns) - 1

    def bytes(self, channels: int, pixels: int, first: int, bits: int) -> int:
        key = cell(len(self.columns))
        key.constant = const(-first)
        return self.column(channels, pixels, "lookup", self.range(bits), [key])

    def hidden(self, channels: int, bits: int, offset: int) -> Integers:
        columns = []
        for planes, width in ((bits // 8, 8), (1, bits % 8)):
            if planes and width:
                columns.append((self.bytes(planes, channels, 0, width), planes))
        self.parameters += [column for column, _ in columns]
        return Integers(columns, offset, channels)

    def of_node(self, shape: g.Shape, table: int, values) -> int:
        return self.column(shape.channels, shape.pixels * self.images, "lookup", table, values)

    def looked_up(self, shape: g.Shape, table: int, key: Form) -> int:
        return self.of_node(shape, table, [key, cell(len(self.columns))])

    # Requantizations.

    def plan(self) -> None:
        self.plans = []
        for node in self.graph.nodes:
            op, rq = node.op, g.requantization(node.op)
            if rq is None:
                self.plans.append(None)
            elif self.envelope and isinstance(op, g.Conv):
                signed = lines.may_have_sign(rq)
                keys = self.envelope.signed_keys if signed else self.envelope.keys
                self.plans.append(lines.Plan(signed, self.envelope.shift, keys))
            else:
                margin = 0
                if self.envelope and isinstance(op, g.Add) and op.constants is not None:
                    neutral = ranges.neutral_constant(self.graph, self.ranges, op)
                    op.constants = [neutral] * len(op.constants)
                    margin = ADDEND_BOUND + abs(neutral)
                found = ranges.accumulators(self.graph, self.ranges, node)
                self.plans.append(lines.plan(rq, found, self.shape(node.output).channels, margin))
        self.clamps, self.signs = limbs.share(self.graph, self.plans)
        self.limbs = limbs.choose(self.graph, self.plans, self.clamps, self.signs, self.envelope)

    def shape(self, tensor: int) -> g.Shape:
        return self.graph.tensors[tensor].shape

    # Where tensors are.

    def input(self) -> None:
        tensor = self.graph.tensors[self.graph.input]
        location = INPUT
        if self.hidden_input:
            location = self.bytes(tensor.shape.channels, tensor.shape.pixels * self.images, tensor.min, 8)
        self.views[self.graph.input] = (location, tensor.shape)

    def view(self, tensor: int):
        return self.views[tensor] or (self.copy(tensor), self.shape(tensor))

    def plain(self, tensor: int) -> int:
        location, stored = self.view(tensor)
        if location == INPUT or stored.channels == self.shape(tensor).channels:
            return location
        return self.copy(tensor)

    def copy(self, tensor: int) -> int:
        if tensor in self.copies:
            return self.copies[tensor]
        shape, producer = self.shape(tensor), self.graph.producer(tensor)
        op = producer.op if producer else None
        difference = Form(const(0))
        if isinstance(op, g.Pad):
            location, source = self.plain(op.input), self.shape(op.input)
            pixels = wiring.inset(source, shape, op.before.height, op.before.width, self.images)
            channels = (np.arange(source.channels) + op.before.channels, np.arange(source.channels))
            border = np.full((shape.channels, shape.pixels * self.images), op.value)
            border[np.ix_(channels[0], pixels[0])] = 0
            difference.constant = residues(border)
            difference.terms.append((Element(location, source.channels, pixels, channels), ONE))
        elif isinstance(op, g.Concat):
            start = 0
            for tensor_in in op.inputs:
                location, source = self.plain(tensor_in), self.shape(tensor_in)
                at = [start if axis == op.axis else 0 for axis in range(3)]
                pixels = wiring.inset(source, shape, at[0], at[1], self.images)
                channels = (np.arange(source.channels) + at[2], np.arange(source.channels))
                difference.terms.append((Element(location, source.channels, pixels, channels), ONE))
                start += (source.height, source.width, source.channels)[op.axis]
        else:
            difference.terms.append((Reordered(self.view(tensor)[0]), ONE))
        table = self.zero()
        difference.terms.append((Cell(len(self.columns)), MINUS_ONE))
        self.copies[tensor] = self.of_node(shape, table, [difference])
        return self.copies[tensor]

    def whole(self, location: int, shape: g.Shape) -> Element:
        """Every element of a tensor of the target's shape."""
        channels = np.arange(shape.channels)
        return Element(location, shape.channels, wiring.same(shape.pixels * self.images), (channels, channels))

    def broadcast(self, location: int, source: g.Shape, target: g.Shape) -> Element:
        if (source.height, source.width) == (target.height, target.width):
            pixels = wiring.same(target.pixels * self.images)
        else:
            pixels = wiring.broadcast(source, target, self.images)
        channels = np.arange(target.channels)
        read = channels if source.channels == target.channels else 0 * channels
        return Element(location, source.channels, pixels, (channels, read))

    # Nodes.

    def node(self, index: int, node: g.Node) -> None:
        op = node.op
        if isinstance(op, g.Conv):
            self.convolution(index, node, op)
        elif isinstance(op, g.Add):
            self.addition(index, node, op)
        elif isinstance(op, g.Mul):
            self.multiplication(index, node, op)
        elif isinstance(op, g.SumPool):
            self.sum_pool(node, op)
        elif isinstance(op, g.MaxPool):
            self.max_pool(node, op)
        elif isinstance(op, g.Lookup):
            location, stored = self.view(op.input)
            table = self.function(self.graph.tensors[op.input].min, op.table)
            key = Form(const(0), [(self.whole(location, stored), ONE)])
            self.views[node.output] = (self.looked_up(stored, table, key), stored)
        elif isinstance(op, g.Reshape):
            self.views[node.output] = self.view(op.input)

    def convolution(self, index: int, node: g.Node, op: g.Conv) -> None:
        tensor, location, shape, window = self.convolution_input(op)
        output = self.shape(node.output)
        layer = Layer(op.depthwise, tensor, location, shape, op.input_zero_point, output, window, op)
        number = len(self.layers)
        self.layers.append(layer)
        if self.envelope:
            key, sign = self.hidden_layer(index, number, layer)
        else:
            key, sign = self.rescaled(index, [(Accumulator(number), 1)], op.bias)
        layer.output, sign_column = self.requantize(index, node, op.requantization, key, sign)
        if layer.hidden:
            layer.hidden.sign = sign_column

    def convolution_input(self, op: g.Conv):
        shape = self.shape(op.input)
        producer = self.graph.producer(op.input)
        w = op.window
        if producer and isinstance(producer.op, g.Pad):
            pad, inner = producer.op, self.shape(producer.op.input)
            if pad.value == op.input_zero_point and inner.channels == shape.channels:
                moved = g.Window(w.kernel_h, w.kernel_w, w.stride_h, w.stride_w, w.dilation_h, w.dilation_w,
                                 w.pad_top + pad.before.height, w.pad_left + pad.before.width)
                return pad.input, self.plain(pad.input), inner, moved
        location, stored = self.view(op.input)
        flattened = not op.depthwise and shape.pixels == 1 and w == g.POINT
        if flattened and stored.pixels > 1 and location != INPUT:
            return op.input, location, stored, g.Window(kernel_h=stored.height, kernel_w=stored.width)
        return op.input, self.plain(op.input), shape, w

    def multiplier_bits(self, layer: Layer) -> int:
        low, high = self.ranges[layer.tensor]
        distance = max(abs(low - layer.input_zero_point), abs(high - layer.input_zero_point))
        taps = layer.window.taps * (1 if layer.depthwise else layer.input_shape.channels)
        room = P - 1 - (1 << 61) - (1 << 58) - (1 << 62)
        bits = (room // max(distance * 255 * taps, 1)).bit_length()
        if bits <= 1:
            raise Rejected("Relation", "a multiplier has no room")
        return min(bits - 1, 62)

    def hidden_layer(self, index: int, number: int, layer: Layer):
        plan, channels = self.plans[index], layer.output_shape.channels
        bits = self.multiplier_bits(layer)
        taps = layer.window.taps
        shape = (taps, channels) if layer.depthwise else (channels, taps * layer.inner)
        weights, zero_point = self.bytes(*shape, 0, 8), self.bytes(1, 1, 0, 8)
        self.parameters += [weights, zero_point]
        layer.hidden = Hidden(weights, zero_point, self.hidden(channels, bits, 0))
        constant = self.hidden(channels, CONSTANT_BITS, 1 << (CONSTANT_BITS - 1))
        if plan.signed:
            layer.hidden.sign_factor = self.hidden(channels, plan.shift, -1)
        inverse = pow(2, -plan.shift, P)
        key = Form(const(0), [(Accumulator(number), const(inverse)), (constant, const(inverse))])
        return key, (Sign(number), const(-inverse))

    def rescaled(self, index: int, terms, constants: list[int]):
        """The accumulator's side, and the factor of a sign's cell."""
        plan = self.plans[index]
        inverse = pow(2, -plan.shift, P)
        constant = [(m * acc + c) * inverse for (m, c, _), acc in zip(plan.values, constants)]
        multipliers = [m for m, _, _ in plan.values]
        found = [(source, by_channel([m * factor * inverse for m in multipliers])) for source, factor in terms]
        return Form(by_channel(constant), found), (None, by_channel([-k * inverse for _, _, k in plan.values]))

    def requantize(self, index: int, node: g.Node, rq: g.Requantization, key: Form, sign):
        plan, shape = self.plans[index], self.shape(node.output)
        weight = pow(2, -plan.shift, P)
        for bits in self.limbs[index]:
            table = self.range(bits)
            limb = len(self.columns)
            self.of_node(shape, table, [cell(limb)])
            key.terms.append((Cell(limb), const(-weight)))
            weight = weight * (1 << bits) % P
        sign_column = -1
        if plan.signed:
            sign_column = len(self.columns)
            source, factor = sign
            key.terms.append((source or Cell(sign_column), factor))
            self.of_node(shape, self.sign(plan), [key.copy(), cell(sign_column)])
        moved = const(limbs.key_offset(plan, rq))
        key.constant = (key.constant.astype(object) + int(moved[0, 0])) % P
        key.constant = key.constant.astype(np.uint64)
        output = self.looked_up(shape, self.clamp(plan, rq), key)
        self.views[node.output], self.outputs[output] = (output, shape), index
        return output, sign_column

    def addition(self, index: int, node: g.Node, op: g.Add) -> None:
        shape = self.shape(node.output)
        terms = [(Cell(self.addend(op.left, op.left_table)), 1)]
        constants = [0] * shape.channels
        if op.constants is None:
            right = self.addend(op.right, op.right_table)
            terms.append((self.broadcast(right, self.shape(op.right), shape), 1))
        elif self.envelope:
            terms.append((self.hidden(shape.channels, 29, ADDEND_BOUND), 1))
        else:
            constants = op.constants
        key, sign = self.rescaled(index, terms, constants)
        self.requantize(index, node, op.requantization, key, sign)

    def addend(self, tensor: int, entries: list[int]) -> int:
        spec = self.graph.tensors[tensor]
        table = self.function(spec.min, entries)
        key = Form(const(0), [(self.whole(self.plain(tensor), spec.shape), ONE)])
        return self.looked_up(spec.shape, table, key)

    def multiplication(self, index: int, node: g.Node, op: g.Mul) -> None:
        shape = self.shape(node.output)
        left = self.whole(self.plain(op.left), shape)
        right = self.broadcast(self.plain(op.right), self.shape(op.right), shape)
        roots = np.arange(-510, 511)
        squares = self.function(-510, roots * roots)
        terms = []
        for factor in (1, -1):
            key = Form(const(-(op.left_zero_point + factor * op.right_zero_point)), [(left, ONE), (right, const(factor))])
            terms.append((Cell(self.looked_up(shape, squares, key)), factor * pow(4, -1, P)))
        key, sign = self.rescaled(index, terms, [0] * shape.channels)
        self.requantize(index, node, op.requantization, key, sign)

    def sum_pool(self, node: g.Node, op: g.SumPool) -> None:
        spec, shape = self.graph.tensors[op.input], self.shape(node.output)
        offsets, rows = {}, 0
        for count, entries in op.tables:
            offsets.setdefault(count, rows - spec.min * count)
            rows += len(entries)
        table = self.function(0, [v for _, entries in op.tables for v in entries])
        w, source = op.window, spec.shape
        counts = [
            len(w.row_taps(source.height, y)) * len(w.column_taps(source.width, x))
            for y in range(shape.height) for x in range(shape.width)
        ]
        key = Form(by_pixel([offsets.get(c, 0) for c in counts] * self.images))
        location = self.plain(op.input)
        channels = np.arange(source.channels)
        pixels = wiring.windowed(w, source, shape, self.images)
        key.terms.append((Element(location, source.channels, pixels, (channels, channels)), ONE))
        self.views[node.output] = (self.looked_up(shape, table, key), shape)

    def max_pool(self, node: g.Node, op: g.MaxPool) -> None:
        spec, shape = self.graph.tensors[op.input], self.shape(node.output)
        location, last, value = self.plain(op.input), None, None
        for stage in maximum.stages(op.window, spec.shape, shape):
            columns, value = self.pairwise_maxima(location, stage, spec.min)
            if columns:
                location = last = columns[-1]
        low, high = self.ranges[op.input]
        output = last
        if op.min > low or op.max < high or last is None:
            entries = np.clip(np.arange(spec.min, spec.min + 256), op.min, op.max)
            output = self.looked_up(shape, self.function(spec.min, entries), difference(value, None))
        self.views[node.output] = (output, shape)

    def pairwise_maxima(self, location: int, stage: maximum.Stage, minimum: int):
        table = self.function(-255, np.maximum(np.arange(-255, 256), 0))
        channels = np.arange(stage.source.channels)
        size = stage.target.pixels * self.images

        def tap(number: int):
            pixels = wiring.windowed(stage.window, stage.source, stage.target, self.images, number)
            missing = np.full(size, minimum)
            missing[pixels[0]] = 0
            return Element(location, stage.source.channels, pixels, (channels, channels)), missing

        value, columns = tap(0), []
        for number in range(1, stage.window.taps):
            next_tap = tap(number)
            own = (Cell(len(self.columns)), np.zeros(size, dtype=np.int64))
            columns.append(self.of_node(stage.target, table, [difference(value, next_tap), difference(own, next_tap)]))
            value = own
        return columns, value

    # The rest.

    def finish(self) -> None:
        output = self.plain(self.graph.output)
        self.output = self.copy(self.graph.output) if output == INPUT else output
        self.hidden_objects()
        self.say()
        for index, table in enumerate(self.tables):
            self.column(1, table.length, "multiplicity", index)
        for layer in self.layers:
            layer.rows = self.columns[layer.output].pixels.bit_count() * layer.window.taps
        self.grids = [Grid(layer.rows, layer.inner) for layer in self.layers]
        self.log_contraction_len = place(self.grids)
        self.parts = [(n, False) for n, l in enumerate(self.layers) if l.hidden]
        self.parts += [(n, True) for n, l in enumerate(self.layers) if l.hidden and l.hidden.sign_factor]
        self.part_grids = [
            Grid(self.layers[n].rows // self.layers[n].window.taps, self.layers[n].output_shape.channels)
            for n, _ in self.parts
        ]
        length = place(self.part_grids)
        self.log_scaling_len = length if self.parts else None
        self.secrets = self.column(1, 0, "free")
        self.spare = self.column(1, 3, "spare")
        self.place()
        self.output_elements = self.columns[self.output].channels * self.columns[self.output].pixels

    def place(self) -> None:
        regions = []
        for o in self.objects:
            regions.append(o.values)
            for column in (o.digests, o.salt):
                if column is not None:
                    regions.append([(column, 0, self.columns[column].pixels)])
        for log_cells in range(parameters.MIN_LOG_CELLS, parameters.MAX_LOG_CELLS + 1):
            self.masks = MaskPlan(log_cells, self.log_contraction_len, self.log_scaling_len)
            self.columns[self.secrets].pixels = 3 * self.masks.secrets
            shapes = [(c.channels, c.pixels) for c in self.columns]
            self.placements, self.num_cells = layout(shapes, regions)
            self.num_stored = parameters.stored_cells(log_cells, self.num_cells)
            if self.num_stored <= 1 << log_cells:
                self.log_cells = log_cells
                return
        raise Rejected("Relation", "too many cells")

    def hidden_objects(self) -> None:
        if self.envelope:
            self.object("model", 0, [(c, 0, self.columns[c].pixels) for c in self.parameters])
        if self.hidden_input:
            self.committed("input", self.views[self.graph.input][0], self.graph.input)

    def committed(self, kind: str, source: int, tensor: int) -> None:
        spec = self.graph.tensors[tensor]
        terms = [(Reordered(source), ONE), (Cell(len(self.columns)), MINUS_ONE)]
        column = self.of_node(spec.shape, self.zero(), [Form(const(-spec.min), terms)])
        pixels = spec.shape.pixels
        for image in range(self.images):
            self.object(kind, image, [(column, image * pixels, (image + 1) * pixels)])

    def object(self, kind: str, image: int, values) -> None:
        length = sum(self.columns[c].channels * (end - start) for c, start, end in values)
        if not 1 <= length <= 1 << 22:
            raise Rejected("Relation", "a commitment has an impossible length")
        blocks = 0 if length <= 1 << 16 else -(-length >> 16)
        digests = self.bytes(1, 1024 * blocks, 0, 8) if blocks else None
        salt = self.bytes(1, 1280, 0, 8)
        self.objects.append(Object(kind, image, self.tag(kind, length), length, values, digests, salt))

    def tag(self, kind: str, length: int) -> bytes:
        message = bytes([("model", "input", "output", "label").index(kind)])
        if kind == "model":
            message += self.graph.digest + self.envelope.encoded
        elif kind != "label":
            spec = self.graph.tensors[self.graph.input if kind == "input" else self.graph.output]
            sides = (spec.shape.height, spec.shape.width, spec.shape.channels)
            message += bytes([spec.signed]) + b"".join(s.to_bytes(8, "little") for s in sides)
        message += length.to_bytes(8, "little")
        return blake3(message, derive_key_context=TAG_CONTEXT).digest()

    # What is said of outputs.

    def say(self) -> None:
        from . import predicates

        if self.output_form == "committed":
            self.committed("output", self.output, self.graph.output)
        elif self.output_form != "shown":
            predicates.lower(self)


def difference(left, right) -> Form:
    """Of two values with what they are where they are missing."""
    source, missing = left
    form = Form(by_pixel(missing), [(source, ONE)])
    if right is not None:
        form.constant = by_pixel(missing - right[1])
        form.terms.append((right[0], MINUS_ONE))
    return form
