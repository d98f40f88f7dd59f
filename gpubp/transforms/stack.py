"""Batching of programs: K copies as one program, in which every value that may differ has a leading axis of size K."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from .. import ops
from ..ir import Aval, Eqn, Primitive, Program, Var, bind, origin, recording


def stack(program: Program, count: int, shared: Collection[Var] = (), going: Var | None = None) -> Program:
    """`count` copies of a verified program, run side by side on inputs with a leading axis; the inputs `shared` have
    none, and neither do values that depend on them alone. Outputs and states are stacked.

    The new guard is the conjunction of the copies' guards. With `going`, an additional input of `count` bools, there is
    no guard; the states of a copy that is not going, or whose own guard is false, keep their values. A primitive's
    trait implies how it is stacked: elementwise primitives and matrix products broadcast, axes of reductions and
    row-wise primitives shift by one; others have their own rule (`Primitive.stack`), or are unrolled copy by copy.
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
            inputs_now = [now[x] if isinstance(x, Var) else x for x in eqn.inputs]
            flags = [x in stacked for x in eqn.inputs]
            with origin(eqn.origin):
                now.update(zip(eqn.outputs, _stacked(eqn, inputs_now, flags, count), strict=True))
            stacked.update(eqn.outputs)
        ends = (*program.outputs, *(value for _, value in program.updates), program.guard)
        for v in dict.fromkeys(v for v in ends if v is not None and v not in stacked):
            now[v] = ops.broadcast_to(now[v], shape=(count, *v.shape))
        updates = [(now[state], now[value]) for state, value in program.updates]
        guard = None
        if program.guard is not None and going is not None:
            inputs = (*inputs, going)
            updated = ops.logical_and(now[program.guard], going)
            updates = [(state, _chosen(updated, value, state)) for state, value in updates]
        elif program.guard is not None:
            guard = ops.sum_(ops.cast(now[program.guard], dtype="float32")) > count - 0.5
    outputs = tuple(now[v] for v in program.outputs)
    return Program(inputs, tuple(eqns), outputs, tuple(updates), guard)


def _chosen(updated: Var, value: Var, state: Var) -> Var:
    """The new state where a copy is updated, else the old one."""
    condition = ops.reshape(updated, shape=(*updated.shape, *(1,) * (state.ndim - 1)))
    return ops.where(condition, value, state)


def _stacked(eqn: Eqn, inputs: Sequence[Any], flags: Sequence[bool], count: int) -> Sequence[Var]:
    """The results of an equation whose flagged inputs have a leading axis."""
    op, params = eqn.op, eqn.params
    if op.stack is not None:
        stacked_params = {k: partial(_flagged, p, count) if isinstance(p, Program) else p for k, p in params.items()}
        results_ = op.stack(flags, count, *inputs, **stacked_params)
        return results_ if isinstance(results_, tuple) else (results_,)
    if op.trait in ("elementwise", "gemm"):
        rank = max(len(x.shape) - flag for x, flag in zip(inputs, flags, strict=True) if isinstance(x, Var))
        aligned = [ops.padded(x, rank) if flag else x for x, flag in zip(inputs, flags, strict=True)]
        return (op(*aligned, **params),)
    if op.trait in ("reduce", "rowwise"):
        return (op(*inputs, **{**params, "axis": _moved(params["axis"])}),)
    return _one_by_one(op, flags, count, *inputs, **params)


def _flagged(program: Program, count: int, flags: Sequence[bool]) -> Program:
    """Stacked copies of a program whose unflagged inputs are shared."""
    return stack(program, count, [v for v, flag in zip(program.inputs, flags, strict=True) if not flag])


def _moved(axis: Any) -> Any:
    """The axes shifted by one; negative ones stay."""
    if isinstance(axis, tuple):
        return tuple(map(_moved, axis))
    return axis + 1 if axis >= 0 else axis


def _one_by_one(op: Primitive, flags: Sequence[bool], count: int, *inputs: Any, **params: Any) -> Sequence[Var]:
    """The results of a primitive without a stacking rule: unrolled copy by copy, then stacked."""
    results: list[tuple[Var, ...]] = []
    for k in range(count):
        own = [_copy_of(x, k) if flag else x for x, flag in zip(inputs, flags, strict=True)]
        results_of_copy = bind(op, *own, **params)
        results.append(tuple(ops.reshape(v, shape=(1, *v.shape)) for v in results_of_copy))
    return tuple(ops.concat(parts, axis=0) for parts in zip(*results, strict=True))


def _copy_of(x: Var, k: int) -> Var:
    piece = ops.slice_(x, start=(k, *(0,) * (x.ndim - 1)), stop=(k + 1, *x.shape[1:]))
    return ops.reshape(piece, shape=x.shape[1:])
