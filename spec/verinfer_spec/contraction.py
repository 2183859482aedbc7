"""Step 5: linear layers, and where weights are hidden their multipliers (protocol.md, 3 and 8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import wiring
from .affine import Affine, combination
from .field import ONE, ZERO, K, P
from .lookups import quadratic
from .messages import Messages
from .relation import INPUT
from .sparse import Matrix, Scatter
from .vector import dot, dot_f, eq_table, fsub, fsum, kfmul, kmul, ksum, residues, scale, scatter_once


def rounds(messages, label: str, count: int, claim):
    point = []
    for _ in range(count):
        at_zero, leading = messages.receive(label, 2)
        x = messages.challenge(label)
        claim = quadratic(claim, at_zero, leading, x)
        point.append(x)
    return point, claim


class Grids:
    """Weights of rows and of entries of grids at a point."""

    def __init__(self, grids, point: list[K]):
        rows = {g.log_width: None for g in grids}
        entries = dict(rows)
        for width in rows:
            rows[width], entries[width] = eq_table(point[width:]), eq_table(point[:width])
        self.rows = [rows[g.log_width][:, g.first_row : g.first_row + g.rows] for g in grids]
        self.entries = [entries[g.log_width][:, : g.width] for g in grids]


class Wires:
    """The activation side `A` as connections of chunks' pixels, taps and elements that are read."""

    def __init__(self, matrix: Matrix):
        r = matrix.relation
        self.logs = sorted({c.log for l in r.layers for c in r.placements[l.output].chunks})
        starts = dict(zip(self.logs, np.cumsum([0] + [1 << log for log in self.logs])))
        rows, weights, targets = [], [], []
        pixels, entries, addresses, zeros = [], [], [], []
        first_row = first_pixel = first_entry = 0
        for layer in r.layers:
            chunks, taps = r.placements[layer.output].chunks, layer.window.taps
            chunk_of = np.concatenate([np.full(1 << c.log, k) for k, c in enumerate(chunks)])
            weight_of = np.concatenate([starts[c.log] + np.arange(1 << c.log) for c in chunks])
            for tap in range(taps):
                to, source = wiring.windowed(layer.window, layer.input_shape, layer.output_shape, r.images, tap)
                rows.append(first_row + chunk_of[to] * taps + tap)
                weights.append(weight_of[to])
                targets.append(first_pixel + source)
            num_pixels, inner = layer.input_shape.pixels * r.images, np.arange(layer.inner)
            channel = inner
            if layer.depthwise:
                channel = inner // (layer.output_shape.channels // layer.input_shape.channels)
            pixel = np.arange(num_pixels)
            if layer.location == INPUT:
                found = matrix.input + pixel[:, None] * layer.input_shape.channels + channel[None, :]
            else:
                found = matrix.addresses[layer.location].T[:, channel]
            addresses.append(found.ravel())
            pixels.append(np.repeat(first_pixel + pixel, len(inner)))
            entries.append(np.tile(first_entry + inner, num_pixels))
            zeros.append(np.full(found.size, layer.input_zero_point))
            first_row += layer.rows
            first_pixel += num_pixels
            first_entry += layer.inner
        join = lambda parts: np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        self.rows, self.weights = join(rows), join(weights)
        self.to_pixels, self.num_pixels = Scatter(join(targets)), first_pixel
        self.pixels, self.entries, self.zeros = join(pixels), join(entries), residues(join(zeros))
        self.to_elements = Scatter(join(addresses))

    def add(self, leaf_point: list[K], grids: Grids, factor: K, weights: np.ndarray) -> K:
        """Adds `factor * A(rho)`; the result is its constant."""
        if not len(self.rows):
            return ZERO
        low = np.concatenate([eq_table(leaf_point[:log]) for log in self.logs], axis=1)
        rows = np.concatenate(grids.rows, axis=1)
        by_pixel = np.zeros((3, self.num_pixels), dtype=np.uint64)
        self.to_pixels.add(by_pixel, kmul(rows[:, self.rows], low[:, self.weights]))
        by_pixel = scale(factor, by_pixel)
        values = kmul(by_pixel[:, self.pixels], np.concatenate(grids.entries, axis=1)[:, self.entries])
        self.to_elements.add(weights, values)
        return -dot_f(values, self.zeros)


def public_weights(r, grids: Grids, weights: np.ndarray, matrix: Matrix) -> K:
    """`B(rho)`."""
    total = ZERO
    for number, layer in enumerate(r.layers):
        rows, entries, taps = grids.rows[number], grids.entries[number], layer.window.taps
        channels = layer.output_shape.channels
        w = residues(np.array(layer.op.weights, dtype=np.int64) - layer.op.weight_zero_point)
        first = matrix.accumulators[number]
        count = rows.shape[1] // taps
        acc = weights[:, first : first + count * channels].reshape(3, count, 1, channels)
        # By tap and channel: the sum over chunks.
        by_tap = fsum(kmul(acc, rows.reshape(3, count, taps, 1)), axis=1)
        if layer.depthwise:
            part = kfmul(by_tap, w.reshape(taps, channels))
            total = total + ksum(kmul(part, entries.reshape(3, 1, channels)))
        else:
            inner = fsum(kfmul(entries.reshape(3, 1, 1, -1), w.reshape(channels, taps, -1)), axis=3)
            total = total + dot(by_tap.reshape(3, -1), inner.transpose(0, 2, 1).reshape(3, -1))
    return total


