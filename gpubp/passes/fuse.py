"""Kernel fusion: which equations can be computed together, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

from dsl.records import dataclass

from ..ir import Eqn, Operand, Var
from .plan import base_of, dense

ROWS = frozenset({"elementwise", "rowwise", "reduce"})
"""Traits of equations that can be computed independently for each row (an index of the first axis)."""


@dataclass(eq=False, slots=True)
class Group:
    """Equations that run together. A group with a `shape` is computed row by row of that shape: its results have this
    shape, or one number for each row of its last axis. A group without one is a single equation, or views."""

    eqns: list[Eqn] = field(default_factory=list)
    shape: tuple[int, ...] | None = None


def fuse(eqns: Sequence[Eqn]) -> list[Group]:
    """Partition equations, in topological order, into groups: elementwise chains with their broadcasts, row-wise
    equations and reductions of rows with the elementwise equations around them, the optimizer over a flat buffer. The
    groups, and the equations in each, are in topological order; each view comes right before its first reader.

    From last to first, each equation joins the group of its first reader if they can be fused; an equation that nothing
    reads joins the first group so far. So no value is computed earlier than before, and lifetimes barely grow: an
    equation only moves past others if its result is not smaller than its operands.
    """
    views = {eqn.output: eqn for eqn in eqns if eqn.op.view is not None}
    readers: dict[Var, list[Eqn]] = {}
    for eqn in eqns:
        if eqn.op.view is None:
            for x in set(eqn.operands):
                readers.setdefault(base_of(x, views), []).append(eqn)
    reversed_groups: list[Group] = []
    group_of: dict[int, int] = {}
    for eqn in reversed(eqns):
        if eqn.op.view is not None:
            continue
        shape = _rows_of(eqn)
        consumers = [reader for v in eqn.outputs for reader in readers.get(v, ())]
        target = max((group_of[id(reader)] for reader in consumers), default=len(reversed_groups) - 1)
        shape_of_both = None
        whole = target >= 0 and reversed_groups[target].shape is not None
        if shape is not None and whole and (target == len(reversed_groups) - 1 or _not_smaller(eqn)):
            within = [reader for reader in consumers if group_of[id(reader)] == target]
            if all(_row_by_row(eqn.output, reader, views) for reader in within):
                shape_of_both = _common(reversed_groups[target].shape, shape)
        if shape_of_both is None:
            target = len(reversed_groups)
            reversed_groups.append(Group(shape=shape))
        else:
            reversed_groups[target].shape = shape_of_both
        reversed_groups[target].eqns.append(eqn)
        group_of[id(eqn)] = target
    return list(_with_views(reversed_groups, views))


def _rows_of(eqn: Eqn) -> tuple[int, ...] | None:
    """The shape over which an equation is computed; None if it cannot be computed row by row."""
    if eqn.op.trait not in ROWS or len(eqn.outputs) != 1:
        return None
    if eqn.op.trait == "elementwise":
        return eqn.output.shape
    (x,) = eqn.operands
    axes = eqn.params["axis"]
    # One row of the last axis at a time.
    return x.shape if axes in (-1, x.ndim - 1, (-1,), (x.ndim - 1,)) and x.ndim > 1 else None


def _common(a: tuple[int, ...] | None, b: tuple[int, ...]) -> tuple[int, ...] | None:
    """The common shape of two groups, None if they cannot be fused."""
    if a is None or a == b:
        return b if a == b else None
    large, small = (a, b) if len(a) > len(b) or (len(a) == len(b) and a[-1] > b[-1]) else (b, a)
    return large if len(large) > 1 and small in (large[:-1], (*large[:-1], 1)) else None


def _not_smaller(eqn: Eqn) -> bool:
    return all(x.aval.size <= eqn.output.aval.size for x in eqn.operands)


def _row_by_row(value: Var, reader: Eqn, views: dict[Var, Eqn]) -> bool:
    """Whether a reader's row depends only on the same row of `value`, through all views between them."""
    return all(_same_rows(x, value, reader, views) for x in reader.operands if base_of(x, views) is value)


def _same_rows(x: Var, value: Var, reader: Eqn, views: dict[Var, Eqn]) -> bool:
    if not reader.output.shape and reader.op.trait == "elementwise":
        return x is value  # a scalar of a scalar
    if reader.op.trait == "elementwise" and (x.ndim != reader.output.ndim or x.shape[0] != reader.output.shape[0]):
        return False
    while x is not value:
        eqn = views[x]
        (source,) = eqn.operands
        if not source.shape or not x.shape or source.shape[0] != x.shape[0] or eqn.op.view is None:
            return False
        row_stride = dense(source.shape)[0]
        layout = eqn.op.view(0, source.shape, dense(source.shape), **eqn.params)
        if layout is None or layout[0] >= max(row_stride, 1) or layout[1][0] != row_stride:
            return False
        x = source
    return True


def _with_views(reversed_groups: Sequence[Group], views: dict[Var, Eqn]) -> Iterator[Group]:
    """The groups in execution order. A view belongs to the group that computes its source, if that group reads it
    first; other views get their own groups before."""
    pending = dict(views)

    def needed(x: Operand) -> Iterator[Eqn]:
        if isinstance(x, Var) and x in pending:
            eqn = pending.pop(x)
            yield from needed(eqn.inputs[0])
            yield eqn

    for group in reversed(reversed_groups):
        computed = {v for eqn in group.eqns for v in eqn.outputs}
        before: list[Eqn] = []
        inside: list[Eqn] = []
        for eqn in reversed(group.eqns):
            for view in (view for x in eqn.inputs for view in needed(x)):
                (inside if base_of(view.output, views) in computed else before).append(view)
            inside.append(eqn)
        if before:
            yield Group(before)
        yield Group(inside, group.shape)
    rest = [eqn for x in views for eqn in needed(x)]
    if rest:
        yield Group(rest)
