"""The canonical encoding of a network with everything learned (protocol.md, 7.3)."""

from blake3 import blake3

from . import graph as g
from .bytesreader import Reader
from .validate import Check

DIGEST_CONTEXT = "verinfer graph v1: everything but names"


def decode(data: bytes) -> g.Graph:
    r = Reader(data, "Model")
    tensors = [g.Tensor(shape(r), number(r) == 1) for _ in range(number(r))]
    nodes = []
    for _ in range(number(r)):
        op = operator(r)
        nodes.append(g.Node(op, number(r)))
    graph = g.Graph(tensors, nodes, number(r), number(r))
    r.finish()
    graph.digest = blake3(data, derive_key_context=DIGEST_CONTEXT).digest()
    Check(graph, "Model").all()
    return graph


def number(r: Reader) -> int:
    return r.signed(8)


def shape(r: Reader) -> g.Shape:
    return g.Shape(number(r), number(r), number(r))


def window(r: Reader) -> g.Window:
    return g.Window(*(number(r) for _ in range(8)))


def entries(r: Reader, width: int) -> list[int]:
    return [r.signed(width) for _ in range(number(r))]


def requantization(r: Reader) -> g.Requantization:
    multipliers, shifts = entries(r, 4), entries(r, 4)
    rounding = {2: g.TWICE, 1: g.ONCE}[number(r)]
    return g.Requantization(multipliers, shifts, rounding, number(r), number(r), number(r))


def operator(r: Reader):
    tag = number(r)
    if tag in (0, 1):
        source, zero_point, geometry = number(r), number(r), window(r)
        weights, weight_zero_point, bias = entries(r, 2), number(r), entries(r, 4)
        rq = requantization(r)
        return g.Conv(tag == 1, source, zero_point, geometry, rq, weights, weight_zero_point, bias)
    if tag == 2:
        left, left_table = number(r), entries(r, 4)
        right, right_table, constants = None, [], None
        if number(r) == 0:
            right, right_table = number(r), entries(r, 4)
        else:
            constants = entries(r, 4)
        return g.Add(left, left_table, right, right_table, constants, requantization(r))
    if tag == 3:
        return g.Mul(number(r), number(r), number(r), number(r), requantization(r))
    if tag == 4:
        source, geometry = number(r), window(r)
        return g.SumPool(source, geometry, [(number(r), entries(r, 2)) for _ in range(number(r))])
    if tag == 5:
        return g.MaxPool(number(r), window(r), number(r), number(r))
    if tag == 6:
        return g.Lookup(number(r), entries(r, 2))
    if tag == 7:
        return g.Pad(number(r), shape(r), number(r))
    if tag == 8:
        return g.Reshape(number(r))
    if tag == 9:
        return g.Concat([number(r) for _ in range(number(r))], number(r))
    raise r.fail("an operator does not exist")
