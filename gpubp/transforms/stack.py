"""K programs as one: every value that may differ has one more axis in front, as long as there are programs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from .. import ops
from ..ir import Aval, Eqn, Primitive, Program, Var, bind, origin, recording


def stack(program: Program, count: int, shared: Collection[Var] = (), going: Var | None = None) -> Program:
    """`count` copies of a verified program, run side by side on inputs with one more axis in front; the inputs `shared`
    stay as they are, and so does what depends on them alone. Outputs and states are stacked.

    The guards of the copies: the new program's guard holds where all of them hold. With `going`, a further input of
    `count` bools, it has none, and the states of a copy that does not go on, or whose own guard does not hold, keep
    their values. The traits of a primitive say how it is stacked:
    elementwise and matrix products broadcast, axes of reductions and rows move by one; others have a rule of their own
    (`Primitive.stack`), or are computed copy by copy.
    """
    inputs = tuple(v if v in shared else Var(Aval((count, *v.shape), v.dtype), v.hint) for v in program.inputs)
    now = dict(zip(program.inputs, inputs, strict=True))
    stacked = {v for v in program.inputs if v not in shared}
    with recording() as eqns:
        for eqn in program.eqns:
            if stacked.isdisjoint(eqn.operands):
                eqns.append(eqn)
                now.update((v, v) for v in eqn.outputs)
                continue
            given = [now[x] if isinstance(x, Var) else x for x in eqn.inputs]
            flags = [isinstance(x, Var) and x in stacked for x in eqn.inputs]
            with origin(eqn.origin):
                now.update(zip(eqn.outputs, _stacked(eqn, given, flags, count), strict=True))
            stacked.update(eqn.outputs)
        ends = (*program.outputs, *(value for _, value in program.updates), program.guard)
        for v in dict.fromkeys(v for v in ends if v is not None and v not in stacked):
            now[v] = ops.broadcast_to(now[v], shape=(count, *v.shape))
        updates = [(now[state], now[value]) for state, value in program.updates]
        guard = None
        if program.guard is not None and going is not None:
            inputs = (*inputs, going)
            moves = ops.logical_and(now[program.guard], going)
            updates = [(state, _chosen(moves, value, state)) for state, value in updates]
        elif program.guard is not None:
            guard = ops.sum_(ops.cast(now[program.guard], dtype="float32")) > count - 0.5
    outputs = tuple(now[v] for v in program.outputs)
    return Program(inputs, tuple(eqns), outputs, tuple(updates), guard)


def _chosen(moves: Var, value: Var, state: Var) -> Var:
    """The new state of the copies that move."""
    condition = ops.reshape(moves, shape=(*moves.shape, *(1,) * (state.ndim - 1)))
    return ops.where(condition, value, state)


def _stacked(eqn: Eqn, inputs: Sequence[Any], flags: Sequence[bool], count: int) -> Sequence[Var]:
    """The results of an equation whose inputs with a flag have one more axis in front."""
    op, params = eqn.op, eqn.params
    if op.stack is not None:
        within = {k: partial(_flagged, p, count) if isinstance(p, Program) else p for k, p in params.items()}
        found = op.stack(flags, count, *inputs, **within)
        return found if isinstance(found, tuple) else (found,)
    if op.trait in ("elementwise", "gemm"):
        rank = max(len(x.shape) - flag for x, flag in zip(inputs, flags, strict=True) if isinstance(x, Var))
        aligned = [ops.padded(x, rank) if flag else x for x, flag in zip(inputs, flags, strict=True)]
        return (op(*aligned, **params),)
    if op.trait in ("reduce", "rowwise"):
        return (op(*inputs, **{**params, "axis": _moved(params["axis"])}),)
    return _one_by_one(op, flags, count, *inputs, **params)


def _flagged(program: Program, count: int, flags: Sequence[bool]) -> Program:
    """Copies of a program whose inputs without a flag are shared."""
    return stack(program, count, [v for v, flag in zip(program.inputs, flags, strict=True) if not flag])


def _moved(axis: Any) -> Any:
    """Axes one further back; those counted from the end stay."""
    if isinstance(axis, tuple):
        return tuple(map(_moved, axis))
    return axis + 1 if axis >= 0 else axis


def _one_by_one(op: Primitive, flags: Sequence[bool], count: int, *inputs: Any, **params: Any) -> Sequence[Var]:
    """The results of a primitive that knows nothing of stacks: copy by copy, put together."""
    results: list[tuple[Var, ...]] = []
    for k in range(count):
        own = [_copy_of(x, k) if flag else x for x, flag in zip(inputs, flags, strict=True)]
        made = bind(op, *own, **params)
        results.append(tuple(ops.reshape(v, shape=(1, *v.shape)) for v in made))
    return tuple(ops.concat(parts, axis=0) for parts in zip(*results, strict=True))


def _copy_of(x: Var, k: int) -> Var:
    piece = ops.slice_(x, start=(k, *(0,) * (x.ndim - 1)), stop=(k + 1, *x.shape[1:]))
    return ops.reshape(piece, shape=x.shape[1:])
