"""Loops as Python source: a function that is bound to its arrays once, and then runs iteration after iteration over
them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count
from typing import Protocol

from ..ir import Var
from ..passes import Buffer, LoopBody, Plan, Step


class Text(Protocol):
    """What the source of a loop body must provide: see gpubp.render.plan_source."""

    name: str

    @property
    def var(self) -> Mapping[Var, str]: ...

    def values(self, varying: frozenset[Buffer]) -> Iterator[str]: ...
    def arrays(self, varying: frozenset[Buffer], invariant: bool) -> Iterator[str]: ...
    def body(self) -> Iterable[str]: ...


def loop_steps(steps: Iterable[Step]) -> Iterator[tuple[Step, LoopBody]]:
    """The loops among steps with the plans of their bodies, inner ones first."""
    for step in steps:
        if step.body is not None:
            yield from loop_steps(step.body.plan.steps)
            yield step, step.body


def loop_names(plans: Iterable[Plan], taken: Collection[str]) -> dict[Plan, str]:
    """A name for the function of each loop, avoiding `taken`."""
    fresh = (name for i in count(1) if (name := f"loop_{i}" if i > 1 else "loop") not in taken)
    return {plan: next(fresh) for plan in plans}


def loop_text(step: Step, body: LoopBody, text: Text) -> str:
    """The function `bind_<name>(arena, inputs..., results...)`, which returns the function that runs the loop.

    A value in a slice of a sequence or of a collected result has a different array in each iteration: these are created
    in advance, and an iteration takes them from a list. A carry is stored in its result and updated in place; one whose
    new values are collected is read where the previous iteration wrote it.
    """
    params, var = step.eqn.params, text.var
    n, m, length, reverse = params["carries"], params["scanned"], params["length"], params["reverse"]
    collected, slots = body.collected_carries, body.slots
    carries, slices, constants = body.inputs[:n], body.inputs[n : n + m], body.inputs[n + m :]
    used = {*var.values(), text.name}
    first, last, whole = (
        {v: _unique(f"{word}_{var[v]}", used) for v in body.plan.states} for word in ("first", "last", "all")
    )
    results = [last[v] if i in collected else var[v] for i, v in enumerate(carries)]
    arguments = [
        *("arena", *(first[v] for v in carries), *(whole[v] for v in slices), *(var[v] for v in constants)),
        *(*results, *(whole[v] for v in slots)),
    ]
    rows = {var[v]: _row(whole[v], v) for v in (*slices, *slots)}
    at, edge = ("t + 1", f"t < {length - 1}") if reverse else ("t - 1", "t > 0")
    for i, number in collected.items():
        slot = slots[number]
        rows[var[carries[i]]] = f"{_row(whole[slot], slot, at)} if {edge} else {first[carries[i]]}"
    varying = frozenset(body.plan.places[v].buffer for v in (*slices, *slots, *(carries[i] for i in collected)))
    views = list(text.arrays(varying, False))
    names = ", ".join((*rows, *(line.partition(" = ")[0] for line in views)))
    order = f"range({length - 1}, -1, -1)" if reverse else f"range({length})"
    lines = [f"def bind_{text.name}({', '.join(arguments)}):"]
    lines += [f"    {line}" for line in (*text.values(varying), *text.arrays(varying, True))]
    if rows:
        lines += ["", "    def at(t):", *(f"        {name} = {value}" for name, value in rows.items())]
        lines += [
            *(f"        {line}" for line in views),
            f"        return {names}{',' * (len(rows) + len(views) == 1)}",
        ]
        lines += ["", f"    iterations = [at(t) for t in {order}]"]
    lines += ["", f"    def {text.name}():"]
    lines += [f"        {var[v]}[...] = {first[v]}" for i, v in enumerate(carries) if i not in collected]
    single = len(rows) + len(views) == 1
    lines.append(
        f"        for {f'({names},)' if single else names} in iterations:" if rows else f"        for _ in {order}:"
    )
    lines += [f"            {line}" for line in text.body()]
    end = 0 if reverse else length - 1
    lines += [
        f"        {last[carries[i]]}[...] = {_row(whole[slots[number]], slots[number], str(end))}"
        for i, number in collected.items()
    ]
    return "\n".join((*lines, "", f"    return {text.name}"))


def _row(name: str, slice_: Var, at: str = "t") -> str:
    """The slice of an array at an index, as a view even if it is a scalar."""
    return f"{name}[{at}]" if slice_.ndim else f"{name}[{at}, ...]"


def _unique(name: str, used: set[str]) -> str:
    while name in used:
        name += "_"
    used.add(name)
    return name
