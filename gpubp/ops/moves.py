"""Simplification of data movement: sums, views, casts and selections that a program can do without."""

from __future__ import annotations

from ..ir import FLOATS, PRIMITIVES, Eqn, Operand, Var, results
from .choices import cast_primitive, gate, where
from .elementwise import add, mul
from .indexing import one_hot
from .pieces import concat_primitive, full_primitive, pad, slice_
from .rewrites import Rules, Scope, alone, value_of
from .shaping import (
    broadcast_primitive,
    broadcast_to,
    normal_axes,
    reshape,
    reshape_primitive,
    sum_primitive,
    transpose_primitive,
)


def _sum(eqn: Eqn, scope: Scope) -> Var | None:
    """A sum over axes of size 1 is its input; a sum of a sum is one sum (*rounding*: never with more operations); a
    one-hot row sums to 1."""
    x, shape, axis = value_of(eqn.inputs[0]), eqn.output.shape, set(eqn.params["axis"])
    gone = normal_axes(tuple(axis), x.ndim)
    if all(x.shape[i] == 1 for i in gone):
        return reshape(x, shape=shape)
    inner = alone(x, scope)
    if inner is not None and inner.op is sum_primitive:
        before = value_of(inner.inputs[0])
        first = normal_axes(inner.params["axis"], before.ndim)
        left = [i for i in range(before.ndim) if i not in first] if not inner.params["keepdims"] else None
        second = gone if left is None else tuple(left[i] for i in gone)
        total = sum_primitive(before, axis=tuple(sorted({*first, *second})), keepdims=False)
        return reshape(total, shape=shape)
    return _sum_of_labels(eqn, x, gone, scope)


def _sum_of_labels(eqn: Eqn, x: Var, gone: tuple[int, ...], scope: Scope) -> Var | None:
    """The sum over the classes of c y, where y is one-hot: c."""
    maker = scope.producer_of(x)
    if maker is None or gone != (x.ndim - 1,):
        return None
    if maker.op is one_hot:
        return full_primitive(shape=eqn.output.shape, value=1.0, dtype=x.dtype)
    if maker.op is not mul:
        return None
    for c, y in (maker.inputs, maker.inputs[::-1]):
        labels = scope.producer_of(y)
        if labels is None or labels.op is not one_hot or value_of(y).shape != x.shape:
            continue
        if not isinstance(c, Var):
            return full_primitive(shape=eqn.output.shape, value=float(c), dtype=x.dtype)
        if c.ndim == 0 or c.shape[-1] == 1:
            rows = broadcast_to(c, shape=(*x.shape[:-1], 1))
            return reshape(rows, shape=eqn.output.shape)
    return None


def _no_move(eqn: Eqn, scope: Scope) -> Var | None:
    """A view that is the identity."""
    x = value_of(eqn.inputs[0])
    still = eqn.op is not transpose_primitive or eqn.params["axes"] == tuple(range(x.ndim))
    return x if x.shape == eqn.output.shape and still else None


def _view_of_view(eqn: Eqn, scope: Scope) -> Var | None:
    """Two consecutive views of the same kind merge."""
    inner = scope.producer_of(eqn.inputs[0])
    if inner is None or inner.op is not eqn.op:
        return None
    x = value_of(inner.inputs[0])
    if eqn.op is transpose_primitive:
        return transpose_primitive(x, axes=tuple(inner.params["axes"][i] for i in eqn.params["axes"]))
    if eqn.op is slice_:
        origin = inner.params["start"]
        start, stop = (tuple(a + b for a, b in zip(origin, eqn.params[k], strict=True)) for k in ("start", "stop"))
        return slice_(x, start=start, stop=stop)
    return eqn.op(x, **eqn.params)


def _narrow(eqn: Eqn, scope: Scope) -> Var | None:
    """An elementwise primitive broadcasts its inputs itself."""
    if not any((m := scope.producer_of(x)) is not None and m.op is broadcast_primitive for x in eqn.inputs):
        return None
    narrow = list(eqn.inputs)
    for i, x in enumerate(eqn.inputs):
        maker = scope.producer_of(x)
        if maker is not None and maker.op is broadcast_primitive:
            tried = [*narrow[:i], maker.inputs[0], *narrow[i + 1 :]]
            if results(eqn.op, tried, eqn.params) == (eqn.output.aval,):
                narrow = tried
    return eqn.op(*narrow, **eqn.params) if narrow != list(eqn.inputs) else None


