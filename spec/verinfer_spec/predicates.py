"""Columns that show a predicate of the outputs (protocol.md, 1.4)."""

from __future__ import annotations

import numpy as np

from . import graph as g
from . import wiring
from .reject import Rejected
from .relation import Cell, Element, Form, Reordered
from .vector import residues

ZERO_CHANNEL = np.array([0])


def lower(r) -> None:
    from .lowering import MINUS_ONE, ONE, by_pixel, cell, const

    form, images = r.form, r.images
    if form.form == "least":
        check_score(r, form.label, form.score)
        key = score(r, form.label)
        key.constant = const(-form.score)
        r.column(1, images, "lookup", r.range(8), [key])
    elif form.form == "rank":
        count = classes(r, max(form.labels), form.k)
        found = ahead(r, count, form.labels)
        table = r.table(0, count)
        key = per_image_sum(r, found, count, MINUS_ONE)
        key.constant = const(form.k - 1)
        r.column(1, images, "lookup", table, [key])
    elif form.form == "correct":
        count = classes(r, 0, form.k)
        labels = [r.bytes(1, images, 0, 8) for _ in range(2)]
        for image in range(images):
            r.object("label", image, [(column, image, image + 1) for column in labels])
        found = ahead(r, count, None, labels)
        table = within_rank(r, count, form.k)
        key = per_image_sum(r, found, count, ONE)
        correct = len(r.columns)
        r.column(1, images, "lookup", table, [key, cell(correct)])
        total = Element(correct, 1, wiring.total(images), (ZERO_CHANNEL, ZERO_CHANNEL))
        r.column(1, 1, "lookup", r.zero(), [Form(const(-form.count), [(total, ONE)])])
    else:
        if form.predicate == "top":
            count = classes(r, form.label, form.k)
            found = ahead(r, count, [form.label] * images)
            table, key = within_rank(r, count, form.k), per_image_sum(r, found, count, ONE)
        else:
            first, last = check_score(r, form.label, form.score)
            table = r.function(first, np.arange(first, last + 1) >= form.score)
            key = score(r, form.label)
        r.column(1, images, "lookup", table, [key, Form(by_pixel(form.holds))])


def classes(r, label: int, k: int) -> int:
    shape = r.shape(r.graph.output)
    if shape.pixels != 1 or shape.channels > 1 << 16:
        raise Rejected("Relation", "the output is not one score for each class")
    if label >= shape.channels or not 1 <= k <= shape.channels:
        raise Rejected("Relation", "the predicate is impossible")
    return shape.channels


def check_score(r, label: int, value: int) -> tuple[int, int]:
    classes(r, label, 1)
    spec = r.graph.tensors[r.graph.output]
    if not spec.min <= value <= spec.max:
        raise Rejected("Relation", "the score is impossible")
    return spec.min, spec.max


def within_rank(r, count: int, k: int) -> int:
    return r.function(0, np.arange(count) < k)


def score(r, label: int) -> Form:
    from .lowering import ONE, const

    channels = r.shape(r.graph.output).channels
    pixels = wiring.same(r.images)
    return Form(const(0), [(Element(r.output, channels, pixels, (ZERO_CHANNEL, np.array([label]))), ONE)])


def per_image_sum(r, column: int, count: int, factor) -> Form:
    from .lowering import const

    pixels = (np.arange(count * r.images) // count, np.arange(count * r.images))
    return Form(const(0), [(Element(column, 1, pixels, (ZERO_CHANNEL, ZERO_CHANNEL)), factor)])


def ahead(r, count: int, labels: list[int] | None, hidden: list[int] | None = None) -> int:
    """The column of bits that say which classes are ahead of the label."""
    from .lowering import MINUS_ONE, ONE, by_pixel, cell, const

    images = r.images
    scores = r.table(0, 0)
    every = Reordered(r.output)
    everywhere = np.arange(images * count)
    r.column(1, images * count, "row", scores, [Form(by_pixel(everywhere)), Form(const(0), [(every, ONE)])])

    def label(pixels) -> list:
        read = [(Element(c, 1, pixels, (ZERO_CHANNEL, ZERO_CHANNEL)), const(256**i)) for i, c in enumerate(hidden or ())]
        return read

    label_score = len(r.columns)
    first = np.arange(images) * count
    key = Form(by_pixel(first + np.array(labels) if labels is not None else first), label(wiring.same(images)))
    r.column(1, images, "lookup", scores, [key, cell(label_score)])

    spread = wiring.broadcast(g.Shape(1, 1, 1), g.Shape(1, count, 1), images)
    own = Element(label_score, 1, spread, (ZERO_CHANNEL, ZERO_CHANNEL))
    key = Form(const(0), [(own, const(2)), (every, const(-2))])
    if labels is not None:
        before = np.arange(count)[None, :] < np.array(labels)[:, None]
        key.constant = residues(-before.ravel().astype(np.int64))[None, :]
    else:
        keys = np.arange(-(count - 1), count)
        table = r.function(-(count - 1), keys > 0)
        position = Form(by_pixel(-np.tile(np.arange(count), images)), label(spread))
        before = len(r.columns)
        r.column(1, images * count, "lookup", table, [position, cell(before)])
        key.terms.append((Cell(before), MINUS_ONE))
    table = r.function(-511, np.arange(-511, 511) < 0)
    found = len(r.columns)
    r.column(1, images * count, "lookup", table, [key, cell(found)])
    return found
