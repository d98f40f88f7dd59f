"""Losses: one number per example (the mean over its outputs or positions), and penalties on the weights."""

from __future__ import annotations

from .. import ops
from ..errors import ShapeError
from ..ir import FLOATS, Operand, Var
from ..registry import NonNegative, register
from .context import Context
from .mismatch import difference


def per_example(x: Var) -> Var:
    """Mean over all axes but the batch."""
    return ops.mean(x, tuple(range(1, x.ndim)))


def same_shapes(name: str, p: Var, y: Operand) -> None:
    """Losses and metrics compare equal shapes; broadcasting here hides mistakes."""
    if not isinstance(y, Var) or not isinstance(p, Var):
        raise ShapeError(f"`{name}` compares two values, not a value and a number")
    for value, which in ((y, "the target"), (p, "its first value")):
        if value.dtype not in FLOATS:
            raise ShapeError(f"`{name}` compares numbers, and {which} is a class label", code="E0306")
    if p.shape[1:] != y.shape[1:]:
        raise ShapeError(
            f"`{name}` needs equal shapes, got {list(p.shape[1:])} and {list(y.shape[1:])}",
            label=difference(p.shape[1:], y.shape[1:]),
        )


@register("loss", "mse")
def mse(cx: Context, p: Var, y: Var) -> Var:
    """Squared error (p - y)^2, averaged over the example's outputs."""
    same_shapes("mse", p, y)
    d = p - y
    return per_example(d * d)


@register("loss", "half_squared_error")
def half_squared_error(cx: Context, p: Var, y: Var) -> Var:
    """1/2 ||y - p||^2, summed over the example's outputs: the loss of textbooks."""
    same_shapes("half_squared_error", p, y)
    d = p - y
    return 0.5 * ops.sum_(d * d, tuple(range(1, d.ndim)))


@register("loss", "mae")
def mae(cx: Context, p: Var, y: Var) -> Var:
    """Absolute error |p - y|, averaged over the example's outputs."""
    same_shapes("mae", p, y)
    return per_example(ops.absolute(p - y))


@register("loss", "huber")
def huber(cx: Context, p: Var, y: Var, *, delta: NonNegative = 1.0) -> Var:
    """1/2 d^2 where |d| <= delta, else delta (|d| - delta / 2), with d = p - y, averaged over the outputs. Huber
    (1964)."""
    same_shapes("huber", p, y)
    size = ops.absolute(p - y)
    inner = ops.minimum(size, float(delta))
    return per_example(inner * (size - 0.5 * inner))


@register("loss", "binary_cross_entropy")
def binary_cross_entropy(cx: Context, p: Var, y: Var) -> Var:
    """-(y log p + (1 - y) log(1 - p)), averaged over the outputs; `p` is a probability (the result of a sigmoid)."""
    same_shapes("binary_cross_entropy", p, y)
    return -per_example(y * ops.log_probability(p) + (1.0 - y) * ops.log_probability(1.0 - p))


@register("loss", "cross_entropy")
def cross_entropy(cx: Context, p: Var, y: Var) -> Var:
    """-log p[y], averaged over the positions; `p`: [..., classes] probabilities (the result of a softmax), `y`:
    labels [...]."""
    classes = check_labels("cross_entropy", cx, p, y)
    hot = ops.one_hot(y, classes=classes, dtype=p.dtype)
    return -per_example(ops.sum_(hot * ops.log_probability(p), (-1,)))


def check_labels(name: str, cx: Context, p: Var, y: Var) -> int:
    """The number of classes, where `p` has one probability for each class of the labels `y`."""
    if not isinstance(y, Var) or not isinstance(p, Var):
        raise ShapeError(f"`{name}` compares two values, not a value and a number")
    if p.dtype not in FLOATS:
        raise ShapeError(f"`{name}` takes probabilities first, and this is a class label", code="E0306")
    if y.dtype in FLOATS:
        raise ShapeError(f"`{name}` needs class labels, and the target is a tensor of numbers", code="E0306")
    found, classes = p.shape[1:], cx.classes(y)
    if found[:-1] != y.shape[1:] or not found:
        message = f"`{name}` needs one row of probabilities per label, got {list(found)} for labels {list(y.shape[1:])}"
        wanted = "" if classes is None else f"{[*y.shape[1:], classes]} would fit"
        raise ShapeError(message, label=wanted)
    if classes is not None and classes != found[-1]:
        message = f"`{name}` needs one probability per class: {found[-1]} outputs for {classes} classes"
        raise ShapeError(message, label=difference(found, (*found[:-1], classes)))
    return p.shape[-1]


@register("penalty", "l1")
def l1(cx: Context, weights: list[Var], *, k: NonNegative) -> Var:
    """k sum |w| over all weights, biases and gains left alone."""
    return _total(cx, [ops.sum_(ops.absolute(w)) for w in weights]) * float(k)


@register("penalty", "l2")
def l2(cx: Context, weights: list[Var], *, k: NonNegative) -> Var:
    """k sum w^2 over all weights, biases and gains left alone."""
    return _total(cx, [ops.sum_(w * w) for w in weights]) * float(k)


def _total(cx: Context, terms: list[Var]) -> Var:
    total = terms[0] if terms else ops.full((), 0.0, cx.dtype)
    for term in terms[1:]:
        total = total + term
    return total
