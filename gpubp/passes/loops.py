"""The body of a loop as a program that can be planned: what an iteration reads and writes are states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..ir import Eqn, Program, Var
from ..ops import copy
from .plan import Plan, Round

Planner = Callable[[Program, Mapping[Var, Var], Mapping[Var, tuple[int, ...]]], Plan]
"""A planning function: plans a program of states, with some values in `homes` and given strides of some states."""


def followed(body: Program, carries: int) -> dict[int, int]:
    """See gpubp.passes.plan.Round."""
    collected = {v: j for j, v in enumerate(body.outputs[carries:])}
    return {i: collected[v] for i, v in enumerate(body.outputs[:carries]) if v in collected}


def one_round(eqn: Eqn, lie: Sequence[tuple[int, ...]], plan: Planner) -> Round:
    """Plan one iteration of a loop whose inputs, the slices of sequences, have the given strides."""
    body, n = eqn.params["body"], eqn.params["carries"]
    follow = followed(body, n)
    slots = tuple(Var(v.aval, v.hint) for v in body.outputs[n:])
    joined = _joined(body)
    homes: dict[Var, Var] = {}
    updates: list[tuple[Var, Var]] = []
    for v, slot in zip(body.outputs[n:], slots, strict=True):
        if v in joined and v not in homes:
            homes[v] = slot
        else:
            updates.append((slot, v))
    carried = [i for i in range(n) if i not in follow and body.outputs[i] is not body.inputs[i]]
    updates += [(body.inputs[i], body.outputs[i]) for i in carried]
    eqns, copies = _settled(body, [body.inputs[i] for i in carried], {v for _, v in updates})
    written = tuple(slot for slot in slots if slot not in homes.values())
    program = Program((*body.inputs, *written), eqns, (), tuple((state, copies.get(v, v)) for state, v in updates))
    # Carries are stored in results of the loop or in slots, contiguously.
    planned = plan(program, homes, dict(zip(body.inputs[n:], lie[n:], strict=True)))
    return Round(planned, body.inputs, slots, follow)


def _joined(body: Program) -> set[Var]:
    """Concatenations with loop-varying pieces: the pieces are computed in their slot."""
    varying = set(body.inputs)
    for eqn in body.eqns:
        if not varying.isdisjoint(eqn.operands):
            varying.update(eqn.outputs)
    return {eqn.output for eqn in body.eqns if eqn.op.parts is not None and eqn.output in varying}


def _settled(body: Program, changing: Sequence[Var], wanted: set[Var]) -> tuple[tuple[Eqn, ...], dict[Var, Var]]:
    """The equations of a body, plus a copy of each value of `wanted` that aliases a carry, before that changes; with
    the copies by value."""
    shows = set(changing)
    eqns: list[Eqn] = []
    copies: dict[Var, Var] = {}

    def settle(v: Var) -> None:
        if v in wanted:
            copies[v] = Var(v.aval, v.hint)
            eqns.append(Eqn(copy, (v,), {}, (copies[v],)))

    for v in changing:
        settle(v)
    for eqn in body.eqns:
        eqns.append(eqn)
        if eqn.op.trait == "view" and not shows.isdisjoint(eqn.operands):
            shows.add(eqn.output)
            settle(eqn.output)
    return tuple(eqns), copies
