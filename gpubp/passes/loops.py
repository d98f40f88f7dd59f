"""The body of a loop as a program that can be planned: what an iteration reads and writes are states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..ir import Eqn, Program, Var
from ..ops import copy
from .plan import LoopBody, Plan

Planner = Callable[[Program, Mapping[Var, Var], Mapping[Var, tuple[int, ...]]], Plan]
"""A planning function: plans a program of states, with some values in `homes` and given strides of some states."""


def collected_carries(body: Program, carries: int) -> dict[int, int]:
    """See gpubp.passes.plan.LoopBody."""
    collected = {v: j for j, v in enumerate(body.outputs[carries:])}
    return {i: collected[v] for i, v in enumerate(body.outputs[:carries]) if v in collected}


def plan_body(eqn: Eqn, strides: Sequence[tuple[int, ...]], plan: Planner) -> LoopBody:
    """Plan one iteration of a loop whose inputs, the slices of sequences, have the given strides."""
    body, carries = eqn.params["body"], eqn.params["carries"]
    collected = collected_carries(body, carries)
    slots = tuple(Var(v.aval, v.hint) for v in body.outputs[carries:])
    joined = _concatenations(body)
    homes: dict[Var, Var] = {}
    updates: list[tuple[Var, Var]] = []
    for v, slot in zip(body.outputs[carries:], slots, strict=True):
        if v in joined and v not in homes:
            homes[v] = slot
        else:
            updates.append((slot, v))
    carried = [i for i in range(carries) if i not in collected and body.outputs[i] is not body.inputs[i]]
    updates += [(body.inputs[i], body.outputs[i]) for i in carried]
    eqns, copies = _with_copies(body, [body.inputs[i] for i in carried], {v for _, v in updates})
    written = tuple(slot for slot in slots if slot not in homes.values())
    program = Program((*body.inputs, *written), eqns, (), tuple((state, copies.get(v, v)) for state, v in updates))
    # Carries are stored in results of the loop or in slots, contiguously.
    planned = plan(program, homes, dict(zip(body.inputs[carries:], strides[carries:], strict=True)))
    return LoopBody(planned, body.inputs, slots, collected)


def _concatenations(body: Program) -> set[Var]:
    """Concatenations with loop-varying operands, which are computed in their slot."""
    varying = set(body.inputs)
    for eqn in body.eqns:
        if not varying.isdisjoint(eqn.operands):
            varying.update(eqn.outputs)
    return {eqn.output for eqn in body.eqns if eqn.op.concat_starts is not None and eqn.output in varying}


def _with_copies(body: Program, changing: Sequence[Var], values: set[Var]) -> tuple[tuple[Eqn, ...], dict[Var, Var]]:
    """The equations of a body, with a copy of each of `values` that aliases a carry, made before that changes; and the
    copies by value."""
    aliasing = set(changing)
    eqns: list[Eqn] = []
    copies: dict[Var, Var] = {}

    def copy_if_needed(v: Var) -> None:
        if v in values:
            copies[v] = Var(v.aval, v.hint)
            eqns.append(Eqn(copy, (v,), {}, (copies[v],)))

    for v in changing:
        copy_if_needed(v)
    for eqn in body.eqns:
        eqns.append(eqn)
        if eqn.op.trait == "view" and not aliasing.isdisjoint(eqn.operands):
            aliasing.add(eqn.output)
            copy_if_needed(eqn.output)
    return tuple(eqns), copies
