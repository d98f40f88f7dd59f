"""Column reductions, such as the gradient of a bias: the leading axes are reduced, the last are kept, so that adjacent
elements in memory belong to different results. The elementwise equations that compute the input may be fused in.

A block has eight slices of threads for a tile of columns; each thread takes rows at regular intervals. If the columns
alone would leave most of a GPU idle, the rows are split among blocks, and the last block to finish reduces their
partial results (threadFenceReduction of the CUDA samples). The order of a sum depends only on the numbers of rows and
columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dsl.records import dataclass

from ...ir import Reduction
from ..c.memory import C_TYPE
from ..c.statements import braced, unrolled
from .reduction import ThreadReduction
from .tasks import STATIC_SHARED
from .work import BLOCK, BUSY_BLOCKS, WARP, Kernel, blocks, power_of_two_above

SLICES = 8
"""Threads of a block per column and split of the rows."""
PER_THREAD = 16
"""Minimum rows per thread if the rows are split among blocks."""
MAX_SHARED = STATIC_SHARED - 1024
"""Maximum bytes of shared memory for partial results; a kernel has some for other things as well."""
NARROW, WIDE = 32, 128
"""Columns of a tile: WIDE if there are enough of them; fewer if the partial results of several reductions would not fit
into shared memory."""


@dataclass(frozen=True, slots=True)
class ColumnReduction:
    """A reduction `form` of the columns to a value `name` of type `dtype`. `element`: the expression of the element
    that a thread accumulates; `out`: that of the result of `column`."""

    name: str
    form: Reduction
    dtype: str
    element: str
    out: str

    def thread_reduction(self, terms: int) -> ThreadReduction:
        return ThreadReduction(self.name, self.form, self.dtype, terms)


def row_splits(rows: int, columns: int) -> int:
    """How many ways the rows are split: enough to fill a GPU, with at least PER_THREAD rows per thread."""
    return max(1, min(rows // (SLICES * PER_THREAD), (1 << 18) // columns, 1024))


class ColumnKernel:
    """The kernel of several reductions over the same `rows` and `columns`. Threads take `width` adjacent columns at a
    time; indices are of type `kind`. `index`: the statements that split `column` into the indices of a result."""

    def __init__(
        self,
        rows: int,
        columns: int,
        width: int,
        kind: str,
        reductions: Sequence[ColumnReduction],
        index: Sequence[str] = (),
    ) -> None:
        self.rows, self.columns, self.width = rows, columns, width
        self.kind, self.reductions, self.index = kind, reductions, index
        self.splits = row_splits(rows, columns)
        self.combiners = SLICES if self.splits <= 16 * SLICES else 4 * SLICES
        """Threads per column that combine the splits."""
        widest = WIDE if columns * self.splits >= WIDE * BUSY_BLOCKS else NARROW
        self._divide(max(width, min(widest, BLOCK // SLICES * width, power_of_two_above(columns))))
        while self.tile > width and 8 * len(reductions) * self.height * self.tile > MAX_SHARED:
            self._divide(self.tile // 2)
        self.partial = [reduction.thread_reduction(blocks(rows, SLICES * self.splits)) for reduction in reductions]
        self.complete = [reduction.thread_reduction(rows) for reduction in reductions]

    def _divide(self, tile: int) -> None:
        """Divide the columns into tiles of this size."""
        self.tile, self.lanes, self.groups = tile, tile // self.width, blocks(self.columns, tile)
        maximum, minimum = max(1, BLOCK // 2 // (SLICES * self.lanes)), WARP // (SLICES * self.lanes)
        self.splits_per_block = min(maximum, max(power_of_two_above(self.splits), minimum))
        """Splits that one block handles, with its own threads for each."""
        self.threads = SLICES * self.lanes * self.splits_per_block
        self.height = max(SLICES * self.splits_per_block, self.combiners if self.splits > 1 else 0)
        """Partial results of a column in shared memory."""

    def kernel(self, body: Callable[[Sequence[str]], list[str]]) -> Kernel:
        """`body` returns the statements for `row` and `column`, given those that accumulate the element of column
        `column + v`, to be run for each `v`."""
        lines = self._reduce_rows(body)
        outs = [*self.index, *(f"{x.out} = ({C_TYPE[x.dtype]}){x.name}_joined;" for x in self.reductions)]
        if self.splits == 1:
            lines += self._for_each_column(1, [*self._combine(SLICES), *outs])
            return Kernel(tuple(lines), self.groups, self.threads)
        lines += [*self._reduce_splits(), *self._for_each_column(1, [*self._combine(self.combiners), *outs])]
        grid = self.groups * blocks(self.splits, self.splits_per_block)
        scratch = 8 * len(self.reductions) * self.splits * self.columns
        return Kernel(tuple(lines), grid, self.threads, scratch, 1 + self.groups)

    def _reduce_rows(self, body: Callable[[Sequence[str]], list[str]]) -> list[str]:
        """Each thread reduces its rows, and writes the partial result to shared memory."""
        lanes, splits_per_block, width = self.lanes, self.splits_per_block, self.width
        split = f" * {splits_per_block} + threadIdx.x / {SLICES * lanes}" if splits_per_block > 1 else ""
        conditions = [f"piece < {self.splits}"] if self.splits % splits_per_block else []
        conditions += [f"column < {self.columns}"] if self.columns % self.tile else []
        accumulations = [
            f"{f.name}_all[v] = {f.combine(f'{f.name}_all[v]', x.element)};"
            for f, x in zip(self.partial, self.reductions, strict=True)
        ]
        loop = [
            f"#pragma unroll {4 if width == 1 else 2}",
            *braced(
                f"for ({self.kind} row = piece * {SLICES} + slice; row < {self.rows}; row += {SLICES * self.splits})",
                body(accumulations),
            ),
        ]
        slot = f"threadIdx.x / {lanes}][threadIdx.x % {lanes}{f' * {width} + v' if width > 1 else ''}"
        first = f"threadIdx.x % {lanes}{f' * {width}' if width > 1 else ''}"
        return [
            f"const int slice = threadIdx.x / {lanes}{f' % {SLICES}' if splits_per_block > 1 else ''};",
            f"const int group = blockIdx.x % {self.groups}, piece = blockIdx.x / {self.groups}{split};",
            f"const {self.kind} column = group * {self.tile} + {first};",
            *(f"{f.kind} {f.name}_all[{width}] = {{{', '.join([f.form.start] * width)}}};" for f in self.partial),
            *(braced(f"if ({' && '.join(conditions)})", loop) if conditions else loop),
            *(f"__shared__ {f.kind} {f.name}_parts[{self.height}][{self.tile}];" for f in self.complete),
            *unrolled("v", width, [f"{f.name}_parts[{slot}] = {f.name}_all[v];" for f in self.partial]),
            "__syncthreads();",
        ]

    def _reduce_splits(self) -> list[str]:
        """Each block combines its slices and writes partial results; the last block reduces those of all splits."""
        tile, splits_per_block = self.tile, self.splits_per_block
        split = f"blockIdx.x / {self.groups}" + (f" * {splits_per_block} + k / {tile}" if splits_per_block > 1 else "")
        begins = ("", *(f" + {k * self.splits}" for k in range(1, len(self.reductions))))
        partial_sums = [f"((double *)scratch)[({{}}{begin}) * {self.columns} + column]" for begin in begins]
        pairs = [*zip(self.complete, partial_sums, strict=True)]
        combined = self._combine(SLICES, f"k / {tile} * {SLICES} + " if splits_per_block > 1 else "")
        combined += [f"{address.format(split)} = {f.name}_joined;" for f, address in pairs]
        accumulations = [f.combine(f"{f.name}_joined", f"({f.kind}){address.format('p')}") for f, address in pairs]
        reduce_all = [
            *(f"{f.kind} {f.name}_joined = {f.form.start};" for f in self.complete),
            "#pragma unroll 8",
            *braced(
                f"for (int p = k / {tile}; p < {self.splits}; p += {self.combiners})",
                [f"{f.name}_joined = {text};" for f, text in zip(self.complete, accumulations, strict=True)],
            ),
            *(f"{f.name}_parts[k / {tile}][k % {tile}] = {f.name}_joined;" for f in self.complete),
        ]
        is_last = f"last_of((unsigned *)scratch - 2 - group, {blocks(self.splits, splits_per_block)})"
        return [
            *self._for_each_column(
                splits_per_block, combined, f"{split} < {self.splits}" if self.splits % splits_per_block else ""
            ),
            "__shared__ bool last;",
            "__syncthreads();",
            f"if (threadIdx.x == 0) last = {is_last};",
            "__syncthreads();",
            "if (!last) return;",
            *self._for_each_column(self.combiners, reduce_all),
            "__syncthreads();",
        ]

    def _combine(self, slices: int, first: str = "") -> list[str]:
        """The statements that combine the slices of column `k`, from `first` on."""
        parts = [f"{f.name}_parts[{first}{{}}][k % {self.tile}]" for f in self.complete]
        lines = [f"{f.kind} {f.name}_joined = {x.format(0)};" for f, x in zip(self.complete, parts, strict=True)]
        joins = [f.combine(f"{f.name}_joined", x.format("s")) for f, x in zip(self.complete, parts, strict=True)]
        joined = [f"{f.name}_joined = {text};" for f, text in zip(self.complete, joins, strict=True)]
        return [*lines, *braced(f"for (int s = 1; s < {slices}; s++)", joined)]

    def _for_each_column(self, count: int, inner: Sequence[str], test: str = "") -> list[str]:
        """Statements run for each `column` of the tile, `count` times, by the threads of the block."""
        size = count * self.tile
        tests = [*([f"column < {self.columns}"] if self.columns % self.tile else []), *([test] if test else [])]
        inner = braced(f"if ({' && '.join(tests)})", inner) if tests else inner
        head = f"if (const int k = threadIdx.x; k < {size})"
        if size > self.threads:
            head = f"for (int k = threadIdx.x; k < {size}; k += {self.threads})"
        return braced(head, [f"const {self.kind} column = group * {self.tile} + k % {self.tile};", *inner])
