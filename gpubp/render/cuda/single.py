"""Single equations as kernels: reductions over any axes, matrix products, gathers and scatters, random numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ...ir import INTEGERS, Call, Eqn, Gather, Product, Reduction, Routine, ScatterAdd, aval_of
from ...passes import dense
from ..c.memory import C_TYPE, Access, Memory, NoKernelError, collapse, extent
from ..c.single import call_text
from ..c.statements import braced, unrolled
from .columns import ColumnKernel, ColumnReduction
from .epilogue import Epilogue
from .gather import GatherKernel
from .gemm import product
from .reduction import ThreadReduction, reduce_across, warp_mask
from .tiles import tiles
from .work import BLOCK, WARP, Body, Kernel, blocks, grid_stride, index_type, power_of_two_above, unflatten

PER_THREAD = 16
"""Minimum elements per thread if a reduction is split among blocks."""


def product_body(memory: Memory, results: Epilogue, tf32: bool) -> Body:
    """The work of a matrix product or convolution, and of its epilogue. Raises NoKernelError if there is none."""
    eqn, form = results.first, results.first.op.c
    if isinstance(form, Product):
        return product(memory, results, tf32)
    if not isinstance(form, Routine):
        raise NoKernelError
    memory.result(eqn)
    sums = form.sums(eqn.output.aval, *map(aval_of, eqn.inputs), **eqn.params)
    left, right = (memory.access(x, x.shape) for x in eqn.operands)
    return Body([tiles(sums, left, right, results, tf32)])


def is_product(eqn: Eqn) -> bool:
    """Whether an equation is a matrix product, or computed as one."""
    return isinstance(eqn.op.c, Product | Routine)


def single_body(memory: Memory, eqn: Eqn) -> Body:
    """The work of one equation that is not a product. Raises NoKernelError if its primitive has no such form."""
    form = eqn.op.c
    if form is None:
        raise NoKernelError
    if isinstance(form, Gather):
        return GatherKernel(memory, eqn, [], {eqn.output}).lines()
    out = memory.result(eqn)
    if isinstance(form, Reduction):
        return Body(list(_reduction(memory, eqn, form, out)))
    if isinstance(form, Call):
        return Body([_call(memory, eqn, form, out)])
    if isinstance(form, ScatterAdd):
        return Body(_scatter(memory, eqn, out))
    raise NoKernelError


# Reductions ----------------------------------------------------------------------------------------------------------
def _reduction(memory: Memory, eqn: Eqn, form: Reduction, out: Access) -> Iterator[Kernel]:
    (x,) = eqn.operands
    reduced = [a % x.ndim for a in eqn.params["axis"]]
    kept = [k for k in range(x.ndim) if k not in reduced]
    read = memory.access(x, x.shape)
    if 0 in x.shape:
        raise NoKernelError
    target_strides = [out.strides[k if len(out.strides) == x.ndim else i] for i, k in enumerate(kept)]
    outer, (collapsed_target, outer_read) = collapse(
        [x.shape[k] for k in kept], [target_strides, [read.strides[k] for k in kept]]
    )
    inner, (inner_read,) = collapse([x.shape[k] for k in reduced], [[read.strides[k] for k in reduced]])
    coalesced = bool(outer) and outer_read[-1] == 1 and not (inner_read and inner_read[-1] == 1)
    reduction = _AxisReduction(eqn, form, out, collapsed_target, outer, read, outer_read, inner, inner_read)
    yield from ([reduction.columns()] if coalesced else reduction.rows())


class _AxisReduction:
    """A reduction of the axes `loop` for each index of the axes `outer`."""

    def __init__(
        self,
        eqn: Eqn,
        form: Reduction,
        out: Access,
        target: Sequence[int],
        outer: Sequence[int],
        read: Access,
        outer_read: Sequence[int],
        inner: Sequence[int],
        inner_read: Sequence[int],
    ) -> None:
        self.form, self.dtype = form, eqn.output.dtype
        self.outer, self.loop = outer, inner
        self.results, self.length = math.prod(outer), math.prod(inner)
        self.kind = index_type(max(extent(read.place), extent(out.place)))
        self.out = out.along(tuple(target))
        self.read = read.along((*outer_read, *inner_read))
        self.index = [f"i{k}" for k in range(len(outer))]
        self.places = [*self.index, *(f"r{k}" for k in range(len(inner)))]

    def _accumulate(self, reduction: ThreadReduction, first: str, stop: str, step: int) -> list[str]:
        """The loop in which a thread accumulates every `step`-th element."""
        lines = unflatten("r", self.loop, self.places[len(self.outer) :], self.kind)
        lines.append(reduction.accumulate(self.read.at(self.places)))
        loop = braced(f"for ({self.kind} r = {first}; r < {stop}; r += {step})", lines)
        return [reduction.initialise(), "#pragma unroll 4", *loop]

    def _write(self, reduction: ThreadReduction, splits: int, at: str) -> list[str]:
        """Store the result, or the partial result if the reduction is split."""
        if splits > 1:
            return [f"((double *)scratch)[{at}] = {reduction.name}_all;"]
        return [reduction.result(), f"{self.out.at(self.index)} = {reduction.name};"]

    def _splits(self, threads: int) -> int:
        """How many blocks, of `threads` threads per result, share the elements of a result: several only if the results
        alone would leave most of a GPU idle."""
        limit = max(1, 1024 // max(1, self.results // BLOCK))
        return max(1, min(self.length // (threads * PER_THREAD), limit, 1024))

    def rows(self) -> Iterator[Kernel]:
        """Adjacent threads take adjacent elements of one result."""
        lanes = power_of_two_above(self.length) if self.length < WARP else WARP if self.length <= 8 * WARP else BLOCK
        splits = self._splits(lanes) if lanes == BLOCK else 1
        total = self.results * splits
        threads = min(BLOCK, max(WARP, power_of_two_above(total * lanes)))
        per_block = threads // lanes
        reduction = ThreadReduction("total", self.form, self.dtype, -(-self.length // (lanes * splits)))
        lines = [f"const int at = blockIdx.x * {per_block} + threadIdx.x / {lanes}, lane = threadIdx.x % {lanes};"]
        lines += [f"if (at >= {total}) return;"] if total % per_block else []
        lines.append(warp_mask(lanes, total))
        lines.append(f"const int row = at{f' / {splits}' if splits > 1 else ''};")
        lines += unflatten("row", self.outer, self.index, self.kind)
        first = f"at % {splits} * {lanes} + lane" if splits > 1 else "lane"
        lines += [
            *self._accumulate(reduction, first, str(self.length), lanes * splits),
            *reduce_across([reduction], lanes),
        ]
        lines += braced("if (lane == 0)", self._write(reduction, splits, "at"))
        yield Kernel(tuple(lines), blocks(total, per_block), threads, self._scratch(splits))
        if splits > 1:
            yield self._join(splits)

    def columns(self) -> Kernel:
        """Adjacent threads take adjacent results, whose elements are strided."""
        index = unflatten("column", self.outer, self.index, self.kind)

        def body(takes: Sequence[str]) -> list[str]:
            split = unflatten("row", self.loop, self.places[len(self.outer) :], self.kind)
            return [*index, *split, *unrolled("v", 1, takes)]

        reduction = ColumnReduction("total", self.form, self.dtype, self.read.at(self.places), self.out.at(self.index))
        return ColumnKernel(self.length, self.results, 1, self.kind, [reduction], index).kernel(body)

    def _scratch(self, splits: int) -> int:
        return 8 * self.results * splits if splits > 1 else 0

    def _join(self, splits: int) -> Kernel:
        """Combine the partial results of each result by some threads of a warp, which shortens the chain of dependent
        adds."""
        lanes = max(1, min(WARP, 4 * BLOCK // power_of_two_above(self.results)))
        reduction = ThreadReduction("total", self.form, self.dtype, self.length)
        lines = [f"const int row = THREAD / {lanes}, lane = threadIdx.x % {lanes};"]
        lines += [f"if (row >= {self.results}) return;"] if self.results * lanes % BLOCK else []
        lines += [warp_mask(lanes, self.results)] if lanes > 1 else []
        lines += unflatten("row", self.outer, self.index, self.kind)
        take = reduction.accumulate(f"((const double *)scratch)[row * {splits} + p]")
        lines += [
            reduction.initialise(),
            f"for (int p = lane; p < {splits}; p += {lanes}) {take}",
            *reduce_across([reduction], lanes),
        ]
        write = self._write(reduction, 1, "")
        lines += braced("if (lane == 0)", write) if lanes > 1 else write
        return Kernel(tuple(lines), blocks(self.results * lanes, BLOCK), BLOCK, self._scratch(splits))


# Scatters and calls --------------------------------------------------------------------------------------------------
def _scatter(memory: Memory, eqn: Eqn, out: Access) -> list[Kernel]:
    """Zero the result; then, of all updates to one row, the block of the first adds them up, in the order of their
    indices. So no two blocks write to the same row, and sums are deterministic without atomics. A warp looks for
    further updates WARP at a time."""
    if len(eqn.operands) != 2 or eqn.operands[1].dtype not in INTEGERS:
        raise NoKernelError
    updates, indices = eqn.operands
    rank, count = indices.ndim, indices.aval.size
    rest = updates.shape[rank:]
    width, rows = math.prod(rest), eqn.output.shape[0]
    if updates.shape[:rank] != indices.shape or eqn.output.shape[1:] != rest:
        raise NoKernelError
    label, values = memory.access(indices, indices.shape), memory.access(updates, updates.shape)
    if label.strides != dense(indices.shape) or values.strides != dense(updates.shape):
        raise NoKernelError
    if out.strides != dense(eqn.output.shape):
        raise NoKernelError
    kind, there = C_TYPE[out.dtype], f"index_within({label.pointer}[{{}}], {rows})"
    clear = f"for (int64_t q = THREAD; q < {rows * width}; q += THREADS) {out.pointer}[q] = 0;"
    threads = min(BLOCK, WARP * blocks(width, WARP))
    lines = [
        f"const int own = blockIdx.x, lane = threadIdx.x % {WARP};",
        f"const int64_t row = {there.format('own')};",
        "bool before = false;",
        f"for (int m = threadIdx.x; m < own; m += {threads}) before |= {there.format('m')} == row;",
        *_any("before", threads),
        "if (before) return;",
        f"for (int e = threadIdx.x; e - lane < {width}; e += {threads}) {{",
        f"    {kind} total = e < {width} ? {values.pointer}[(int64_t)own * {width} + e] : 0;",
        f"    for (int m = own + 1; m < {count}; m += {WARP}) {{",
        f"        const bool same = m + lane < {count} && {there.format('m + lane')} == row;",
        "        if (!__any_sync(0xffffffff, same)) continue;",
        f"        for (int k = 0; k < {WARP}; k++)",
        f"            if (__shfl_sync(0xffffffff, (int)same, k) && e < {width})",
        f"                total += {values.pointer}[(int64_t)(m + k) * {width} + e];",
        "    }",
        f"    if (e < {width}) {out.pointer}[row * {width} + e] = total;",
        "}",
    ]
    return [Kernel((clear,), *grid_stride(rows * width)), Kernel(tuple(lines), count, threads)]


def _any(name: str, threads: int) -> list[str]:
    """Make `name` of each thread true where it is of one of the block's, which are whole warps."""
    vote = f"{name} = __any_sync(0xffffffff, {name});"
    if threads == WARP:
        return [vote]
    return [
        vote,
        f"__shared__ int {name}_parts[{threads // WARP}];",
        f"if (threadIdx.x % {WARP} == 0) {name}_parts[threadIdx.x / {WARP}] = {name};",
        "__syncthreads();",
        f"for (int w = 0; w < {threads // WARP}; w++) {name} |= {name}_parts[w];",
    ]


def _call(memory: Memory, eqn: Eqn, form: Call, out: Access) -> Kernel:
    # On a GPU, the function's last arguments are the number of the thread and the number of threads.
    call = f"{call_text(memory, eqn, form, out, out.pointer).removesuffix(')')}, THREAD, THREADS);"
    return Kernel((call,), *grid_stride(blocks(eqn.output.aval.size, 2)))