def _concat_of_one(eqn: Eqn, scope: Scope) -> Var | None:
    return value_of(eqn.inputs[0]) if len(eqn.inputs) == 1 else None


def _concat_of_concat(eqn: Eqn, scope: Scope) -> Var | None:
    """Nested concatenations along the same axis merge."""
    axis, flat = eqn.params["axis"], list[Operand]()
    for x in eqn.inputs:
        inner = alone(x, scope)
        whole = inner is None or inner.op is not concat_primitive or inner.params["axis"] != axis
        flat += [x] if inner is None or whole else inner.inputs
    return concat_primitive(*flat, axis=axis) if len(flat) > len(eqn.inputs) else None


def _side_by_side(eqn: Eqn, scope: Scope) -> Var | None:
    """The sum of two values, each zero where the other is not, is their concatenation: the typical form of cotangents
    of slices."""
    first, second = (alone(x, scope) for x in eqn.inputs)
    if first is None or second is None or first.op is not pad or second.op is not pad:
        return None
    if first.output.shape != second.output.shape:
        return None
    for a, b in ((first, second), (second, first)):
        apart = [i for i in range(eqn.output.ndim) if _border(a, i) != _border(b, i)]
        if len(apart) != 1:
            return None
        (axis,) = apart
        x, y = value_of(a.inputs[0]), value_of(b.inputs[0])
        if a.params["before"][axis] + x.shape[axis] == b.params["before"][axis]:
            both = concat_primitive(*_pieces(x, axis, scope), *_pieces(y, axis, scope), axis=axis)
            after = (*a.params["after"][:axis], b.params["after"][axis], *a.params["after"][axis + 1 :])
            return pad(both, before=a.params["before"], after=after) if both.shape != eqn.output.shape else both
    return None


def _pieces(x: Var, axis: int, scope: Scope) -> tuple[Operand, ...]:
    """The pieces that a value is concatenated from along an axis."""
    maker = scope.producer_of(x)
    return maker.inputs if maker is not None and maker.op is concat_primitive and maker.params["axis"] == axis else (x,)


def _border(eqn: Eqn, axis: int) -> tuple[int, int]:
    """The padding at both ends of an axis."""
    return eqn.params["before"][axis], eqn.params["after"][axis]


def _cast(eqn: Eqn, scope: Scope) -> Var | None:
    """A cast to the same dtype, or after a lossless cast."""
    x = value_of(eqn.inputs[0])
    if x.dtype == eqn.output.dtype:
        return x
    inner = scope.producer_of(x)
    if inner is None or inner.op is not cast_primitive:
        return None
    before = value_of(inner.inputs[0])
    if before.dtype == "bool" or (before.dtype, x.dtype) in (("float32", "float64"), ("int32", "int64")):
        return before if before.dtype == eqn.output.dtype else cast_primitive(before, dtype=eqn.output.dtype)
    return None


def _where(eqn: Eqn, scope: Scope) -> Var | None:
    """A selection with a known condition; a selection between values and 0."""
    condition, a, b = eqn.inputs
    if isinstance(a, Var) and a.dtype in FLOATS and repr(b) == "0.0":
        return gate(value_of(condition), broadcast_to(a, shape=eqn.output.shape))
    maker = scope.producer_of(condition)
    if maker is None or maker.op is not full_primitive:
        return None
    chosen = a if maker.params["value"] else b
    if isinstance(chosen, Var):
        return broadcast_to(chosen, shape=eqn.output.shape)
    return full_primitive(shape=eqn.output.shape, value=chosen, dtype=eqn.output.dtype)


_MOVES: Rules = {
    sum_primitive: (_sum,),
    **dict.fromkeys((reshape_primitive, broadcast_primitive, transpose_primitive, slice_), (_no_move, _view_of_view)),
    concat_primitive: (_concat_of_one, _concat_of_concat),
    add: (_side_by_side,),
    cast_primitive: (_cast,),
    where: (_where,),
}
MOVES: Rules = {p: (*_MOVES.get(p, ()), *((_narrow,) if p.trait == "elementwise" else ())) for p in PRIMITIVES.values()}
"""The part of `ops.algebra` about data movement. Those marked *rounding* are explained there."""
