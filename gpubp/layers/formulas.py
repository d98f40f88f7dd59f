"""Operators and functions for formulas. Shapes of one example broadcast as in NumPy, independent of the batch axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .. import ops
from ..errors import ShapeError
from ..ir import FLOATS, Operand, Var, broadcast_shapes
from ..registry import Axis, Count, Count0, Shape, register
from .context import Context
from .mismatch import difference, obstacle

LABELS = "labels are declared: `input x: class(10)`, or `class(10)[4]` for four of them"


def align(*xs: Operand, what: str) -> tuple[Operand, ...]:
    """Insert axes of size 1 after the batch axis, so that the examples' shapes broadcast from the right. ShapeError if
    they are incompatible."""
    shapes = [x.shape[1:] for x in xs if isinstance(x, Var)]
    try:
        rank = len(broadcast_shapes(*shapes))
    except ValueError:
        message = f"cannot {what} shapes {' and '.join(map(str, map(list, shapes)))}"
        raise ShapeError(message, label=obstacle(*_incompatible_pair(shapes))) from None
    return tuple(
        ops.reshape(x, shape=(x.shape[0], *(1,) * (rank + 1 - x.ndim), *x.shape[1:])) if isinstance(x, Var) else x
        for x in xs
    )


def _incompatible_pair(shapes: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The first two shapes that do not broadcast."""
    for i, first in enumerate(shapes):
        for second in shapes[i + 1 :]:
            try:
                broadcast_shapes(first, second)
            except ValueError:
                return first, second
    raise ValueError("each two of the shapes broadcast")


def as_float(cx: Context, x: Operand, what: str) -> Operand:
    """A value as floats: labels are rejected, a boolean counts as 0 or 1."""
    if isinstance(x, Var) and x.dtype == "bool":
        return ops.cast(x, dtype=cx.dtype)
    if isinstance(x, Var) and x.dtype not in FLOATS:
        raise ShapeError(f"cannot {what} labels: they are names, not numbers", code="E0306")
    return x


def _operator(sign: str, what: str, apply: Callable[..., Var]) -> None:
    def operator(cx: Context, a: Operand, b: Operand) -> Var:
        left, right = align(as_float(cx, a, what), as_float(cx, b, what), what=what)
        return apply(left, right)

    register("operator", sign)(operator)


def _comparison(sign: str, apply: Callable[..., Var]) -> None:
    def comparison(cx: Context, a: Operand, b: Operand) -> Var:
        if len({x.dtype in FLOATS for x in (a, b) if isinstance(x, Var)}) > 1:
            raise ShapeError("cannot compare labels with numbers: they are names", code="E0306")
        return ops.cast(apply(*align(a, b, what="compare")), dtype=cx.dtype)

    register("operator", sign)(comparison)


_operator("+", "add", lambda a, b: ops.add(a, b))
_operator("-", "subtract", lambda a, b: ops.sub(a, b))
_operator("*", "multiply", lambda a, b: ops.mul(a, b))
_operator("/", "divide", lambda a, b: ops.div(a, b))
_operator("^", "exponentiate", lambda a, b: a**b)
for _sign, _apply in {
    "<": ops.less,
    "<=": ops.less_equal,
    ">": ops.greater,
    ">=": ops.greater_equal,
    "==": ops.equal,
    "!=": ops.not_equal,
}.items():
    _comparison(_sign, _apply)


@register("operator", "neg")
def neg(cx: Context, x: Var) -> Var:
    """-x."""
    return ops.neg(as_float(cx, x, "negate"))


def _unary(name: str, apply: Callable[[Var], Var], static: Callable[[Any], Any], doc: str) -> None:
    def function(cx: Context, x: Var) -> Var:
        return apply(x)

    function.__doc__ = doc
    register("function", name, static=static)(function)


