"""Commitments to bytes: keys, tags and the check of cells (commitments.md, 1 and 2)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from blake3 import blake3

from .field import ONE, K, P, two_adic_generator
from .vector import dot_f, fadd, fmul, fsub, kfmul, kmul, powers, scale, scatter_once

DEGREE = 128
BLOCK_COLUMNS = 512


def uniform(message: bytes, context: str) -> np.ndarray:
    """128 elements of F from an XOF; integers of P and more are skipped."""
    hasher = blake3(message, derive_key_context=context)
    integers = np.frombuffer(hasher.digest(length=8 * 160), dtype="<u8")
    return integers[integers < np.uint64(P)][:DEGREE].astype(np.uint64)


@lru_cache(maxsize=None)
def keys(level: str, count: int) -> np.ndarray:
    """By column and slot."""
    context = f"verinfer commitment v1 {level} key"
    return np.stack([uniform(k.to_bytes(8, "little"), context) for k in range(count)])


def point(tag: bytes) -> np.ndarray:
    return uniform(tag, "verinfer commitment v1 tag")


@lru_cache(maxsize=None)
def splits() -> tuple:
    """By layer and node: the `c` of `X^(2h) - c^2 = (X^h - c)(X^h + c)`."""
    theta, exponents, found = two_adic_generator(8), [DEGREE], []
    for _ in range(7):
        found.append(np.array([pow(theta, e // 2, P) for e in exponents], dtype=np.uint64))
        exponents = [x for e in exponents for x in (e // 2, e // 2 + DEGREE)]
    return tuple(found)


def transpose(weights: np.ndarray) -> np.ndarray:
    """Weights `u_t` of slots to weights `sum_t u_t theta_t^i` of coefficients, along the last axis."""
    shape = weights.shape
    for layer in range(6, -1, -1):
        nodes, half = 1 << layer, DEGREE >> (layer + 1)
        parts = weights.reshape(*shape[:-1], nodes, 2, half)
        low, high = parts[..., 0, :], parts[..., 1, :]
        difference = fmul(fsub(low, high), splits()[layer][:, None])
        weights = np.stack([fadd(low, high), difference], axis=-2).reshape(shape)
    return weights


class Check:
    """For challenges `gamma` and `nu`."""

    def __init__(self, gamma: K, nu: K):
        self.gammas, self.nu = powers(gamma, DEGREE), nu
        self.columns: dict = {}

    def of_columns(self, level: str, count: int) -> np.ndarray:
        """Weights of the bytes of columns, of shape (3, columns, 128)."""
        if (level, count) not in self.columns:
            slots = kfmul(self.gammas[:, None, :], keys(level, count))
            self.columns[level, count] = transpose(slots)
        return self.columns[level, count]

    def target(self, commitment: list[int], tag: bytes, blocks: int) -> K:
        root = fsub(np.array(commitment, dtype=np.uint64), point(tag))
        return dot_f(self.gammas, root) * self.nu**blocks

    def add(self, o, bases: tuple[int, int, int], factor: K, weights: np.ndarray) -> None:
        """Adds `factor` times the weights of an object's cells."""
        columns = -(-o.length // DEGREE)
        values = self.of_columns("values", min(columns, BLOCK_COLUMNS))
        power = factor
        for block in range(max(o.blocks, 1)):
            count = min(o.length - (block << 16), 1 << 16)
            first = bases[0] + (block << 16)
            found = scale(power, values.reshape(3, -1)[:, :count])
            scatter_once(weights, slice(first, first + count), found)
            if o.blocks:
                # The digest's bytes, whose elements are subtracted.
                places = np.array([1 << (8 * i) for i in range(8)], dtype=np.uint64)
                bytes_ = kfmul(self.gammas[:, :, None], places[None, :]).reshape(3, -1)
                first = bases[1] + 1024 * block
                scatter_once(weights, slice(first, first + 1024), scale(-power, bytes_))
                power = power * self.nu
        if o.blocks:
            digests = scale(power, self.of_columns("digests", 8 * o.blocks).reshape(3, -1))
            scatter_once(weights, slice(bases[1], bases[1] + digests.shape[1]), digests)
        salt = scale(power, self.of_columns("salt", 10).reshape(3, -1))
        scatter_once(weights, slice(bases[2], bases[2] + salt.shape[1]), salt)
