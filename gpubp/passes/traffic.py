"""Arithmetic and memory traffic of a fused range of steps."""

from __future__ import annotations

from ..ir import Var
from .arena import ITEM
from .cost import cost, flops
from .plan import Plan, base_of


class WorkCounter:
    """Counts the work of ranges of steps."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._views = {eqn.output: eqn for eqn in plan.views}
        program = plan.program
        concatenated = (x for eqn in program.eqns if eqn.op.concat_starts is not None for x in eqn.operands)
        ends = (*program.outputs, *(v for _, v in program.updates), *(v for _, v in plan.copies), *concatenated)
        self._live_out = {*map(self._base, ends), *(() if program.guard is None else (program.guard,))}
        self._readers: dict[Var, set[int]] = {}
        for i, step in enumerate(plan.steps):
            for x in step.eqn.operands:
                self._readers.setdefault(self._base(x), set()).add(i)

    def of(self, first: int, stop: int) -> tuple[int, int]:
        """Floating-point operations of the steps from `first` to `stop` (exclusive), and the bytes they read and write
        if values used only within the range stay in registers; loops times their iterations."""
        steps = self.plan.steps[first:stop]
        computed = {v for step in steps for v in step.eqn.outputs}
        read = {x for step in steps if step.body is None for x in step.eqn.operands if self._base(x) not in computed}
        range_ = set(range(first, stop))
        written = {v for v in computed if v in self._live_out or not self._readers.get(v, {-1}) <= range_}
        loops = [(cost(s.body.plan), s.eqn.params["length"]) for s in steps if s.body is not None]
        traffic = sum(v.aval.size * ITEM[v.dtype] for v in (*read, *written))
        own_flops = sum(flops(step.eqn) for step in steps if step.body is None)
        return own_flops + sum(body.flops * n for body, n in loops), traffic + sum(
            body.traffic * n for body, n in loops
        )

    def _base(self, x: Var) -> Var:
        return base_of(x, self._views)
