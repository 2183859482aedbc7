"""Which pixels of a source feed which pixels of a target (protocol.md, 7.7)."""

from __future__ import annotations

import numpy as np

from .graph import Shape, Window


def repeat(targets, sources, num_targets: int, num_sources: int, images: int):
    """The same connections in each image."""
    image = np.arange(images)[:, None]
    return (targets + image * num_targets).ravel(), (sources + image * num_sources).ravel()


def same(num_pixels: int):
    return np.arange(num_pixels), np.arange(num_pixels)


def total(num_sources: int):
    return np.zeros(num_sources, dtype=np.int64), np.arange(num_sources)


def tap_pairs(window: Window, source: Shape, target: Shape, tap: int):
    """Of one image."""
    y, x = np.divmod(np.arange(target.pixels), target.width)
    ky, kx = divmod(tap, window.kernel_w)
    row = y * window.stride_h + ky * window.dilation_h - window.pad_top
    column = x * window.stride_w + kx * window.dilation_w - window.pad_left
    exists = (row >= 0) & (row < source.height) & (column >= 0) & (column < source.width)
    return np.flatnonzero(exists), (row * source.width + column)[exists]


def windowed(window: Window, source: Shape, target: Shape, images: int, tap: int | None = None):
    taps = range(window.taps) if tap is None else (tap,)
    pairs = [tap_pairs(window, source, target, t) for t in taps]
    targets, sources = (np.concatenate(side) for side in zip(*pairs))
    return repeat(targets, sources, target.pixels, source.pixels, images)


def broadcast(source: Shape, target: Shape, images: int):
    y, x = np.divmod(np.arange(target.pixels), target.width)
    row = y if source.height > 1 else 0 * y
    column = x if source.width > 1 else 0 * x
    return repeat(np.arange(target.pixels), row * source.width + column, target.pixels, source.pixels, images)


def inset(source: Shape, target: Shape, top: int, left: int, images: int):
    y, x = np.divmod(np.arange(source.pixels), source.width)
    return repeat((y + top) * target.width + x + left, np.arange(source.pixels), target.pixels, source.pixels, images)
