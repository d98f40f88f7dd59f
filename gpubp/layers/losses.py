"""Regression losses: one number per example, the mean over its outputs or positions; penalties on the weights."""

from __future__ import annotations

from math import inf

from .. import ops
from ..errors import ShapeError
from ..ir import FLOATS, Operand, Var
from ..registry import NonNegative, register
from .context import Context
from .mismatch import difference


def per_example(x: Var) -> Var:
    """Mean over all axes but the batch."""
    return ops.mean(x, tuple(range(1, x.ndim)))


def require_same_shapes(name: str, p: Var, y: Operand) -> None:
    """Require equal shapes: broadcasting in a loss or metric would hide mistakes."""
    if not isinstance(y, Var) or not isinstance(p, Var):
        raise ShapeError(f"`{name}` compares two values, not a value and a number")
    for value, which in ((y, "the target"), (p, "its first value")):
        if value.dtype not in FLOATS:
            raise ShapeError(f"`{name}` compares numbers, but {which} is a class label", code="E0306")
    if p.shape[1:] != y.shape[1:]:
        raise ShapeError(
            f"`{name}` needs equal shapes, got {list(p.shape[1:])} and {list(y.shape[1:])}",
            label=difference(p.shape[1:], y.shape[1:]),
        )


def require_axis(name: str, p: Var) -> None:
    """Raise ShapeError for an example that is a single number, if a loss reduces its last axis."""
    if p.ndim < 2:
        raise ShapeError(f"`{name}` goes along the last axis, but this is a single number")


@register("loss", "mse")
def mse(cx: Context, p: Var, y: Var) -> Var:
    """Squared error (p - y)^2, averaged over the example's outputs."""
    require_same_shapes("mse", p, y)
    d = p - y
    return per_example(d * d)


@register("loss", "half_squared_error")
def half_squared_error(cx: Context, p: Var, y: Var) -> Var:
    """1/2 ||y - p||^2, summed over the example's outputs: the loss of textbooks."""
    require_same_shapes("half_squared_error", p, y)
    d = p - y
    return 0.5 * ops.sum_(d * d, tuple(range(1, d.ndim)))


@register("loss", "mae")
def mae(cx: Context, p: Var, y: Var) -> Var:
    """Absolute error |p - y|, averaged over the example's outputs."""
    require_same_shapes("mae", p, y)
    return per_example(ops.absolute(p - y))


@register("loss", "huber")
def huber(cx: Context, p: Var, y: Var, *, delta: NonNegative = 1.0) -> Var:
    """1/2 d^2 where |d| <= delta, else delta (|d| - delta / 2), with d = p - y, averaged over the outputs. Huber
    (1964)."""
    require_same_shapes("huber", p, y)
    size = ops.absolute(p - y)
    inner = ops.minimum(size, delta)
    return per_example(inner * (size - 0.5 * inner))


@register("loss", "poisson", within=(0, inf))
def poisson(cx: Context, p: Var, y: Var) -> Var:
    """p - y log p, averaged over the outputs: the negative log-likelihood of counts `y` of mean `p`, without log y!.
    `p` is positive, the result of `exp` or `softplus`. McCullagh & Nelder (1989), section 6.2."""
    require_same_shapes("poisson", p, y)
    return per_example(p - y * ops.log_probability(p))


@register("loss", "cosine")
def cosine(cx: Context, p: Var, y: Var) -> Var:
    """Cosine distance 1 - p y / (|p| |y|) over the last axis, averaged over the others: 0 for the same direction, 2 for
    opposite ones. A vector shorter than 1e-8 counts as one of that length."""
    require_same_shapes("cosine", p, y)
    require_axis("cosine", p)
    lengths = [ops.sqrt(ops.maximum(ops.sum_(v * v, (-1,), keepdims=True), 1e-16)) for v in (p, y)]
    return per_example(1.0 - ops.sum_(p / lengths[0] * (y / lengths[1]), (-1,)))


@register("loss", "contrastive", within=(0, 1))
def contrastive(cx: Context, d: Var, y: Var, *, margin: NonNegative = 1.0) -> Var:
    """1/2 y d^2 + 1/2 (1 - y) max(0, margin - d)^2, averaged over the outputs: `d` is a distance, `y` is 1 for a
    similar pair and 0 otherwise. Hadsell, Chopra & LeCun (2006), equation 4, where Y is 1 - y."""
    require_same_shapes("contrastive", d, y)
    gap = ops.relu(margin - d)
    return per_example(0.5 * (y * (d * d) + (1.0 - y) * (gap * gap)))


@register("loss", "dice", within=(0, 1))
def dice(cx: Context, p: Var, y: Var, *, smooth: NonNegative = 1.0) -> Var:
    """Dice loss 1 - (2 sum p y + smooth) / (sum p^2 + sum y^2 + smooth) over the whole example: 0 for a perfect overlap
    of two masks. Milletari, Navab & Ahmadi (2016), section 3; `smooth` makes the loss of two empty masks 0."""
    require_same_shapes("dice", p, y)
    axes = tuple(range(1, p.ndim))
    overlap = 2.0 * ops.sum_(p * y, axes) + smooth
    return 1.0 - overlap / ops.maximum(ops.sum_(p * p + y * y, axes) + smooth, 1e-12)


@register("penalty", "l1")
def l1(cx: Context, weights: list[Var], *, k: NonNegative) -> Var:
    """k sum |w| over all weights, excluding biases and gains. Tibshirani (1996)."""
    return _sum(cx, [ops.sum_(ops.absolute(w)) for w in weights]) * k


@register("penalty", "l2")
def l2(cx: Context, weights: list[Var], *, k: NonNegative) -> Var:
    """k sum w^2 over all weights, excluding biases and gains. Hoerl & Kennard (1970)."""
    return _sum(cx, [ops.sum_(w * w) for w in weights]) * k


def _sum(cx: Context, terms: list[Var]) -> Var:
    total = terms[0] if terms else ops.full((), 0.0, cx.dtype)
    for term in terms[1:]:
        total = total + term
    return total