@dataclass
class Layers:
    """What step 5 leaves: claimed sums, `rho`, `A(rho)`, and with hidden weights `xi`, `rho'`, `P(rho')`, `Q(rho')`."""

    claimed: Affine
    point: list[K]
    activations: Affine
    scaling: tuple | None
    messages: Messages
    claim: Affine
    check: int

    def weigh(self, weights: K) -> None:
        """With public weights: what must be zero, once `B(rho)` is known."""
        self.messages.checks[self.check] = combination((ONE, self.claim), (-weights, self.activations))


def verify(messages: Messages, r) -> Layers:
    check = len(messages.checks)
    if r.log_scaling_len is None:
        (claimed,) = messages.receive("accumulators", 1)
        point, claim = rounds(messages, "contraction round", r.log_contraction_len, claimed)
        (activations,) = messages.receive("contraction ends", 1)
        messages.require_zero(claim)
        return Layers(claimed, point, activations, None, messages, claim, check)
    accumulators, signs = messages.receive("accumulators", 2)
    point, claim = rounds(messages, "contraction round", r.log_contraction_len, accumulators)
    activations, learned = messages.receive("contraction ends", 2)
    messages.require_zero(combination((ONE, claim), (-ONE, messages.product(activations, learned))))
    xi = messages.challenge("scaling combination")
    second, claim = rounds(messages, "scaling round", r.log_scaling_len, learned.plus(xi, signs))
    scales, contracted = messages.receive("scaling ends", 2)
    messages.require_zero(combination((ONE, claim), (-ONE, messages.product(scales, contracted))))
    scaling = (xi, second, scales, contracted)
    return Layers(accumulators.plus(ONE, signs), point, activations, scaling, messages, claim, check)


def add_scales(r, matrix: Matrix, xi: K, grids: Grids, factor: K, leaf: np.ndarray, weights: np.ndarray) -> None:
    """Adds `factor * P(rho')` to the weights of hidden integers; `leaf` has those of accumulators and signs."""
    for part, (number, sign) in enumerate(r.parts):
        layer, grid = r.layers[number], r.part_grids[part]
        first = (matrix.signs if sign else matrix.accumulators)[number]
        by_chunk = leaf[:, first : first + grid.rows * grid.width].reshape(3, grid.rows, grid.width)
        channels = fsum(kmul(by_chunk, grids.rows[part].reshape(3, -1, 1)), axis=1)
        channels = scale(factor * xi if sign else factor, kmul(channels, grids.entries[part]))
        integers = matrix.of_integers(layer.hidden.sign_factor if sign else layer.hidden.multiplier)
        scatter_once(weights, slice(integers, integers + grid.width), channels)


def add_contracted(r, matrix: Matrix, leaf_point, inner: Grids, grids: Grids, factor: K, weights: np.ndarray) -> None:
    """Adds `factor * Q(rho')`."""
    for part, (number, sign) in enumerate(r.parts):
        layer = r.layers[number]
        rows, channels = grids.rows[part], scale(factor, grids.entries[part])
        if sign:
            column = layer.hidden.sign
            for k, chunk in enumerate(r.placements[column].chunks):
                pixels = kmul(rows[:, k : k + 1], eq_table(leaf_point[: chunk.log]))
                end = chunk.first_pixel + (1 << chunk.log)
                cells = matrix.addresses[column][:, chunk.first_pixel : end]
                values = kmul(channels.reshape(3, -1, 1), pixels.reshape(3, 1, -1))
                scatter_once(weights, cells.ravel(), values.reshape(3, -1))
            continue
        taps, entries = layer.window.taps, inner.entries[number]
        by_chunk = inner.rows[number].reshape(3, -1, taps)
        by_tap = fsum(kmul(by_chunk, rows.reshape(3, -1, 1)), axis=1)
        cells = matrix.addresses[layer.hidden.weights]
        if layer.depthwise:
            values = kmul(by_tap.reshape(3, -1, 1), kmul(channels, entries).reshape(3, 1, -1))
        else:
            pixels = kmul(by_tap.reshape(3, -1, 1), entries.reshape(3, 1, -1)).reshape(3, 1, -1)
            values = kmul(channels.reshape(3, -1, 1), pixels)
        scatter_once(weights, cells.ravel(), values.reshape(3, -1))
        zero_point = matrix.addresses[layer.hidden.zero_point].ravel()
        total = fsum(values.reshape(3, -1)).reshape(3, 1)
        weights[:, zero_point] = fsub(weights[:, zero_point], total)
