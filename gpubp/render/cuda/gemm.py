"""Matrix products: our tiled GEMM kernels, or cuBLASLt for large ones whose layout it supports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product as indices

from ...ir import Contraction, Eqn, MaskedIndex, Product
from ...ops import add, relu
from ...passes import ITEM
from ..c.memory import C_TYPE, Access, Memory, NoKernelError, collapse
from ..c.statements import braced
from ..loop_addresses import Address
from .epilogue import ElementEpilogue, Epilogue
from .tiles import tiles
from .work import Body, Gemm, Kernel, Matrix, aligned, grid_stride, unflatten

Index = Sequence[str]

MIDDLE = 2**25
"""Multiplications up to which our tiles are used. That many take 1.1 us at the peak of an H100: the time of smaller
products is latency, in which our tiles are no worse, and they can be fused with neighbouring kernels."""
NARROW = 16
"""Rows, columns or terms up to which our tiles are used as well, however large the other dimensions: such products are
bound by memory bandwidth. With ten classes after 4096 units, and 8192 rows, the library took 68 to 82 us on an H100 for
each of the three products and a kernel between them 172 us; with our tiles all take 290 us instead of 390."""
MAX_CALLS = 16
"""Maximum library calls for one equation."""
ADDS, RECTIFIES = add.c, relu.c
"""The forms of the equations that the library's epilogue supports."""
BIAS_ALIGNED = 4
"""Alignment, in elements, of a bias that the library adds: its vectorized loads need it."""


def product(memory: Memory, results: Epilogue, tf32: bool) -> Body:
    """The work of a matrix product and its epilogue. The library's own epilogue supports a bias and a ReLU. `tf32`:
    whether tensor cores may be used, where they are faster."""
    accesses, batch, sizes = _parts(memory, results.first)
    large = math.prod((*sizes, *batch)) > MIDDLE and min(sizes) > NARROW
    stored = results.parts[-1].store
    if large and stored is not None and (calls := _calls(memory, [*accesses[:2], stored], batch, sizes)):
        return Body(calls if len(results.parts) == 1 else [with_epilogue(memory, calls, results)])
    return Body([_tiled(accesses[0], accesses[1], batch, sizes, results, tf32)])


def small_product(memory: Memory, results: ElementEpilogue, limit: int) -> Body:
    """The same for matrices in shared memory: one thread per result, which sums in memory order. Raises NoKernelError
    for more than `limit` multiplications, and for convolutions."""
    eqn = results.first
    if not isinstance(eqn.op.c, Product):
        raise NoKernelError
    (a, b, _), batch, (m, n, k) = _parts(memory, eqn)
    if m * n * k > limit:
        raise NoKernelError
    kind, total = C_TYPE[eqn.output.dtype], math.prod(batch) * m * n
    index = [f"i{axis}" for axis in range(len(batch))]
    fma = "fmaf" if kind == "float" else "fma"
    term = f"{fma}({a.at([*index, 'i', 'p'])}, {b.at([*index, 'p', 'j'])}, sum)"
    inner = [
        *unflatten("q", (*batch, m, n), [*index, "i", "j"], "int"),
        f"{kind} sum = 0;",
        "#pragma unroll 8",
        f"for (int p = 0; p < {k}; p++) sum = {term};",
        *results.of_each([*index, "i", "j"]),
    ]
    lines = braced(f"for (int q = THREAD; q < {total}; q += THREADS)", inner)
    return Body([Kernel(tuple(lines), *grid_stride(total))])


def _parts(memory: Memory, eqn: Eqn) -> tuple[list[Access], tuple[int, ...], tuple[int, int, int]]:
    """The matrices a, b and c of a product, the batch axes, and m, n and k."""
    a, b = eqn.operands
    batch = eqn.output.shape[:-2]
    if 0 in (*eqn.output.shape, a.shape[-1]):
        raise NoKernelError
    accesses = [*(memory.access(x, (*batch, *x.shape[-2:])) for x in (a, b)), memory.result(eqn)]
    return accesses, batch, (a.shape[-2], b.shape[-1], a.shape[-1])


