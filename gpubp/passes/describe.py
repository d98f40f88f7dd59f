"""A plan as text: execution order, row shapes, and the place of each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..ir import Eqn, Operand, Program, Var, identifiers, literal
from ..wording import counted
from .arena import ITEM
from .plan import Plan, dense


def describe_plan(plan: Plan, hints: Mapping[Var, str] | None = None) -> str:
    """The kernels of a plan in order. `@` gives the place of a value: its byte offset in the arena, or the state and
    the element offset there; `hints`: readable names of values."""
    return "\n".join(_Lines(plan, hints or {}).lines())


class _Lines:
    def __init__(self, plan: Plan, hints: Mapping[Var, str]) -> None:
        self.plan = plan
        computed = (v for eqn in (*plan.constants, *plan.views, *(s.eqn for s in plan.steps)) for v in eqn.outputs)
        self.names = identifiers(dict.fromkeys((*plan.feeds, *plan.states, *computed)), hints, ())
        self.state_names = {plan.places[v].buffer: self.names[v] for v in plan.states}
        # A concatenation whose operands are all computed in place has no equation of its own.
        name_at = {plan.places[v]: name for v, name in self.names.items()}
        concatenated = [v for v in plan.places if v not in self.names]
        self.names.update((v, name_at.get(plan.places[v], f"all{i}")) for i, v in enumerate(concatenated))

    def lines(self) -> Iterator[str]:
        plan = self.plan
        what = f"{counted(len(plan.steps), 'equation')} in {counted(len(plan.fusions), 'kernel')}"
        yield f"plan of {what}; arena: {plan.arena:,} bytes"
        yield f"  feeds: {', '.join(f'{self.names[v]}:{v.aval} {self.place(v)}' for v in plan.feeds) or 'none'}"
        yield f"  states: {', '.join(f'{self.names[v]}:{v.aval}' for v in plan.states) or 'none'}"
        if plan.constants:
            yield "  once:"
            yield from (f"    {self.equation(eqn)}" for eqn in plan.constants)
        if plan.views:
            yield "  views:"
            yield from (f"    {self.equation(eqn)}" for eqn in plan.views)
        for fusion in plan.fusions:
            if fusion.first == plan.early:
                yield from self.guard()
            rows = ", row by row of [" + ",".join(map(str, fusion.shape)) + "]" if fusion.shape else ""
            yield f"  kernel{rows}:"
            for step in plan.steps[fusion.first : fusion.stop]:
                yield f"    {self.equation(step.eqn)}"
                if step.body is not None:
                    yield from (f"      {line}" for line in _Lines(step.body.plan, {}).lines())
        if plan.early == len(plan.steps):
            yield from self.guard()
        if plan.copies:
            yield "  then:"
            yield from (f"    {self.names[state]} <- {self.operand(value)}" for state, value in plan.copies)
        yield f"  results: {', '.join(self.operand(v) for v in plan.program.outputs) or 'none'}"

    def guard(self) -> Iterator[str]:
        if self.plan.program.guard is not None:
            yield f"  unless {self.operand(self.plan.program.guard)}: stop here, and change nothing"

    def equation(self, eqn: Eqn) -> str:
        results = ", ".join(f"{self.names[v]}:{v.aval} {self.place(v)}" for v in eqn.outputs)
        printed = {key: value for key, value in eqn.params.items() if not isinstance(value, Program)}
        params = "".join(f" {key}={value!r}" for key, value in printed.items())
        return f"{results} = {eqn.op.name}{params} {' '.join(map(self.operand, eqn.inputs))}".rstrip()

    def operand(self, x: Operand) -> str:
        return self.names[x] if isinstance(x, Var) else literal(x)

    def place(self, var: Var) -> str:
        place = self.plan.places[var]
        if place.buffer.kind == "constant":
            return "@constant"
        strides = "" if place.strides == dense(place.shape) else f" strides {place.strides}"
        if place.buffer.kind == "state":
            return f"@{self.state_names[place.buffer]}[{place.offset}]{strides}"
        return f"@{place.buffer.start + place.offset * ITEM[var.dtype]}{strides}"
