"""Vertical (producer-consumer) fusion: elementwise equations, and those over short rows, become the epilogue of the
matrix product or gather whose result they read; column sums are fused with the elementwise equations that compute their
input. An intermediate value is written to memory only if another kernel reads it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from ...ir import Elementwise, Eqn, Gather, Var
from ..c.memory import Memory, NoKernelError
from .column_sums import ColumnSums, GatheredColumnSums, sums_columns
from .epilogue import Epilogue
from .gather import GatherKernel
from .single import is_product, product_body
from .tasks import Task
from .text import CudaText, GpuSteps
from .work import Body

WINDOW = 24
"""How many following steps are considered for fusion with a step."""


class VerticalText(CudaText):
    """Adds vertical fusion. `tf32`: whether large float32 products may use tensor cores."""

    tf32: bool

    def product_lines(self, memory: Memory, eqn: Eqn) -> Body:
        return self.product_and(memory, eqn, [], {eqn.output})

    def product_and(self, memory: Memory, eqn: Eqn, after: Sequence[Eqn], stored: Collection[Var]) -> Body:
        """The work of a product and of its epilogue, the equations `after`; `stored`: the values that other kernels
        read. Raises NoKernelError."""
        return product_body(memory, Epilogue(memory, eqn, after, stored), self.tf32)

    def fused(self, steps: Iterable[GpuSteps]) -> list[GpuSteps]:
        """Fuse steps that are not loops, where possible. A fused step is in the place of one of the two; an empty step
        is left in the place of the other."""
        result = list(steps)
        for at, step in enumerate(result):
            place = at if self._may_start_fusion(step) else None
            while place is not None:
                places = (self._fuse_pair(result, place, k) for k in self._later_readers(result, place))
                place = next((fused_at for fused_at in places if fused_at is not None), None)
        return result

    def _may_start_fusion(self, step: GpuSteps) -> bool:
        """Whether later steps may be fused into this one: a product, a gather, or elementwise."""
        eqns = self._eqns(step)
        if len(step.body.work) != 1:
            return False
        if len(eqns) == 1 and (is_product(eqns[0]) or isinstance(eqns[0].op.c, Gather)):
            return True
        return all(isinstance(eqn.op.c, Elementwise) or eqn.op.view is not None for eqn in eqns)

    def _eqns(self, step: GpuSteps) -> list[Eqn]:
        return [self.plan.steps[i].eqn for i in step.indices]

    def _later_readers(self, steps: Sequence[GpuSteps], at: int) -> Iterator[int]:
        """The following steps that read what a step computes, on the same side of the guard."""
        results, early = {y for eqn in self._eqns(steps[at]) for y in eqn.outputs}, self.plan.early
        for k in range(at + 1, min(len(steps), at + WINDOW)):
            step = steps[k]
            if step.first != steps[k - 1].stop:
                return  # something between them is not a kernel
            if step.first >= early > steps[at].first:
                return
            if any(self.base(x) in results for eqn in self._eqns(step) for x in eqn.operands):
                yield k

    def _fuse_pair(self, steps: list[GpuSteps], at: int, k: int) -> int | None:
        """Fuse step `k` into step `at`, or the other way round, as dependences allow. Returns the place of the fused
        step, None if they cannot be fused."""
        first, last, between = steps[at], steps[k], [self._task(step) for step in steps[at + 1 : k]]
        hoist = not any(self._task(last).conflicts(other) for other in between)
        if not hoist and any(self._task(first).conflicts(other) for other in between):
            return None
        fused = self._fused(first, last, first if hoist else last)
        if fused is None:
            return None
        steps[at], steps[k] = (fused, _empty(last)) if hoist else (_empty(first), fused)
        return at if hoist else k

    def _task(self, step: GpuSteps) -> Task:
        reads, writes = self.values_of(step)
        return Task("", (), 1, 1, self.uses(reads), self.uses(writes), False)

    def _fused(self, first: GpuSteps, last: GpuSteps, place: GpuSteps) -> GpuSteps | None:
        memory, indices = self.memory(), (*first.indices, *last.indices)
        eqns = [*self._eqns(first), *self._eqns(last)]
        sums = [eqn for eqn in eqns if sums_columns(eqn)]
        eqn, *after = [eqn for eqn in eqns if eqn not in sums]
        stored = self.stored(indices)
        try:
            if is_product(eqn):
                if sums:
                    return None
                body = self.product_and(memory, eqn, after, stored)
            elif isinstance(eqn.op.c, Gather):
                gathered = GatheredColumnSums(memory, eqn, after, stored)
                body = Body([gathered.summed(sums)]) if sums else GatherKernel(memory, eqn, after, stored).lines()
            elif sums:
                rows = ColumnSums(memory, [eqn, *after], sums[0].operands[0].shape, stored)
                body = Body([rows.summed(sums)])
            else:
                return None
        except NoKernelError:
            return None
        origins = tuple(dict.fromkeys((*first.origins, *last.origins)))
        return replace(self._kernel(place.first, place.stop, memory, body), origins=origins, indices=indices)


def _empty(step: GpuSteps) -> GpuSteps:
    """A step whose work was fused into another."""
    return replace(step, origins=(), lines=(), body=Body([]), declared=(), indices=())
