"""Products of matrices: a kernel of tiles, or large ones the library's where they lie so that it can take them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product as indices

from ..ir import Eqn, Spot, Sums
from ..passes import ITEM
from .c_memory import C_TYPE, Access, Memory, UnfitError, collapse
from .cuda_tiles import SMALL, tiles
from .cuda_work import Body, Gemm, Kernel, Matrix, Work, indented, split_index, strided

MIDDLE = 2**25
"""Multiplications of an equation up to which tiles do it. That many take 1.1 us at the peak of an H100: what such a
product takes is waiting, which tiles of ours do not do longer, and they can be one kernel with what is beside them."""
MOST_CALLS = 16
"""Calls of the library for one equation."""


def product(memory: Memory, eqn: Eqn, out: Access, tf32: bool = False) -> Body:
    """The work of a matrix product. With `tf32` the library has those of float32 matrices of more than SMALL
    multiplications, for its tensor cores."""
    every, batch, strides, sizes = _parts(memory, eqn, out)
    one = math.prod(sizes)
    large = one > SMALL if tf32 and out.dtype == "float32" else one * math.prod(batch) > MIDDLE
    if large and (calls := _calls(memory, every, batch, strides, sizes)):
        return Body(calls)
    return Body([_sums(every, batch, strides, sizes)])


def small_product(memory: Memory, eqn: Eqn, out: Access, most: int = SMALL) -> Body:
    """The same for matrices in the memory of a block: each number by one thread, its sum in the order of memory too.
    Raises UnfitError for more than `most` multiplications."""
    every, batch, strides, (m, n, k) = _parts(memory, eqn, out)
    if m * n * k > most:
        raise UnfitError
    kind, total = C_TYPE[out.dtype], math.prod(batch) * m * n
    index = [f"i{axis}" for axis in range(len(batch))]
    a, b, c = _along(every, strides)
    fma = "fmaf" if kind == "float" else "fma"
    term = f"{fma}({a.at([*index, 'i', 'p'])}, {b.at([*index, 'p', 'j'])}, sum)"
    inner = [
        *split_index("q", (*batch, m, n), [*index, "i", "j"], "int"),
        f"{kind} sum = 0;",
        "#pragma unroll 8",
        f"for (int p = 0; p < {k}; p++) sum = {term};",
        f"{c.at([*index, 'i', 'j'])} = sum;",
    ]
    lines = (f"for (int q = THREAD; q < {total}; q += THREADS) {{", *indented(inner), "}")
    return Body([Kernel(lines, *strided(total))])


def _parts(
    memory: Memory, eqn: Eqn, out: Access
) -> tuple[list[Access], tuple[int, ...], list[tuple[int, ...]], tuple[int, int, int]]:
    """The three matrices, the axes of the batch taken together with the strides of each matrix along them, and the
    rows, columns and terms of a product."""
    a, b = eqn.operands
    lead = eqn.output.shape[:-2]
    if 0 in (*eqn.output.shape, a.shape[-1]):
        raise UnfitError
    every = [*(memory.access(x, (*lead, *x.shape[-2:])) for x in (a, b)), out]
    batch, strides = collapse(lead, [x.strides[: len(lead)] for x in every])
    return every, batch, strides, (a.shape[-2], b.shape[-1], a.shape[-1])


def _along(every: Sequence[Access], strides: Sequence[tuple[int, ...]]) -> list[Access]:
    """The matrices with those strides along the batch."""
    return [x.along((*s, *x.strides[-2:])) for x, s in zip(every, strides, strict=True)]


def _calls(
    memory: Memory,
    every: Sequence[Access],
    batch: tuple[int, ...],
    strides: Sequence[tuple[int, ...]],
    sizes: tuple[int, int, int],
) -> list[Work]:
    """Calls of the library; none where it cannot take the matrices."""
    m, n, k = sizes
    own, count = batch[:-1], batch[-1] if batch else 1
    shapes = ((m, k), (k, n), (m, n))
    calls: list[Work] = []
    for index in indices(*map(range, own)):
        if len(calls) == MOST_CALLS:
            return []
        matrices = []
        for access, steps, shape in zip(every, strides, shapes, strict=True):
            begin = sum(i * s for i, s in zip(index, steps, strict=False))
            found = _matrix(memory, access, begin, steps[-1] if steps else 0, shape)
            if found is None:
                return []
            matrices.append(found)
        calls.append(Gemm(m, n, k, count, every[2].dtype, *matrices))
    return calls


def _matrix(memory: Memory, access: Access, begin: int, step: int, shape: tuple[int, int]) -> Matrix | None:
    """A matrix as the library takes it, None where neither its rows nor its columns are dense."""
    (rows, columns), (down, right) = shape, access.strides[-2:]
    transposed = not (right == 1 or columns == 1)
    if transposed and not (down == 1 or rows == 1):
        return None
    stride, least = (right, rows) if transposed else (down, columns)
    if (columns if transposed else rows) == 1:
        stride = least  # a single row: how far the next would lie says nothing
    if stride < least:
        return None  # rows that overlap, or one row repeated
    buffer = access.place.buffer
    start = (access.place.offset + begin) * ITEM[access.dtype]
    if buffer.kind == "arena":
        return Matrix(None, buffer.start + start, stride, transposed, step)
    return Matrix(memory.tables[buffer], start, stride, transposed, step)


def _sums(
    every: Sequence[Access], batch: tuple[int, ...], strides: Sequence[tuple[int, ...]], sizes: tuple[int, int, int]
) -> Kernel:
    """The same by tiles, however the matrices lie."""
    m, n, k = sizes
    parts, turned = [], []
    for access, own in zip(every, strides, strict=True):
        down, right = access.strides[-2:]
        turned.append(down == 1 != right)
        parts.append(access.along((*own, *((right, down) if turned[-1] else (down, right)))))

    def spot(which: int) -> Callable[[Sequence[str], Sequence[str], Sequence[str]], Spot]:
        return lambda b, i, j: Spot((*b, *((*j, *i) if turned[which] else (*i, *j))))

    return tiles(Sums(batch, (m,), (n,), (k,), *map(spot, range(3))), *parts)
