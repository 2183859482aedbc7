"""Refuses what a hidden model's architecture makes true by itself (protocol.md, 9)."""

from __future__ import annotations

from . import reach
from .decode import Output
from .reject import Rejected


def check(relation, output: Output) -> None:
    graph = relation.graph
    written = {}
    for column, node in relation.outputs.items():
        table = relation.tables[relation.columns[column].table]
        written[node] = (int(table.outputs[0]), int(table.outputs[-1]))
    found = reach.Reach(graph, written)
    if found.influence == 0:
        raise Rejected("ConstantOutput")
    if not found.influence & reach.INPUT:
        raise Rejected("OutputIgnoresInput")
    if not found.influence & reach.LEARNED:
        raise Rejected("OutputIgnoresWeights")
    spec = graph.tensors[graph.output]
    scores = [reach.bounds(mask) for mask, _ in found.channels]
    if always_holds(output, scores) and not always_holds(output, [(spec.min, spec.max)] * len(scores)):
        raise Rejected("PredicateAlwaysHolds")


def always_holds(output: Output, scores) -> bool:
    """Of outputs whose classes have scores between these."""
    if output.form == "least":
        return output.label < len(scores) and scores[output.label][0] >= output.score
    if output.form == "rank":
        return all(label < len(scores) and possibly_ahead(scores, label) < output.k for label in output.labels)
    if output.form == "correct":
        return all(possibly_ahead(scores, label) < output.k for label in range(len(scores)))
    if output.form == "decided":
        if output.label >= len(scores):
            return False
        low, high = scores[output.label]
        if output.predicate == "least":
            always, never = low >= output.score, high < output.score
        else:
            always = possibly_ahead(scores, output.label) < output.k
            never = certainly_ahead(scores, output.label) >= output.k
        return (always or never) and all(bit == always for bit in output.holds)
    return False


def possibly_ahead(scores, label: int) -> int:
    low = scores[label][0]
    return sum(j != label and (high > low or (high == low and j < label)) for j, (_, high) in enumerate(scores))


def certainly_ahead(scores, label: int) -> int:
    high = scores[label][1]
    return sum(j != label and (low > high or (low == high and j < label)) for j, (low, _) in enumerate(scores))
