"""Array functions that the code of primitives calls. Each is written over `xp` alone, so that it runs on NumPy and on
CuPy, and is printed with the programs that use it: keep them short, self-contained and free of other names."""

# Their source is part of printed programs, so they are annotated sparingly.
from __future__ import annotations

from typing import Any


def softmax(xp: Any, x: Any, axis: int) -> Any:
    e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


def log_softmax(xp: Any, x: Any, axis: int) -> Any:
    shifted = x - xp.max(x, axis=axis, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


def erf(xp: Any, x: Any) -> Any:
    # Near 0 x Q(x^2), the Taylor series; else 1 - erfc, erfc(a) = t exp(-a^2) P(2t - 1), t = 2 / (2 + a), P a Chebyshev
    # series as a polynomial. 1 - erfc alone would leave few digits of a small result.
    taylor = (
        -1.2290555301717926e-09, 1.4807192815879218e-08, -1.6365844691234924e-07, 1.6462114365889246e-06,
        -1.492565035840625e-05, 0.00012055332981789664, -0.0008548327023450852, 0.005223977625442188,
        -0.026866170645131252, 0.11283791670955126, -0.37612638903183754, 1.1283791670955126,
    )  # fmt: skip
    coefficients = (
        6.597367302900275e-09, -4.946607757245824e-09, -5.145629434357736e-08, 6.610183151765426e-08,
        1.497143526022312e-07, -3.7163646958410467e-07, 1.5720540066794157e-08, 1.0739744686311663e-06,
        -1.835078540898153e-06, -6.050557593208622e-07, 8.06710621122023e-06, -1.0831436166846611e-05,
        -1.7076638145079572e-05, 7.223098558594817e-05, -1.71852541704069e-05, -0.00033153601371393716,
        0.0004186479710660508, 0.0015453059557186107, -0.0032395925295271534, -0.010755330940908886,
        0.01822111575329492, 0.13973604627794914, 0.3435803422069067, 0.5107913526210117,
    )  # fmt: skip
    # Names are used again so that few arrays exist at a time.
    a = xp.abs(x)
    t = 2.0 / (2.0 + a)
    u = 2.0 * t - 1.0
    p = 0.0 * u
    for c in coefficients:
        p = p * u + c
    far = xp.sign(x) * (1.0 - t * xp.exp(-a * a) * p)
    u = xp.where(a < 0.5, a * a, 0.0)
    p = 0.0 * u
    for c in taylor:
        p = p * u + c
    return xp.where(a < 0.5, x * p, far)


def erf_in_place(xp: Any, out: Any) -> None:
    # Chunked, so that the polynomial's intermediate values stay in the cache.
    flat = xp.reshape(out, (-1,))
    for i in range(0, flat.size, 4096):
        flat[i : i + 4096] = erf(xp, flat[i : i + 4096])


def gather_into(xp: Any, table: Any, indices: Any, out: Any) -> None:
    # Chunked: NumPy copies all of `out` to check the indices first.
    flat = xp.reshape(indices, (-1,))
    rows = xp.reshape(out, (flat.size, *table.shape[1:]))
    size = max(16384 // max(table[0].size, 1), 1)
    for i in range(0, flat.size, size):
        rows[i : i + size] = xp.take(table, flat[i : i + size], axis=0)


def scatter_add_into(xp: Any, updates: Any, indices: Any, out: Any) -> None:
    # A stable sort groups equal indices; their updates are summed in order, and each sum is added once: the result is
    # deterministic, on a GPU too. Chunked, so that copies stay small.
    flat = xp.reshape(indices, (-1,))
    values = xp.reshape(updates, (flat.size, out[:1].size))
    total = xp.reshape(out, (out.shape[0], values.shape[1]))
    order = xp.argsort(flat, kind="stable")
    total[...] = 0
    size = max(16384 // values.shape[1], 1)
    for i in range(0, flat.size, size):
        some = order[i : i + size]
        keys = xp.take(flat, some)
        heads = xp.concatenate((xp.zeros(1, xp.int64), xp.flatnonzero(keys[1:] != keys[:-1]) + 1))
        rows = xp.take(keys, heads)
        total[rows] = total[rows] + xp.add.reduceat(xp.take(values, some, axis=0), heads, axis=0)


def scatter_add(xp: Any, updates: Any, indices: Any, rows: int) -> Any:
    out = xp.empty((rows, *updates.shape[indices.ndim :]), updates.dtype)
    scatter_add_into(xp, updates, indices, out)
    return out


def philox(xp: Any, seed: Any, step: Any, stream: int, first: int, blocks: int) -> Any:
    # Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011): key (seed, stream), counter (block, 0, step low, step high); 4
    # words per block.
    low = 0xFFFFFFFF
    block = xp.arange(first, first + blocks, dtype=xp.uint64)
    zero = xp.zeros_like(block)
    at = zero + step.astype(xp.uint64)
    k0, k1 = zero + (seed.astype(xp.uint64) & low), zero + stream
    c0, c1, c2, c3 = block, zero + (seed.astype(xp.uint64) >> 32), at & low, at >> 32
    for _ in range(10):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & low, (p0 >> 32) ^ c3 ^ k1, p0 & low
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    return xp.stack((c0, c1, c2, c3), axis=1)


def uniform(xp: Any, seed: Any, step: Any, stream: int, shape: Any, dtype: Any) -> Any:
    out = xp.empty(shape, dtype=dtype)
    uniform_into(xp, seed, step, stream, out)
    return out


def uniform_into(xp: Any, seed: Any, step: Any, stream: int, out: Any) -> None:
    # Numbers in [0, 1): 24 bits of one word for float32, 53 bits of two for float64. Chunked, so that the words stay in
    # the cache.
    flat = xp.reshape(out, (-1,))
    single = out.dtype == xp.float32
    words = 4 if single else 2
    for i in range(0, flat.size, 1024 * words):
        piece = flat[i : i + 1024 * words]
        bits = philox(xp, seed, step, stream, i // words, -(-piece.size // words))
        if single:
            numbers = (xp.reshape(bits, (-1,)) >> 8) * 2.0**-24
        else:
            numbers = ((bits[:, 0::2] >> 5) * 2**26 + (bits[:, 1::2] >> 6)) * 2.0**-53
        piece[...] = xp.reshape(numbers, (-1,))[: piece.size]


def loop(xp: Any, body: Any, length: int, carries: int, scanned: int, reverse: Any, *values: Any) -> Any:
    # Carries pass from iteration to iteration; each iteration gets its slice of the scanned values; constants are
    # shared.
    state, sequences, constants = values[:carries], values[carries : carries + scanned], values[carries + scanned :]
    collected = [()] * length
    for t in range(length - 1, -1, -1) if reverse else range(length):
        results = body(*state, *(x[t] for x in sequences), *constants)
        state, collected[t] = results[:carries], results[carries:]
    return (*(xp.array(x) for x in state), *(xp.stack(column) for column in zip(*collected)))


def shift(xp: Any, x: Any, offsets: Any) -> Any:
    rows = xp.arange(x.shape[1])[None] + offsets[:, 0:1]
    columns = xp.arange(x.shape[2])[None] + offsets[:, 1:2]
    inside = ((rows >= 0) & (rows < x.shape[1]))[:, :, None] & ((columns >= 0) & (columns < x.shape[2]))[:, None, :]
    rows, columns = xp.clip(rows, 0, x.shape[1] - 1), xp.clip(columns, 0, x.shape[2] - 1)
    moved = x[xp.arange(x.shape[0])[:, None, None], rows[:, :, None], columns[:, None, :]]
    return xp.where(xp.reshape(inside, (*inside.shape, *(1,) * (x.ndim - 3))), moved, xp.zeros_like(moved))


def shift_into(xp: Any, x: Any, offsets: Any, out: Any) -> None:
    # Chunked, so that copies stay small.
    size = max(8192 // max(x[0].size, 1), 1)
    for i in range(0, x.shape[0], size):
        out[i : i + size] = shift(xp, x[i : i + size], offsets[i : i + size])
