"""The canonical encoding of an architecture (protocol.md, 7.2)."""

from blake3 import blake3

from . import graph as g
from .bytesreader import Reader
from .validate import Check

PREFIX = b"VERARCH\x02"
DIGEST_CONTEXT = "verinfer graph v3: architecture without learned values or names"
MAX_LENGTH = 1 << 22
MAX_UNITS = 1 << 24


def decode(data: bytes, code: str = "Architecture") -> g.Graph:
    if len(data) > MAX_LENGTH:
        raise Reader(data, code).fail("the architecture is too long")
    r = Reader(data, code)
    if r.take(len(PREFIX)) != PREFIX:
        raise r.fail("not an architecture of version 2")
    tensors = [g.Tensor(shape(r), boolean(r)) for _ in range(r.varint())]
    nodes = []
    for _ in range(r.varint()):
        op = OPERATORS[variant(r, len(OPERATORS))](r)
        nodes.append(g.Node(op, r.varint()))
    graph = g.Graph(tensors, nodes, r.varint(), r.varint(), learned=False)
    r.finish()
    graph.digest = blake3(data[len(PREFIX):], derive_key_context=DIGEST_CONTEXT).digest()
    fill(graph, r)
    Check(graph, code).all()
    return graph


def variant(r: Reader, count: int) -> int:
    value = r.varint()
    if value >= count:
        raise r.fail("a variant does not exist")
    return value


def boolean(r: Reader) -> bool:
    return variant(r, 2) == 1


def shape(r: Reader) -> g.Shape:
    return g.Shape(r.varint(), r.varint(), r.varint())


def window(r: Reader) -> g.Window:
    return g.Window(*(r.varint() for _ in range(8)))


def integers(r: Reader, bits: int) -> list[int]:
    return [r.zigzag(bits) for _ in range(r.varint())]


def output(r: Reader, multipliers: list[int], shifts: list[int]) -> g.Requantization:
    rounding = (g.TWICE, g.ONCE)[variant(r, 2)]
    return g.Requantization(multipliers, shifts, rounding, r.zigzag(32), r.zigzag(16), r.zigzag(16))


def convolution(depthwise: bool):
    def read(r: Reader) -> g.Conv:
        source, zero_point, geometry = r.varint(), r.zigzag(32), window(r)
        # One entry: a layer; none: one for each channel, known when shapes are.
        counts = [variant(r, 2), variant(r, 2)]
        multipliers, shifts = ([[1 << 30], None][counts[0]], [[0], None][counts[1]])
        return g.Conv(depthwise, source, zero_point, geometry, output(r, multipliers, shifts))

    return read


def addition(r: Reader) -> g.Add:
    left, left_table = r.varint(), integers(r, 32)
    right, right_table, constants = None, [], None
    if variant(r, 2) == 0:
        right, right_table = r.varint(), integers(r, 32)
    else:
        constants = []
    multipliers, shifts = integers(r, 32), integers(r, 32)
    return g.Add(left, left_table, right, right_table, constants, output(r, multipliers, shifts))


def product(r: Reader) -> g.Mul:
    operands = (r.varint(), r.zigzag(32), r.varint(), r.zigzag(32))
    multipliers, shifts = integers(r, 32), integers(r, 32)
    return g.Mul(*operands, output(r, multipliers, shifts))


def sum_pool(r: Reader) -> g.SumPool:
    source, geometry, tables = r.varint(), window(r), []
    for _ in range(r.varint()):
        count, entries, last = r.varint(), [], None
        for _ in range(r.varint()):
            value, length = r.zigzag(16), r.varint()
            if length == 0 or value == last or len(entries) + length > 1 << 24:
                raise r.fail("runs are not maximal, or too long")
            entries.extend([value] * length)
            last = value
        tables.append((count, entries))
    return g.SumPool(source, geometry, tables)


def max_pool(r: Reader) -> g.MaxPool:
    return g.MaxPool(r.varint(), window(r), r.zigzag(16), r.zigzag(16))


OPERATORS = [
    convolution(False),
    convolution(True),
    addition,
    product,
    sum_pool,
    max_pool,
    lambda r: g.Lookup(r.varint(), integers(r, 16)),
    lambda r: g.Pad(r.varint(), shape(r), r.zigzag(16)),
    lambda r: g.Reshape(r.varint()),
    lambda r: g.Concat([r.varint() for _ in range(r.varint())], r.varint()),
]


def fill(graph: g.Graph, r: Reader) -> None:
    """Neutral constants in the place of what is learned; refuses more than a commitment can hold."""
    units = 0
    for node in graph.nodes:
        if node.output >= len(graph.tensors):
            raise r.fail("a tensor does not exist")
        channels = graph.tensors[node.output].shape.channels
        if isinstance(node.op, g.Conv):
            rq, w = node.op.requantization, node.op.window
            if node.op.input >= len(graph.tensors):
                raise r.fail("a tensor does not exist")
            inner = 1 if node.op.depthwise else graph.tensors[node.op.input].shape.channels
            units += 7 * channels + 4 * (w.kernel_h + 1) * (w.kernel_w + 1) + w.taps * inner * channels
            if units > MAX_UNITS:
                raise r.fail("the network is too large")
            if channels == 1 and None in (rq.multipliers, rq.shifts):
                raise r.fail("one channel has multipliers per layer")
            rq.multipliers = rq.multipliers or [1 << 30] * channels
            rq.shifts = rq.shifts or [0] * channels
        elif isinstance(node.op, g.Add) and node.op.constants is not None:
            units += 5 * channels
            if units > MAX_UNITS:
                raise r.fail("the network is too large")
            node.op.constants = [0] * channels
        elif isinstance(node.op, g.SumPool):
            units += sum(len(table) for _, table in node.op.tables)
            if units > MAX_UNITS:
                raise r.fail("the network is too large")
