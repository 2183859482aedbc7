"""Shared tables of clamps and signs, and widths of limbs (protocol.md, 7.6)."""

from __future__ import annotations

from . import graph as g
from .lines import INTEGER_BITS, Plan
from .reject import Rejected

MAX_KEYS = 1 << 22
MAX_TABLE_ROWS = (2 << 22) + (2 << 20) + (1 << 10)


def key_offset(plan: Plan, rq: g.Requantization) -> int:
    return rq.zero_point << plan.signed


def clamp_key(plan: Plan, rq: g.Requantization) -> tuple:
    return rq.min, rq.max, plan.signed, plan.table


def share(graph: g.Graph, plans: list[Plan | None]):
    """Key ranges of clamps and of signs."""
    nodes = [(p, g.requantization(n.op)) for p, n in zip(plans, graph.nodes) if p is not None]
    while True:
        clamps, signs = {}, {}
        for p, rq in nodes:
            offset = key_offset(p, rq)
            widen(clamps, clamp_key(p, rq), (p.keys[0] + offset, p.keys[1] + offset))
            if p.signed:
                widen(signs, p.table, p.keys)
        crowded = [(p, rq) for p, rq in nodes if shared_room(p, rq, clamps, signs) < p.shift]
        if not crowded:
            return clamps, signs
        for p, _ in crowded:
            if p.keys[1] - p.keys[0] + 1 > MAX_KEYS or room(p, p.keys, 0) < p.shift:
                raise Rejected("Relation", "a remainder has no room")
            p.table += 1


def widen(ranges: dict, key, found: tuple[int, int]) -> None:
    known = ranges.get(key, found)
    ranges[key] = (min(known[0], found[0]), max(known[1], found[1]))


def shared_room(p: Plan, rq: g.Requantization, clamps: dict, signs: dict) -> int:
    used = [(clamps[clamp_key(p, rq)], key_offset(p, rq))]
    if p.signed:
        used.append((signs[p.table], 0))
    least = INTEGER_BITS
    for found, offset in used:
        if found[1] - found[0] + 1 > MAX_TABLE_ROWS:
            return 0
        least = min(least, room(p, found, offset))
    return least


def room(p: Plan, found: tuple[int, int], offset: int) -> int:
    key = max(abs(found[0] - offset), abs(found[1] - offset))
    return min(max(INTEGER_BITS - (key + 1).bit_length(), 0), p.max_bits())


def cut(shift: int, room: int, widest: int) -> list[int]:
    count = -(-shift // widest)
    for width in (widest, -(-shift // count)):
        if count * width <= room:
            return [width] * count
    return [shift // count + (i < shift % count) for i in range(count)]


def choose(graph: g.Graph, plans: list[Plan | None], clamps: dict, signs: dict, envelope) -> list[list[int]]:
    rooms = [
        0 if p is None else shared_room(p, g.requantization(n.op), clamps, signs) for p, n in zip(plans, graph.nodes)
    ]

    def cuts(widest: int) -> list[list[int]]:
        found = []
        for p, limit in zip(plans, rooms):
            if p is None:
                found.append([])
            elif p.values is None:
                found.append([envelope.bits] * envelope.limbs)
            else:
                found.append(cut(p.shift, limit, widest))
        return found

    def cost(widest: int) -> int:
        found = cuts(widest)
        elements = [graph.tensors[n.output].shape.elements for n in graph.nodes]
        tables = {bits for c in found for bits in c}
        return sum(len(c) * n for c, n in zip(found, elements)) + sum(1 << bits for bits in tables)

    found = cuts(min(range(8, 23), key=cost))
    for p, c, limit in zip(plans, found, rooms):
        if p is not None:
            if sum(c) > limit:
                raise Rejected("Relation", "limbs have no room")
            p.widen(sum(c))
    return found
