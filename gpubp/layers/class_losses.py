"""Losses of class probabilities and scores: one number per example, the mean over its outputs or positions.

They take probabilities, the results of `sigmoid` and `softmax`; the logarithms are rewritten to numerically stable
forms (gpubp.ops.rewrites).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from .. import ops
from ..errors import ShapeError
from ..ir import FLOATS, Var
from ..registry import Fraction, Label, MaybeFraction, NonNegative, Weights, register
from .context import Context
from .losses import per_example, require_axis, require_same_shapes
from .mismatch import difference


@register("loss", "binary_cross_entropy", within=(0, 1))
def binary_cross_entropy(cx: Context, p: Var, y: Var) -> Var:
    """-(y log p + (1 - y) log(1 - p)), averaged over the outputs; `p` is a probability (the result of a sigmoid)."""
    require_same_shapes("binary_cross_entropy", p, y)
    return -per_example(y * ops.log_probability(p) + (1.0 - y) * ops.log_probability(1.0 - p))


@register("loss", "cross_entropy")
def cross_entropy(
    cx: Context, p: Var, y: Var, *, smooth: Fraction = 0.0, weights: Weights = None, ignore: Label = None
) -> Var:
    """-log p[y], averaged over the positions; `p`: [..., classes] probabilities (the result of a softmax), `y`: labels
    [...].

    `smooth`: label smoothing, the target is 1 - smooth at the label, plus smooth / classes everywhere: Szegedy et al.
    (2016), section 7. `weights`: one factor per class, of the target's terms; the mean is not divided by them.
    `balanced`: n / (k n_c), from the n labels of the training rows, n_c of them of the class, and k classes, so that
    rare classes count as much as frequent ones (King & Zeng 2001); a class without rows has the factor n / k. `ignore`:
    a label whose positions are ignored, also in n; an example with only such positions has loss 0.
    """
    classes = check_labels("cross_entropy", cx, p, y)
    ignored = check_ignored(ignore, classes)
    target = ops.one_hot(y, classes=classes, dtype=p.dtype)
    if smooth:
        target = target * (1.0 - smooth) + smooth / classes
    if weights == "balanced":
        target = target * ops.cast(_balanced_weights(cx, y, classes, ignored), dtype=p.dtype)
    elif weights is not None:
        target = target * class_weights("cross_entropy", weights, classes, p.dtype)
    return _mean_over_positions(-ops.sum_(target * ops.log_probability(p), (-1,)), y, ignored)


@register("loss", "focal", within=(0, 1))
def focal(
    cx: Context, p: Var, y: Var, *, gamma: NonNegative = 2.0, alpha: MaybeFraction = None, ignore: Label = None
) -> Var:
    """-(1 - q)^gamma log q, averaged over the outputs or positions, where q is the probability of the true class: easy
    examples are down-weighted. Lin et al. (2017), equation 4.

    For numbers 0 and 1, `p` the result of a sigmoid, `alpha` weighs the ones and 1 - alpha the zeros (equation 5). For
    labels, `p` is the result of a softmax, and positions with the label `ignore` are ignored.
    """
    if isinstance(y, Var) and y.dtype in FLOATS:
        require_same_shapes("focal", p, y)
        if ignore is not None:
            raise ShapeError("`ignore` is a class label, but the target is a tensor of numbers", code="E0306")
        one = y * (_power(1.0 - p, gamma) * ops.log_probability(p))
        zero = (1.0 - y) * (_power(p, gamma) * ops.log_probability(1.0 - p))
        return -per_example(one + zero if alpha is None else alpha * one + (1.0 - alpha) * zero)
    classes = check_labels("focal", cx, p, y)
    if alpha is not None:
        raise ShapeError("`alpha` weighs ones against zeros, but the target is a class label", code="E0306")
    one_hot = ops.one_hot(y, classes=classes, dtype=p.dtype)
    true = ops.sum_(one_hot * p, (-1,))
    each = -(_power(1.0 - true, gamma) * ops.sum_(one_hot * ops.log_probability(p), (-1,)))
    return _mean_over_positions(each, y, check_ignored(ignore, classes))


def _power(x: Var, gamma: float) -> Var:
    """x^gamma for x >= 0, with a finite derivative at 0."""
    return x * x if gamma == 2 else ops.power(ops.maximum(x, 1e-30), gamma)


@register("loss", "kl_divergence", within=(0, 1))
def kl_divergence(cx: Context, p: Var, y: Var) -> Var:
    """Kullback-Leibler divergence, sum y (log y - log p) over the last axis, averaged over the others, of probabilities
    `p` from `y`. Both sum to 1 there; a term with y = 0 is 0. Kullback & Leibler (1951), equation 2.4."""
    require_same_shapes("kl_divergence", p, y)
    require_axis("kl_divergence", p)
    own = ops.log(ops.where(y > 0.0, y, 1.0))
    return per_example(ops.sum_(y * (own - ops.log_probability(p)), (-1,)))


@register("loss", "hinge", within=(-1, 1))
def hinge(cx: Context, p: Var, y: Var) -> Var:
    """max(0, 1 - y p), averaged over the outputs, for scores `p` and targets -1 and 1: Cortes & Vapnik (1995). For
    labels and scores [..., classes]: max over the classes j of p[j] - p[y] + (1 where j is not y), averaged over the
    positions: Crammer & Singer (2001), equation 4."""
    if isinstance(y, Var) and y.dtype in FLOATS:
        require_same_shapes("hinge", p, y)
        return per_example(ops.relu(1.0 - y * p))
    classes = check_labels("hinge", cx, p, y, what="scores")
    one_hot = ops.one_hot(y, classes=classes, dtype=p.dtype)
    true = ops.sum_(one_hot * p, (-1,), keepdims=True)
    return per_example(ops.max_((p - true) + (1.0 - one_hot), (-1,)))


def _mean_over_positions(each: Var, y: Var, ignore: int | None) -> Var:
    """Mean over the positions that are not ignored."""
    if ignore is None:
        return per_example(each)
    counts = ops.not_equal(y, ignore)
    axes = tuple(range(1, each.ndim))
    number = ops.sum_(ops.cast(counts, dtype=each.dtype), axes)
    return ops.sum_(ops.where(counts, each, 0.0), axes) / ops.maximum(number, 1.0)


def check_ignored(ignore: int | None, classes: int) -> int | None:
    """The label to ignore. Raises ShapeError if there is no such class."""
    if ignore is not None and ignore >= classes:
        raise ShapeError(f"`ignore` is a label from 0 to {classes - 1}, but this is {ignore}")
    return ignore


def class_weights(name: str, weights: Any, classes: int, dtype: str) -> Var:
    """One factor per class, shape (classes,). Raises ShapeError if their number is wrong, or one is negative."""
    flat = isinstance(weights, Sequence) and all(isinstance(w, int | float) for w in weights)
    if not flat or len(weights) != classes:
        got = f"{len(weights)} of them" if flat else "something else"
        raise ShapeError(f"`{name}` needs a list of one weight per class, {classes} in all, got {got}")
    if min(weights) < 0:
        raise ShapeError(f"a weight of `{name}` is {min(weights):g}: they are not negative")
    runs = [(weight, len(list(run))) for weight, run in groupby(map(float, weights))]
    return ops.concat([ops.full((length,), weight, dtype) for weight, length in runs], axis=0)


def _balanced_weights(cx: Context, y: Var, classes: int, ignored: int | None) -> Var:
    """n / (k n_c) for each class, float64 (classes,), from labels counted before the first step; 1 until then."""
    counts = cx.buffer("counts", (classes,), 0.0, "float64")
    if cx.fitting:
        one_hot = ops.one_hot(y, classes=classes, dtype="float64")
        if ignored is not None:
            one_hot = one_hot * ops.cast(ops.not_equal(ops.iota(classes, "int64"), ignored), dtype="float64")
        cx.update(counts, counts + ops.sum_(one_hot, tuple(range(one_hot.ndim - 1))))
    share = ops.sum_(counts) * (1.0 / (classes - (ignored is not None)))
    return ops.where(share > 0.0, share / ops.maximum(counts, 1.0), 1.0)


_FEWER_ROWS = (
    "before the last `dense`: `flatten`, of images `global_avgpool`; `rnn`, `lstm` and `gru` give the last state alone "
    "with `sequence = false`"
)


def check_labels(name: str, cx: Context, p: Var, y: Var, what: str = "probabilities") -> int:
    """The number of classes, if `p` has one number for each class of the labels `y`."""
    if not isinstance(y, Var) or not isinstance(p, Var):
        raise ShapeError(f"`{name}` compares two values, not a value and a number")
    if p.dtype not in FLOATS:
        raise ShapeError(f"`{name}` takes {what} first, but this is a class label", code="E0306")
    if y.dtype in FLOATS:
        raise ShapeError(f"`{name}` needs class labels, but the target is a tensor of numbers", code="E0306")
    shape, classes = p.shape[1:], cx.classes(y)
    if shape[:-1] != y.shape[1:] or not shape:
        message = f"`{name}` needs one row of {what} per label, got {list(shape)} for labels {list(y.shape[1:])}"
        wanted = "" if classes is None else f"{[*y.shape[1:], classes]} would fit"
        help = _FEWER_ROWS if len(shape) > y.ndim else ""
        raise ShapeError(message, help, label=wanted)
    if classes is not None and classes != shape[-1]:
        message = f"`{name}` needs one probability per class: {shape[-1]} outputs for {classes} classes"
        raise ShapeError(message, label=difference(shape, (*shape[:-1], classes)))
    return p.shape[-1]
