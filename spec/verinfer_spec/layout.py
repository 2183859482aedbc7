"""Addresses of cells (protocol.md, 2)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .reject import Rejected

MAX_LOG_CELLS = 30


@dataclass
class Chunk:
    """`2^log` pixels of every channel; channel `c` begins at `(slot + c) << log`."""

    log: int
    first_pixel: int
    slot: int


@dataclass
class Placement:
    channels: int
    pixels: int
    chunks: list[Chunk] = field(default_factory=list)

    def addresses(self) -> np.ndarray:
        """By channel and pixel."""
        out = np.zeros((self.channels, self.pixels), dtype=np.int64)
        for chunk in self.chunks:
            first = (chunk.slot + np.arange(self.channels)) << chunk.log
            end = chunk.first_pixel + (1 << chunk.log)
            out[:, chunk.first_pixel : end] = first[:, None] + np.arange(1 << chunk.log)
        return out


def layout(shapes, regions) -> tuple[list[Placement], int]:
    """`regions`: lists of (column, first pixel, end) that lie together. The second result is the number of cells."""
    placements = [Placement(c, p) for c, p in shapes]
    if sum(c * p for c, p in shapes) > 1 << MAX_LOG_CELLS:
        raise Rejected("Relation", "too many cells")
    in_region = {column for region in regions for column, _, _ in region}
    next_cell = 0

    def place(column: int, start: int, end: int, log: int) -> None:
        nonlocal next_cell
        length = end - start
        if length >> log & 1:
            placement = placements[column]
            next_cell = -(-next_cell >> log) << log
            placement.chunks.append(Chunk(log, start + (length >> (log + 1) << (log + 1)), next_cell >> log))
            next_cell += placement.channels << log

    def alignment(region) -> int:
        largest = max([end - start for _, start, end in region] + [1])
        return max(largest.bit_length() - 1, 7)

    for log in range(MAX_LOG_CELLS, -1, -1):
        for column, (_, pixels) in enumerate(shapes):
            if column not in in_region:
                place(column, 0, pixels, log)
        for region in regions:
            if alignment(region) == log:
                next_cell = -(-next_cell >> log) << log
                for inner in range(log, -1, -1):
                    for column, start, end in region:
                        place(column, start, end, inner)
    for placement in placements:
        placement.chunks.sort(key=lambda chunk: chunk.first_pixel)
    return placements, next_cell
