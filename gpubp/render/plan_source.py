"""A plan as Python source over an array module `xp`: all set-up happens once, and a step only computes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ..ir import Eqn, Var, fill, identifiers, text_of, with_params
from ..passes import ITEM, Buffer, Place, Plan, Step, dense, statements
from .loops import loop_names, loop_steps, loop_text
from .python_source import expression, helper_texts, operand_text

if TYPE_CHECKING:
    from .c.parts import CSource

LOOP_NAMES = ("at", "t", "iterations")
"""Identifiers used by the code of a loop."""

_SHORT = {"float": "f", "int": "i", "uint": "u", "bool": "b"}


def plan_source(
    plan: Plan,
    name: str,
    hints: Mapping[Var, str] | None = None,
    describe: Callable[[object], str] = str,
    compiled: CSource | None = None,
    *,
    marked: bool = False,
) -> str:
    """The function `bind_<name>(arena, states...)`, which places the values in the arena (an aligned array of
    `plan.arena` bytes) and returns `(step, feeds, outputs)`: the feeds are arrays to fill before each call of `step()`,
    the outputs arrays that hold the results until the next call.

    States are updated in place. `hints`: readable names of values; `describe` returns the comment before the equations
    of one origin. A loop is a separate function, bound to its arrays like the step. The code needs nothing but `xp`;
    with `compiled`, functions that replace the steps they compute, also `bind(name, arena, tables)` to bind one to its
    memory. With `marked`, `mark(number)` is called after each step, or after a compiled function with the number of its
    first, for profiling.
    """
    functions = () if compiled is None else compiled.functions
    interpreted = [s for i, s in enumerate(plan.steps) if not any(f.first <= i < f.stop for f in functions)]
    loop_bodies = list(loop_steps(interpreted))
    helpers = helper_texts(e for part in (plan, *(body.plan for _, body in loop_bodies)) for e in _computed(part))
    loops = loop_names((body.plan for _, body in loop_bodies), {name, *helpers})
    bodies = {} if compiled is None else compiled.bodies
    texts = [
        loop_text(step, body, _Text(body.plan, loops[body.plan], {}, describe, helpers, loops, bodies.get(body.plan)))
        for step, body in loop_bodies
    ]
    texts.append(_Text(plan, name, hints or {}, describe, helpers, loops, compiled, marked).text())
    return "\n\n\n".join((*helpers.values(), *texts)) + "\n"


def _computed(plan: Plan) -> list[Eqn]:
    """All equations of a plan except loops, whose bodies have their own plans."""
    return [*plan.constants, *plan.views, *(step.eqn for step in plan.steps if step.body is None)]


class _Text:
    """The source of one function. `loops` names the function of each loop body; `helpers` are functions defined before
    it."""

    def __init__(
        self,
        plan: Plan,
        name: str,
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        helpers: Iterable[str],
        loops: Mapping[Plan, str],
        compiled: CSource | None = None,
        marked: bool = False,
    ) -> None:
        self.plan, self.name, self.describe, self.loops, self.marked = plan, name, describe, loops, marked
        self.tables = () if compiled is None else compiled.tables
        self.functions = {} if compiled is None else {f.first: f for f in compiled.functions}
        eqns = [*plan.constants, *plan.views, *(step.eqn for step in plan.steps)]
        values = [*plan.program.inputs, *plan.states, *(v for eqn in eqns for v in eqn.outputs), *plan.places]
        # Values in the same place share a name: that of a state or feed, or the last one with a hint.
        first: dict[tuple[object, ...], Var] = {}
        kept = {v: first.setdefault(self.key(v), v) for v in values}
        named = {kept[v]: hints.get(v, v.hint) for v in values if hints.get(v, v.hint)}
        named.update((v, v.hint) for v in (*plan.program.inputs, *plan.states))
        short = {_short(dtype) for dtype in ITEM}
        binders = (f"bind_{function}" for function in (name, *loops.values()))
        taken = {name, "arena", *short, *binders, *helpers, *loops.values(), *LOOP_NAMES, "bind", "mark"}
        taken.update(f.name for f in self.functions.values())
        names = identifiers(dict.fromkeys(kept.values()), named, taken)
        self.var = {v: names[kept[v]] for v in values}
        self.states = {plan.places[v].buffer: v for v in plan.states}
        self.flat: dict[Buffer, str] = {}
        for v in plan.states:
            self.flat[plan.places[v].buffer] = self.var[v] if len(v.shape) == 1 else f"{self.var[v]}.reshape(-1)"

    def key(self, var: Var) -> tuple[object, ...]:
        place = self.plan.places[var]
        if place.buffer.kind == "constant":
            return (var,)
        return place.buffer, place.offset, place.shape, place.strides, var.dtype

    def text(self) -> str:
        plan, var = self.plan, self.var
        lines = [f"def bind_{self.name}({', '.join(('arena', *(var[v] for v in plan.states)))}):"]
        lines += [f"    {line}" for line in self.memory()]
        lines.append(f"\n    def {self.name}():")
        lines += [f"        {line}" for line in self.body()]
        groups = [f"({', '.join(var[v] for v in g)}{',' * (len(g) == 1)})" for g in (plan.feeds, plan.program.outputs)]
        lines.append(f"\n    return {self.name}, {', '.join(groups)}")
        return "\n".join(lines)

    # Set-up -----------------------------------------------------------------------------------------------------------
    def memory(self) -> Iterator[str]:
        yield from self.values(frozenset())
        yield from self.arrays(frozenset(), True)

    def bindings(self, selected: Callable[[Buffer], bool]) -> Iterator[tuple[str, str]]:
        """The names and expressions of values in the chosen buffers that are not feeds, states or views."""
        plan, var = self.plan, self.var
        viewed = {e.output for e in plan.views}
        placed = ((v, p) for v, p in plan.places.items() if p.buffer.kind != "constant" and v not in viewed)
        values = {var[v]: v for v, p in placed if selected(p.buffer)}
        bound = {var[v] for v in (*plan.feeds, *plan.states)}
        yield from ((name, self.array(v)) for name, v in values.items() if name not in bound)

    def values(self, varying: frozenset[Buffer]) -> Iterator[str]:
        """Values in the arena, and in states that are not `varying`; and constants."""
        plan, var = self.plan, self.var
        for dtype in sorted({v.dtype for v, p in plan.places.items() if p.buffer.kind == "arena"}):
            yield f"{_short(dtype)} = arena.view(xp.{'bool_' if dtype == 'bool' else dtype})"
        if plan.feeds:
            yield "# the batch"
            yield from (f"{var[v]} = {self.array(v)}" for v in plan.feeds)
        rest = [f"{name} = {text}" for name, text in self.bindings(lambda buffer: buffer not in varying)]
        if rest:
            yield "# values of a step; memory is reused once they are dead"
            yield from rest
        if plan.constants:
            yield "# constants"
            for eqn in plan.constants:
                kind = plan.places[eqn.output].buffer.kind
                text = expression(eqn, var)
                # Kernels require constants to be contiguous.
                text = f'xp.array({text}, order="C")' if eqn.op.trait == "view" and kind == "constant" else text
                yield f"{var[eqn.output]}{'' if kind == 'constant' else '[...]'} = {text}"

    def arrays(self, varying: frozenset[Buffer], invariant: bool) -> Iterator[str]:
        """Views, and loops and compiled functions bound to their arrays: those independent of `varying` states if
        `invariant`; else the others, and slices of these states."""
        plan, var = self.plan, self.var

        def selected(*vars_: Var) -> bool:
            return any(plan.places[v].buffer in varying for v in vars_) is not invariant

        viewed = {e.output for e in plan.views}
        bound = {var[v] for v in (*plan.feeds, *plan.states)}
        bound |= {var[v] for v, p in plan.places.items() if p.buffer.kind != "constant" and v not in viewed}
        lines = {} if invariant else dict(self.bindings(lambda buffer: buffer in varying))
        views: dict[str, str] = {}
        for e in plan.views:  # of several that show the same elements the first, which the others may read
            if var[e.output] not in bound and selected(e.output):
                views.setdefault(var[e.output], expression(e, var))
        if views and invariant:
            yield "# views"
        lines.update(views)
        for step in plan.steps:
            if step.body is not None and step.body.plan in self.loops and selected(*step.eqn.operands):
                name = self.loops[step.body.plan]
                arrays = (*step.scratch, *step.eqn.operands, *step.eqn.outputs)
                lines[name] = f"bind_{name}({', '.join(var[v] for v in arrays)})"
        if selected(*self.tables):
            tables = ", ".join(var[v] for v in self.tables)
            lines.update((f.name, f"bind({f.name!r}, arena, [{tables}])") for f in self.functions.values())
        yield from (f"{name} = {text}" for name, text in lines.items())

    def array(self, var: Var) -> str:
        """The array at a place in the arena or in a state."""
        place: Place = self.plan.places[var]
        start, size = place.buffer.start // ITEM[var.dtype] + place.offset, math.prod(place.shape)
        memory = _short(var.dtype) if place.buffer.kind == "arena" else self.flat[place.buffer]
        if place.strides != dense(place.shape):
            if (sliced := self.state_slice(place)) is not None:
                return sliced
            strides = tuple(s * ITEM[var.dtype] for s in place.strides)
            return f"xp.lib.stride_tricks.as_strided({memory}[{start}:], {place.shape}, {strides})"
        flat = f"{memory}[{start}:{start + size}]"
        return flat if len(place.shape) == 1 else f"xp.reshape({flat}, {place.shape})"

    def state_slice(self, place: Place) -> str | None:
        """The expression that slices a state, axis by axis; None if the place is not such a slice."""
        state = self.states.get(place.buffer)
        if state is None or place.strides != dense(state.shape) or 0 in state.shape:
            return None
        starts, left = [], place.offset
        for stride in place.strides:
            starts.append(left // stride)
            left %= stride
        ends = [a + n for a, n in zip(starts, place.shape, strict=True)]
        if any(end > size for end, size in zip(ends, state.shape, strict=True)):
            return None
        return f"{self.var[state]}[{', '.join(f'{a}:{b}' for a, b in zip(starts, ends, strict=True))}]"

    # The step ---------------------------------------------------------------------------------------------------------
    def body(self) -> Iterable[str]:
        plan, var = self.plan, self.var
        lines: list[str] = []
        origin: object = None
        compiled_until = 0
        for i, step in enumerate(plan.steps):
            if i in self.functions:
                compiled_until, origin = self.functions[i].stop, None
                lines += [f"if {self.functions[i].name}():  # compiled", "    return", *self.mark(i)]
            if i < compiled_until:
                continue
            if i == plan.early:
                lines += self.guard()
            if step.eqn.origin is not origin and step.eqn.origin is not None:
                origin = step.eqn.origin
                lines.append(f"# {self.describe(origin)}")
            lines += [*self.step(step), *self.mark(i)]
        if compiled_until == len(plan.steps) and compiled_until:
            return lines
        if plan.early == len(plan.steps):
            lines += self.guard()
        if plan.copies:
            lines.append("# the new state, stored after the last read of the old one")
            lines += [f"{var[state]}[...] = {var[value]}" for state, value in plan.copies]
        return lines or ["pass"]

    def mark(self, number: int) -> list[str]:
        return [f"mark({number})"] if self.marked else []

    def guard(self) -> list[str]:
        guard = self.plan.program.guard
        if guard is None:
            return []
        return ["# skip the update if a gradient is not finite", f"if not {self.var[guard]}:", "    return"]

    def step(self, step: Step) -> Iterator[str]:
        eqn = step.eqn
        if step.body is not None:
            yield f"{self.loops[step.body.plan]}()"
            return
        texts = [with_params(text, eqn.params) for text in statements(eqn)] or [
            f"{{out}}[...] = {text_of(eqn.op, eqn.params)}"
        ]
        for text in texts:
            for i, var in enumerate(step.scratch):
                text = text.replace(f"{{s{i}}}", self.var[var])
            yield fill(text.replace("{out}", self.var[eqn.output]), [operand_text(x, self.var) for x in eqn.inputs])


def _short(dtype: str) -> str:
    kind = dtype.rstrip("0123456789")
    return _SHORT[kind] + (dtype[len(kind) :] or "8")
