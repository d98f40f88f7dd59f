"""Vertical fusion (producer and consumer): elementwise steps, and those of short rows, as the epilogue of the
product or the pooling that they read; sums along columns with the elementwise steps that make what they add up. What
is in between is written only where something else reads it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from ...ir import Elementwise, Eqn, Gather, Var
from ..c.memory import Memory, NoKernelError
from .elements import Elements
from .epilogue import Epilogue
from .single import is_product, product_body
from .summed import Summed, SummedElements, sums_columns
from .tasks import Task
from .text import CudaStep, CudaText
from .work import Body

WINDOW = 24
"""How many steps behind one are looked at for one that can be computed with it."""


class VerticalText(CudaText):
    """`tf32`: whether products of float32 are made by tensor cores, where there are many multiplications."""

    tf32: bool

    def product_lines(self, memory: Memory, eqn: Eqn) -> Body:
        return self.product_and(memory, eqn, [], {eqn.output})

    def product_and(self, memory: Memory, eqn: Eqn, after: Sequence[Eqn], stored: Collection[Var]) -> Body:
        """The work of a product and of its epilogue, the equations `after`; `stored`: the values that something else
        reads. Raises NoKernelError."""
        return product_body(memory, Epilogue(memory, eqn, after, stored), self.tf32)

    def fused(self, steps: Iterable[CudaStep]) -> list[CudaStep]:
        """Steps without loops among them. What is computed with another is where that was, or it is where the other
        was, and in the other place is a step without work."""
        found = list(steps)
        for at, step in enumerate(found):
            place = at if self._may_lead(step) else None
            while place is not None:
                places = (self._joined(found, place, k) for k in self._readers_of(found, place))
                place = next((one for one in places if one is not None), None)
        return found

    def _may_lead(self, step: CudaStep) -> bool:
        """Whether it is a product, elements from anywhere, or elementwise."""
        eqns = self._eqns(step)
        if len(step.body.work) != 1:
            return False
        if len(eqns) == 1 and (is_product(eqns[0]) or isinstance(eqns[0].op.c, Gather)):
            return True
        return all(isinstance(eqn.op.c, Elementwise) or eqn.op.view is not None for eqn in eqns)

    def _eqns(self, step: CudaStep) -> list[Eqn]:
        return [self.plan.steps[i].eqn for i in step.numbers]

    def _readers_of(self, found: Sequence[CudaStep], at: int) -> Iterator[int]:
        """Which of the next steps read what the step computes, on the same side of the guard."""
        made, early = {y for eqn in self._eqns(found[at]) for y in eqn.outputs}, self.plan.early
        for k in range(at + 1, min(len(found), at + WINDOW)):
            step = found[k]
            if step.first != found[k - 1].stop:
                return  # between them stands what is no kernel
            if step.first >= early > found[at].first:
                return
            if any(self.base(x) in made for eqn in self._eqns(step) for x in eqn.operands):
                yield k

    def _joined(self, found: list[CudaStep], at: int, k: int) -> int | None:
        """Compute step `k` with step `at`, at one of the two places. The place, None where that
        cannot be."""
        first, last, between = found[at], found[k], [self._task(step) for step in found[at + 1 : k]]
        up = not any(self._task(last).clashes(other) for other in between)
        if not up and any(self._task(first).clashes(other) for other in between):
            return None
        both = self._both(first, last, first if up else last)
        if both is None:
            return None
        found[at], found[k] = (both, _empty(last)) if up else (_empty(first), both)
        return at if up else k

    def _task(self, step: CudaStep) -> Task:
        reads, writes = self.values_of(step)
        return Task("", (), 1, 1, self.uses(reads), self.uses(writes), False)

    def _both(self, first: CudaStep, last: CudaStep, place: CudaStep) -> CudaStep | None:
        memory, numbers = self.memory(), (*first.numbers, *last.numbers)
        eqns = [*self._eqns(first), *self._eqns(last)]
        sums = [eqn for eqn in eqns if sums_columns(eqn)]
        eqn, *after = [eqn for eqn in eqns if eqn not in sums]
        stored = self.stored(numbers)
        try:
            if is_product(eqn):
                if sums:
                    return None
                body = self.product_and(memory, eqn, after, stored)
            elif isinstance(eqn.op.c, Gather):
                made = SummedElements(memory, eqn, after, stored)
                body = Body([made.summed(sums)]) if sums else Elements(memory, eqn, after, stored).lines()
            elif sums:
                rows = Summed(memory, [eqn, *after], sums[0].operands[0].shape, stored)
                body = Body([rows.summed(sums)])
            else:
                return None
        except NoKernelError:
            return None
        origins = tuple(dict.fromkeys((*first.origins, *last.origins)))
        return replace(self._kernel(place.first, place.stop, memory, body), origins=origins, numbers=numbers)


def _empty(step: CudaStep) -> CudaStep:
    """A step that is computed elsewhere."""
    return replace(step, origins=(), lines=(), body=Body([]), declared=(), numbers=())
