"""Arithmetic and memory traffic of a fused range of steps."""

from __future__ import annotations

from ..ir import Var
from .arena import ITEM
from .cost import cost, flops
from .plan import Plan


class Work:
    """Counts the work of ranges of steps."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._shown = {eqn.output: eqn for eqn in plan.views}
        program = plan.program
        together = (x for eqn in program.eqns if eqn.op.parts is not None for x in eqn.operands)
        ends = (*program.outputs, *(v for _, v in program.updates), *(v for _, v in plan.copies), *together)
        self._wanted = {*map(self._source, ends), *(() if program.guard is None else (program.guard,))}
        self._readers: dict[Var, set[int]] = {}
        for i, step in enumerate(plan.steps):
            for x in step.eqn.operands:
                self._readers.setdefault(self._source(x), set()).add(i)

    def of(self, first: int, stop: int) -> tuple[int, int]:
        """Floating-point operations of the steps from `first` to `stop` (exclusive), and the bytes they read and write
        if values used only within the range stay in registers; loops times their iterations."""
        steps = self.plan.steps[first:stop]
        made = {v for step in steps for v in step.eqn.outputs}
        read = {x for step in steps if step.round is None for x in step.eqn.operands if self._source(x) not in made}
        inside = set(range(first, stop))
        written = {v for v in made if v in self._wanted or not self._readers.get(v, {-1}) <= inside}
        loops = [(cost(s.round.plan), s.eqn.params["length"]) for s in steps if s.round is not None]
        moved = sum(v.aval.size * ITEM[v.dtype] for v in (*read, *written))
        done = sum(flops(step.eqn) for step in steps if step.round is None)
        return done + sum(one.flops * n for one, n in loops), moved + sum(one.traffic * n for one, n in loops)

    def _source(self, x: Var) -> Var:
        while x in self._shown:
            (x,) = self._shown[x].operands
        return x