def with_epilogue(memory: Memory, calls: Sequence[Gemm], results: Epilogue) -> Gemm:
    """The library's call with its epilogue. Raises NoKernelError if that is more than a bias and a ReLU. The library
    documents its ReLU as `max(x, 0)`, which may turn NaN into 0 (an H100 was measured to keep NaN). So it is used only
    in programs with a guard: where a product overflows, the loss or a gradient does too."""
    *inner, last = results.parts
    steps, work = [part.form for part in results.parts[1:]], calls[0]
    if steps not in ([ADDS], [RECTIFIES], [ADDS, RECTIFIES]) or any(part.store is not None for part in inner):
        raise NoKernelError
    if last.form == RECTIFIES and memory.plan.program.guard is None:
        raise NoKernelError
    if len(calls) > 1 or work.batch > 1 or work.dtype != "float32" or work.c.transposed:
        raise NoKernelError
    bias = None
    if steps[0] == ADDS:
        reads = [*results.parts[1].reads.values()]
        along = (*(0,) * (len(results.shape) - 1), 1)
        if [(x.dtype, x.strides) for x in reads] != [(work.dtype, along)] or not aligned(reads[0], BIAS_ALIGNED):
            raise NoKernelError
        bias = _address(memory, reads[0])
    return replace(work, bias=bias, relu=last.form == RECTIFIES)


def _calls(
    memory: Memory, accesses: Sequence[Access], lead: tuple[int, ...], sizes: tuple[int, int, int]
) -> list[Gemm]:
    """Calls of the library; none if it does not support the layout of a matrix."""
    m, n, k = sizes
    batch, strides = collapse(lead, [x.strides[: len(lead)] for x in accesses])
    outer, count = batch[:-1], batch[-1] if batch else 1
    shapes = ((m, k), (k, n), (m, n))
    calls: list[Gemm] = []
    for index in indices(*map(range, outer)):
        if len(calls) == MAX_CALLS:
            return []
        matrices = []
        for access, steps, shape in zip(accesses, strides, shapes, strict=True):
            begin = sum(i * s for i, s in zip(index, steps, strict=False))
            matrix = _matrix(memory, access, begin, steps[-1] if steps else 0, shape)
            if matrix is None:
                return []
            matrices.append(matrix)
        a, b, c = matrices
        calls.append(Gemm(m, n, k, count, accesses[2].dtype, a, b, c))
    return calls


def _matrix(memory: Memory, access: Access, begin: int, step: int, shape: tuple[int, int]) -> Matrix | None:
    """A matrix in the library's terms; None if neither its rows nor its columns are contiguous."""
    (rows, columns), (row_stride, column_stride) = shape, access.strides[-2:]
    transposed = not (column_stride == 1 or columns == 1)
    if transposed and not (row_stride == 1 or rows == 1):
        return None
    stride, minimum = (column_stride, rows) if transposed else (row_stride, columns)
    if (columns if transposed else rows) == 1:
        stride = minimum  # a single row: its stride is meaningless
    if stride < minimum:
        return None  # rows that overlap, or one row repeated
    return Matrix(*_address(memory, access, begin), stride, transposed, step)


def _address(memory: Memory, access: Access, begin: int = 0) -> Address:
    """The address of element `begin` of a value."""
    buffer = access.place.buffer
    start = (access.place.offset + begin) * ITEM[access.dtype]
    return (None, buffer.start + start) if buffer.kind == "arena" else (memory.tables[buffer], start)


def _tiled(
    a: Access, b: Access, lead: tuple[int, ...], sizes: tuple[int, int, int], results: Epilogue, tf32: bool
) -> Kernel:
    """The same by our tiles, for any layout. If all matrices of a batch are multiplied by the same one, the batch is
    merged into the rows."""
    m, n, k = sizes
    shared_factor = not any(b.strides[:-2])
    transposed = [x.strides[-2] == 1 != x.strides[-1] for x in (a, b)]
    left, right = (
        x.along((*x.strides[:-2], *x.strides[:-3:-1])) if t else x for x, t in zip((a, b), transposed, strict=True)
    )

    def of_left(own: Index, rows: Index, terms: Index) -> MaskedIndex:
        *above, row = rows
        return MaskedIndex((*own, *above, *((*terms, row) if transposed[0] else (row, *terms))))

    def of_right(own: Index, terms: Index, columns: Index) -> MaskedIndex:
        return MaskedIndex((*own, *((*columns, *terms) if transposed[1] else (*terms, *columns))))

    def of_results(own: Index, rows: Index, columns: Index) -> MaskedIndex:
        return MaskedIndex((*own, *rows, *columns))

    batch, rows = ((), (*lead, m)) if shared_factor else (lead, (m,))
    right = right.along(right.strides[-2:]) if shared_factor else right
    return tiles(Contraction(batch, rows, (n,), (k,), of_left, of_right, of_results), left, right, results, tf32)