_unary("exp", ops.exp, math.exp, "Exponential function.")
_unary("log", ops.log, math.log, "Natural logarithm; of a sigmoid or softmax it is computed without overflow.")
_unary("sqrt", ops.sqrt, math.sqrt, "Square root.")
_unary("abs", ops.absolute, abs, "Absolute value; its derivative at 0 is 0.")
_unary("sin", ops.sin, math.sin, "Sine.")
_unary("cos", ops.cos, math.cos, "Cosine.")
_unary("erf", ops.erf, math.erf, "Error function.")


@register("function", "maximum", static=max)
def maximum(cx: Context, a: Operand, b: Operand) -> Var:
    """The elementwise maximum; ties share the derivative."""
    return ops.maximum(*align(a, b, what="compare"))


@register("function", "minimum", static=min)
def minimum(cx: Context, a: Operand, b: Operand) -> Var:
    """The elementwise minimum; ties share the derivative."""
    return ops.minimum(*align(a, b, what="compare"))


@register("function", "where")
def where(cx: Context, condition: Var, a: Operand, b: Operand) -> Var:
    """Elementwise selection: `a` where the condition is not 0, else `b`."""
    c, left, right = align(condition, a, b, what="choose between")
    if not isinstance(c, Var):
        raise ShapeError("`where` needs a condition that depends on a value")
    truth = c if c.dtype == "bool" else ops.not_equal(c, 0.0)
    if not isinstance(left, Var) and not isinstance(right, Var):
        number = ops.cast(truth, dtype=cx.dtype)
        return number * float(left) + (1.0 - number) * float(right)
    return ops.where(truth, left, right)


def _axes(x: Var, axis: int | None) -> tuple[int, ...]:
    """An axis of one example as an axis of the batch; None means all but the batch."""
    rank = x.ndim - 1
    if axis is None:
        return tuple(range(1, x.ndim))
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} does not exist in shape {list(x.shape[1:])}")
    return (axis % rank + 1,)


@register("function", "sum")
def sum_(cx: Context, x: Var, *, axis: Axis = None) -> Var:
    """Sum over an axis of the example, which is removed, or over all of them, which gives []."""
    return ops.sum_(x, _axes(x, axis))


@register("function", "mean")
def mean(cx: Context, x: Var, *, axis: Axis = None) -> Var:
    """Mean over an axis of the example, which is removed, or over all of them, which gives []."""
    return ops.mean(x, _axes(x, axis))


@register("function", "max")
def max_(cx: Context, x: Var, *, axis: Axis = None) -> Var:
    """Maximum over an axis of the example, which is removed, or over all of them, which gives []. Ties share the
    derivative."""
    return ops.max_(x, _axes(x, axis))


@register("function", "reshape", labels=True)
def reshape(cx: Context, x: Var, *, shape: Shape) -> Var:
    """The same values in row-major order in another shape with the same number of elements: [...] gives `shape`. Labels
    stay labels."""
    if math.prod(shape) != math.prod(x.shape[1:]):
        raise ShapeError(
            f"cannot reshape {list(x.shape[1:])} to {list(shape)}",
            label=f"{math.prod(x.shape[1:]):,} values against {math.prod(shape):,}",
        )
    return keep_labels(cx, x, ops.reshape(x, shape=(x.shape[0], *shape)))


@register("function", "flatten", labels=True)
def flatten(cx: Context, x: Var) -> Var:
    """All axes of the example merged into one: [2, 3, 4] gives [24]. Labels stay labels."""
    return keep_labels(cx, x, ops.reshape(x, shape=(x.shape[0], math.prod(x.shape[1:]))))


@register("function", "slice", labels=True)
def slice_(cx: Context, x: Var, *, start: Count0, stop: Count, axis: int = 0) -> Var:
    """The part of an axis of the example from `start` to `stop` (exclusive): [n, ...] gives [stop - start, ...]. Labels
    stay labels."""
    (at,) = _axes(x, axis)
    if not start < stop <= x.shape[at]:
        raise ShapeError(
            f"cannot take {start} to {stop} of an axis of {x.shape[at]}", "counted from 0, end not included"
        )
    first = tuple(start if i == at else 0 for i in range(x.ndim))
    last = tuple(stop if i == at else n for i, n in enumerate(x.shape))
    return keep_labels(cx, x, ops.slice_(x, start=first, stop=last))


