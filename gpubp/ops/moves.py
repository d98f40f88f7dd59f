"""Simplification of data movement: sums, views, casts and selections that a program can do without."""

from __future__ import annotations

from ..ir import FLOATS, PRIMITIVES, Eqn, Operand, Var, results
from .choices import cast_primitive, gate, where
from .elementwise import add, mul
from .indexing import one_hot
from .pieces import concat_primitive, full_primitive, pad, slice_
from .rewrites import Rules, Scope, single_use, value_of
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
    reduced = normal_axes(tuple(axis), x.ndim)
    if all(x.shape[i] == 1 for i in reduced):
        return reshape(x, shape=shape)
    inner = single_use(x, scope)
    if inner is not None and inner.op is sum_primitive:
        source = value_of(inner.inputs[0])
        first = normal_axes(inner.params["axis"], source.ndim)
        remaining = [i for i in range(source.ndim) if i not in first] if not inner.params["keepdims"] else None
        second = reduced if remaining is None else tuple(remaining[i] for i in reduced)
        total = sum_primitive(source, axis=tuple(sorted({*first, *second})), keepdims=False)
        return reshape(total, shape=shape)
    return _sum_of_labels(eqn, x, reduced, scope)


def _sum_of_labels(eqn: Eqn, x: Var, reduced: tuple[int, ...], scope: Scope) -> Var | None:
    """The sum over the classes of c y, where y is one-hot: c."""
    producer = scope.producer_of(x)
    if producer is None or reduced != (x.ndim - 1,):
        return None
    if producer.op is one_hot:
        return full_primitive(shape=eqn.output.shape, value=1.0, dtype=x.dtype)
    if producer.op is not mul:
        return None
    for c, y in (producer.inputs, producer.inputs[::-1]):
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
    identity = eqn.op is not transpose_primitive or eqn.params["axes"] == tuple(range(x.ndim))
    return x if x.shape == eqn.output.shape and identity else None


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
    inputs = eqn.inputs
    for i, x in enumerate(eqn.inputs):
        producer = scope.producer_of(x)
        if producer is not None and producer.op is broadcast_primitive:
            candidate = (*inputs[:i], producer.inputs[0], *inputs[i + 1 :])
            if results(eqn.op, candidate, eqn.params) == (eqn.output.aval,):
                inputs = candidate
    return None if inputs is eqn.inputs else eqn.op(*inputs, **eqn.params)


def _concat_of_one(eqn: Eqn, scope: Scope) -> Var | None:
    return value_of(eqn.inputs[0]) if len(eqn.inputs) == 1 else None


def _concat_of_concat(eqn: Eqn, scope: Scope) -> Var | None:
    """Nested concatenations along the same axis merge."""
    axis, flat = eqn.params["axis"], list[Operand]()
    for x in eqn.inputs:
        inner = single_use(x, scope)
        whole = inner is None or inner.op is not concat_primitive or inner.params["axis"] != axis
        flat += [x] if inner is None or whole else inner.inputs
    return concat_primitive(*flat, axis=axis) if len(flat) > len(eqn.inputs) else None


def _disjoint_pads(eqn: Eqn, scope: Scope) -> Var | None:
    """The sum of two values, each zero where the other is not, is their concatenation: the typical form of cotangents
    of slices."""
    first, second = (single_use(x, scope) for x in eqn.inputs)
    if first is None or second is None or first.op is not pad or second.op is not pad:
        return None
    if first.output.shape != second.output.shape:
        return None
    for a, b in ((first, second), (second, first)):
        differing = [i for i in range(eqn.output.ndim) if _padding(a, i) != _padding(b, i)]
        if len(differing) != 1:
            return None
        (axis,) = differing
        x, y = value_of(a.inputs[0]), value_of(b.inputs[0])
        if a.params["before"][axis] + x.shape[axis] == b.params["before"][axis]:
            both = concat_primitive(*_concat_operands(x, axis, scope), *_concat_operands(y, axis, scope), axis=axis)
            after = (*a.params["after"][:axis], b.params["after"][axis], *a.params["after"][axis + 1 :])
            return pad(both, before=a.params["before"], after=after) if both.shape != eqn.output.shape else both
    return None


def _concat_operands(x: Var, axis: int, scope: Scope) -> tuple[Operand, ...]:
    """The pieces that a value is concatenated from along an axis."""
    producer = scope.producer_of(x)
    return (
        producer.inputs
        if producer is not None and producer.op is concat_primitive and producer.params["axis"] == axis
        else (x,)
    )


def _padding(eqn: Eqn, axis: int) -> tuple[int, int]:
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
    source = value_of(inner.inputs[0])
    if source.dtype == "bool" or (source.dtype, x.dtype) in (("float32", "float64"), ("int32", "int64")):
        return source if source.dtype == eqn.output.dtype else cast_primitive(source, dtype=eqn.output.dtype)
    return None


def _where(eqn: Eqn, scope: Scope) -> Var | None:
    """A selection with a known condition; a selection between values and 0."""
    condition, a, b = eqn.inputs
    if isinstance(a, Var) and a.dtype in FLOATS and repr(b) == "0.0":
        return gate(value_of(condition), broadcast_to(a, shape=eqn.output.shape))
    producer = scope.producer_of(condition)
    if producer is None or producer.op is not full_primitive:
        return None
    chosen = a if producer.params["value"] else b
    if isinstance(chosen, Var):
        return broadcast_to(chosen, shape=eqn.output.shape)
    return full_primitive(shape=eqn.output.shape, value=chosen, dtype=eqn.output.dtype)


_MOVES: Rules = {
    sum_primitive: (_sum,),
    **dict.fromkeys((reshape_primitive, broadcast_primitive, transpose_primitive, slice_), (_no_move, _view_of_view)),
    concat_primitive: (_concat_of_one, _concat_of_concat),
    add: (_disjoint_pads,),
    cast_primitive: (_cast,),
    where: (_where,),
}
MOVES: Rules = {p: (*_MOVES.get(p, ()), *((_narrow,) if p.trait == "elementwise" else ())) for p in PRIMITIVES.values()}
"""The part of `ops.algebra` about data movement. Those marked *rounding* are explained there."""
