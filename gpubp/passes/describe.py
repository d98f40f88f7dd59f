"""A plan as text: execution order, row shapes, and the place of each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..ir import Eqn, Operand, Program, Var, identifiers, literal
from .arena import ITEM
from .plan import Plan, dense


def describe_plan(plan: Plan, hints: Mapping[Var, str] | None = None) -> str:
    """The kernels of a plan in order. `@` gives the place of a value: its byte offset in the arena, or the state and
    the element offset there; `hints`: readable names of values."""
    return "\n".join(_Lines(plan, hints or {}).lines())


class _Lines:
    def __init__(self, plan: Plan, hints: Mapping[Var, str]) -> None:
        self.plan = plan
        made = (v for eqn in (*plan.constants, *plan.views, *(s.eqn for s in plan.steps)) for v in eqn.outputs)
        self.name = identifiers(dict.fromkeys((*plan.feeds, *plan.states, *made)), hints, ())
        self.home = {plan.places[v].buffer: self.name[v] for v in plan.states}
        # A concatenation whose pieces are all computed in place has no equation of its own.
        whole = {plan.places[v]: name for v, name in self.name.items()}
        together = [v for v in plan.places if v not in self.name]
        self.name.update((v, whole.get(plan.places[v], f"all{i}")) for i, v in enumerate(together))

    def lines(self) -> Iterator[str]:
        plan = self.plan
        many = "" if len(plan.pieces) == 1 else "s"
        equations = f"{len(plan.steps):,} equation{'' if len(plan.steps) == 1 else 's'}"
        yield f"plan of {equations} in {len(plan.pieces):,} kernel{many}; arena: {plan.arena:,} bytes"
        yield f"  feeds: {', '.join(f'{self.name[v]}:{v.aval} {self.where(v)}' for v in plan.feeds) or 'none'}"
        yield f"  states: {', '.join(f'{self.name[v]}:{v.aval}' for v in plan.states) or 'none'}"
        if plan.constants:
            yield "  once:"
            yield from (f"    {self.equation(eqn)}" for eqn in plan.constants)
        if plan.views:
            yield "  views:"
            yield from (f"    {self.equation(eqn)}" for eqn in plan.views)
        for piece in plan.pieces:
            if piece.first == plan.early:
                yield from self.guard()
            rows = ", row by row of [" + ",".join(map(str, piece.shape)) + "]" if piece.shape else ""
            yield f"  kernel{rows}:"
            for step in plan.steps[piece.first : piece.stop]:
                yield f"    {self.equation(step.eqn)}"
                if step.round is not None:
                    yield from (f"      {line}" for line in _Lines(step.round.plan, {}).lines())
        if plan.early == len(plan.steps):
            yield from self.guard()
        if plan.copies:
            yield "  then:"
            yield from (f"    {self.name[state]} <- {self.operand(value)}" for state, value in plan.copies)
        yield f"  results: {', '.join(self.operand(v) for v in plan.program.outputs) or 'none'}"

    def guard(self) -> Iterator[str]:
        if self.plan.program.guard is not None:
            yield f"  unless {self.operand(self.plan.program.guard)}: stop here, and change nothing"

    def equation(self, eqn: Eqn) -> str:
        results = ", ".join(f"{self.name[v]}:{v.aval} {self.where(v)}" for v in eqn.outputs)
        plain = {key: value for key, value in eqn.params.items() if not isinstance(value, Program)}
        params = "".join(f" {key}={value!r}" for key, value in plain.items())
        return f"{results} = {eqn.op.name}{params} {' '.join(map(self.operand, eqn.inputs))}".rstrip()

    def operand(self, x: Operand) -> str:
        return self.name[x] if isinstance(x, Var) else literal(x)

    def where(self, var: Var) -> str:
        place = self.plan.places[var]
        if place.buffer.kind == "constant":
            return "@constant"
        strides = "" if place.strides == dense(place.shape) else f" strides {place.strides}"
        if place.buffer.kind == "state":
            return f"@{self.home[place.buffer]}[{place.offset}]{strides}"
        return f"@{place.buffer.start + place.offset * ITEM[var.dtype]}{strides}"
