"""Vectors over `F` (uint64) and over `K` (arrays of shape (3, n)), in numpy."""

import numpy as np

from .field import K, P

LOW = np.uint64(0xFFFFFFFF)
H32 = np.uint64(32)
EPSILON = np.uint64(0xFFFFFFFF)
ORDER = np.uint64(P)


def residues(values) -> np.ndarray:
    """Residues of signed 64-bit integers."""
    v = np.asarray(values, dtype=np.int64)
    return np.where(v < 0, v.astype(np.uint64) + ORDER, v.astype(np.uint64))


def fadd(a, b):
    s = a + b
    s = s + EPSILON * (s < a)
    return s - ORDER * (s >= ORDER)


def fsub(a, b):
    d = a - b
    return d - EPSILON * (a < b)


def fmul(a, b):
    al, ah, bl, bh = a & LOW, a >> H32, b & LOW, b >> H32
    ll, lh, hl = al * bl, al * bh, ah * bl
    mid = (ll >> H32) + (lh & LOW) + (hl & LOW)
    low = (ll & LOW) | (mid << H32)
    high = ah * bh + (lh >> H32) + (hl >> H32) + (mid >> H32)
    # 2^64 = 2^32 - 1 and 2^96 = -1.
    top, middle = high >> H32, (high & LOW) * EPSILON
    t = low - top
    t = t - EPSILON * (low < top)
    r = t + middle
    r = r + EPSILON * (r < middle)
    return r - ORDER * (r >= ORDER)


def fsum(a, axis=-1):
    """Sum modulo P along an axis of fewer than 2^31 entries."""
    low = (a & LOW).sum(axis=axis, dtype=np.uint64)
    high = (a >> H32).sum(axis=axis, dtype=np.uint64)
    return fadd(low % ORDER, fmul(high % ORDER, np.uint64(1 << 32)))


def kvec(x: K) -> np.ndarray:
    return np.array([[x.a], [x.b], [x.c]], dtype=np.uint64)


def scalar(v) -> K:
    return K(int(v[0]), int(v[1]), int(v[2]))


BLOCK = 1 << 12


def kmul(x, y):
    """Products of elements of K; shapes (3, ...) that broadcast."""
    length = max(x.shape[-1], y.shape[-1])
    if x.ndim == y.ndim == 2 and length > BLOCK:
        # What is computed on the way stays in the processor's cache.
        out = np.empty((3, length), dtype=np.uint64)
        for i in range(0, length, BLOCK):
            part = slice(i, i + BLOCK)
            out[:, part] = kmul(*(v if v.shape[1] == 1 else v[:, part] for v in (x, y)))
        return out
    a, b, c = x
    d, e, f = y
    ad, be, cf = fmul(a, d), fmul(b, e), fmul(c, f)
    third = fsub(fsub(fmul(fadd(b, c), fadd(e, f)), be), cf)
    first = fsub(fsub(fmul(fadd(a, b), fadd(d, e)), ad), be)
    second = fadd(fsub(fsub(fmul(fadd(a, c), fadd(d, f)), ad), cf), be)
    return np.stack([fadd(ad, third), fadd(fadd(first, third), cf), fadd(second, cf)])


def scale(x: K, v):
    """A scalar times a vector over K."""
    return kmul(kvec(x).reshape(3, *([1] * (v.ndim - 1))), v)


def kfmul(x, y):
    """Elements of K times elements of F."""
    if x.ndim == 2 and y.ndim == 1 and x.shape[1] == len(y) > BLOCK:
        out = np.empty(x.shape, dtype=np.uint64)
        for i in range(0, len(y), BLOCK):
            out[:, i : i + BLOCK] = fmul(x[:, i : i + BLOCK], y[None, i : i + BLOCK])
        return out
    return fmul(x, y[None])


def scale_f(x: K, v):
    """A scalar of K times a vector over F."""
    return fmul(kvec(x).reshape(3, *([1] * v.ndim)), v[None])


def ksum(v) -> K:
    return scalar(fsum(v.reshape(3, -1)))


def dot(x, y) -> K:
    return ksum(kmul(x, y))


def dot_f(x, y) -> K:
    """Of elements of K with elements of F."""
    return ksum(kfmul(x, y))


def scatter_add(target, index, values):
    """`target[:, index[i]] += values[:, i]`, where indices may repeat."""
    n = target.shape[1]
    for row in range(3):
        low = np.zeros(n, dtype=np.uint64)
        high = np.zeros(n, dtype=np.uint64)
        np.add.at(low, index, values[row] & LOW)
        np.add.at(high, index, values[row] >> H32)
        total = fadd(low % ORDER, fmul(high % ORDER, np.uint64(1 << 32)))
        target[row] = fadd(target[row], total)


def scatter_once(target, index, values):
    """The same where no index repeats."""
    target[:, index] = fadd(target[:, index], values)


def eq_table(point: list[K], length: int | None = None):
    """`eq(point, i)` for `i < length`."""
    table = np.array([[1], [0], [0]], dtype=np.uint64)
    for bit, coordinate in enumerate(point):
        if length is not None and (1 << bit) >= length:
            rest = scale(K(1) - coordinate, table)
            table = rest
            continue
        high = scale(coordinate, table)
        table = np.concatenate([fsub(table, high), high], axis=1)
    return table if length is None else table[:, :length]


def powers(x: K, n: int):
    """`1, x, x^2, ...`, n of them."""
    table = np.array([[1], [0], [0]], dtype=np.uint64)
    step = x
    while table.shape[1] < n:
        table = np.concatenate([table, scale(step, table)], axis=1)
        step = step * step
    return table[:, :n]


def eq_index(point: list[K], index: int) -> K:
    result = K(1)
    for bit, coordinate in enumerate(point):
        result = result * (coordinate if index >> bit & 1 else K(1) - coordinate)
    return result