@register("function", "concat", labels=True)
def concat(cx: Context, *xs: Var, axis: int = -1) -> Var:
    """Concatenates values along an axis of the example: [..., m] and [..., n] give [..., m + n]. Labels of the same
    classes stay labels."""
    require_values("concat", xs)
    _require_same_labels(cx, "join", xs)
    first = xs[0].shape[1:]
    at = _axes(xs[0], axis)[0]
    for x in xs[1:]:
        other = x.shape[1:]
        if len(other) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(first, other, strict=True), 1) if i != at
        ):
            # Along the axis itself the sizes may differ.
            alike = _with_size(other, at - 1, first[at - 1]) if len(other) == len(first) else other
            message = f"cannot join shapes {list(first)} and {list(other)} along axis {axis}"
            raise ShapeError(message, label=difference(first, alike))
    return keep_labels(cx, xs[0], ops.concat(_broadcast_batch(xs), axis=at))


@register("function", "stack", labels=True)
def stack(cx: Context, *xs: Var) -> Var:
    """Stacks values of one shape along a new first axis: n times [...] gives [n, ...]. Labels of the same classes stay
    labels."""
    require_values("stack", xs)
    _require_same_labels(cx, "stack", xs)
    for x in xs[1:]:
        if x.shape[1:] != xs[0].shape[1:]:
            first, other = xs[0].shape[1:], x.shape[1:]
            raise ShapeError(f"cannot stack shapes {list(first)} and {list(other)}", label=difference(first, other))
    batched = _broadcast_batch(xs)
    rows = [ops.reshape(x, shape=(x.shape[0], 1, *x.shape[1:])) for x in batched]
    return keep_labels(cx, xs[0], ops.concat(rows, axis=1))


def keep_labels(cx: Context, x: Var, y: Var) -> Var:
    """`y`, a rearrangement of the values of `x`, as labels if `x` are labels."""
    classes = cx.classes(x)
    return y if classes is None else cx.as_labels(y, classes)


def _require_same_labels(cx: Context, what: str, xs: Sequence[Var]) -> None:
    """Raise ShapeError if labels are mixed with numbers, or with those of other classes."""
    if len({x.dtype in FLOATS for x in xs}) > 1:
        raise ShapeError(f"cannot {what} labels and numbers: labels are names", code="E0306")
    counts = [cx.classes(x) for x in xs]
    other = next((count for count in counts if count != counts[0]), counts[0])
    if other != counts[0]:
        raise ShapeError(f"cannot {what} labels of {counts[0]} classes and of {other}", code="E0306")


def _with_size(shape: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis + 1 :])


def require_values(name: str, xs: Sequence[Operand]) -> None:
    """Raise ShapeError for a plain number among values."""
    plain = [x for x in xs if not isinstance(x, Var)]
    if plain:
        option = len(plain) == 1 < len(xs) and xs[-1] is plain[0] and isinstance(plain[0], int)
        help = f"options of `{name}` have names: `axis = {plain[0]}`" if option else "`0 * x + 1` has x's shape"
        raise ShapeError(f"`{name}` takes values of the model, but {plain[0]} is a plain number", help)


def _broadcast_batch(xs: Sequence[Var]) -> list[Var]:
    """Values of one batch size: those that are the same for all examples are repeated."""
    batch = max(x.shape[0] for x in xs)
    return [ops.broadcast_to(x, shape=(batch, *x.shape[1:])) for x in xs]


@register("function", "one_hot", labels=True)
def one_hot(cx: Context, labels: Var) -> Var:
    """Labels as vectors of 0 with a 1 at the label: class(n)[...] gives [..., n]."""
    classes = cx.classes(labels)
    if classes is None:
        raise ShapeError("`one_hot` takes class labels, but this is a tensor of numbers", LABELS, code="E0306")
    return ops.one_hot(labels, classes=classes, dtype=cx.dtype)
