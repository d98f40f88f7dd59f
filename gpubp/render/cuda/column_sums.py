"""Elementwise equations fused with column reductions of their results: the gradient of a layer's output and that of its
bias, so that the former is not read back from memory."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Eqn, Reduction
from ..c.memory import NoKernelError, places_overlap
from ..c.statements import unrolled
from .columns import SLICES, ColumnKernel, ColumnReduction, row_splits
from .gather import GatherKernel
from .rows import CudaRows
from .work import Kernel, index_type, unflatten

MIN_THREADS = 1 << 15
"""An eighth of the threads resident on a large GPU. With fewer, the elementwise part would be much slower than with a
thread per element."""


class ColumnSums(CudaRows):
    """Elementwise equations over unmerged axes, and column reductions of their results."""

    def _merge_axes(self) -> None:
        self.outer, self.length = self.shape[:-1], self.shape[-1]

    def summed(self, sums: Sequence[Eqn]) -> Kernel:
        """The kernel that computes them, and the reductions `sums` of their results. Raises NoKernelError."""
        self.packs = {}
        width, rows, columns = self._width(), self.rows, self.length
        pieces = row_splits(rows, columns)
        makers = [self.producers.get(eqn.operands[0]) for eqn in sums]
        if pieces * SLICES * (columns // width) < MIN_THREADS or not all(part.per_element for part in self.parts):
            raise NoKernelError
        folds: list[ColumnReduction] = []
        for eqn, maker in zip(sums, makers, strict=True):
            out = self.memory.result(eqn)
            accesses = self._accesses()
            if maker is None or any(places_overlap(out.place, out.dtype, a.place, a.dtype) for a in accesses):
                raise NoKernelError
            assert isinstance(eqn.op.c, Reduction)
            at = out.along(out.strides[-1:]).at(["column"])
            folds.append(ColumnReduction(self.memory.names[eqn.output], eqn.op.c, eqn.output.dtype, maker.name, at))
        kind, index = index_type(self.largest), [f"i{k}" for k in range(len(self.outer))]

        def body(takes: Sequence[str]) -> list[str]:
            lines = [*unflatten("row", self.outer, index, kind), f"const {kind} j = column;"]
            if width > 1:
                return [*lines, *self._vectorised(index, width, kind, takes)]
            return [*lines, *self._body(self.parts, [*index, "j"], "j"), *unrolled("v", 1, takes)]

        return ColumnKernel(rows, columns, width, kind, folds).kernel(body)


class GatheredColumnSums(ColumnSums, GatherKernel):
    """The same for a gather and the elementwise equations after it."""


def sums_columns(eqn: Eqn) -> bool:
    """Whether an equation is a reduction of all axes but the last one."""
    if not isinstance(eqn.op.c, Reduction):
        return False
    (x,) = eqn.operands
    axes = sorted(a % x.ndim for a in eqn.params["axis"])
    return x.ndim > 1 and axes == [*range(x.ndim - 1)] and eqn.output.dtype == x.dtype
