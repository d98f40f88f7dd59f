"""Metrics of class probabilities, accumulated over a data set and finished once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .. import ops
from ..errors import ShapeError
from ..ir import FLOATS, Var
from ..registry import Average, Count, Label, register
from .class_losses import check_ignored, check_labels
from .context import Accumulation, Context
from .losses import per_example, require_same_shapes
from .metrics import mean_of


@register("metric", "top_k", rising=True)
def top_k(cx: Context, p: Var, y: Var, *, k: Count = 5) -> Accumulation:
    """Fraction of labels that are among the k most probable classes. Ties count against the label."""
    classes = check_labels("top_k", cx, p, y)
    if k >= classes:
        raise ShapeError(f"all of {classes} classes are among the {k} most probable", "`top_k(p, y, k = 1)` asks more")
    one_hot = ops.one_hot(y, classes=classes, dtype=p.dtype)
    is_below = ops.cast(p < ops.sum_(one_hot * p, (-1,), keepdims=True), dtype="float64")
    right = ops.sum_(is_below, (-1,)) >= classes - k
    return mean_of(per_example(ops.cast(right, dtype="float64")))


@register("metric", "perplexity")
def perplexity(cx: Context, p: Var, y: Var, *, ignore: Label = None) -> Accumulation:
    """exp of the mean of -log p[y] over all positions of all examples. Jelinek et al. (1977). Positions with the label
    `ignore` are ignored."""
    classes = check_labels("perplexity", cx, p, y)
    check_ignored(ignore, classes)
    one_hot = ops.one_hot(y, classes=classes, dtype=p.dtype)
    each = ops.cast(-ops.sum_(one_hot * ops.log_probability(p), (-1,)), dtype="float64")
    counts = 0.0 * each + 1.0 if ignore is None else ops.cast(ops.not_equal(y, ignore), dtype="float64")
    axes = tuple(range(1, each.ndim))
    each = ops.where(counts > 0.0, each, 0.0)
    return Accumulation({"sum": ops.sum_(each, axes), "positions": ops.sum_(counts, axes)}, _perplexity)


def _perplexity(sums: Mapping[str, Any], count: int) -> float:
    mean = float(sums["sum"]) / max(float(sums["positions"]), 1.0)
    return math.inf if mean > 709 else math.exp(mean)


@register("metric", "precision", rising=True)
def precision(cx: Context, p: Var, y: Var, *, average: Average = "macro", of: Label = None) -> Accumulation:
    """The fraction of predictions of a class that are correct; 0 if there are none. For labels, the most probable class
    is predicted; for numbers, each output above 0.5 is a class. `macro`: the mean over the classes; `micro`: over all
    predictions together; `of`: that class only."""
    return _class_scores("precision", cx, p, y, average, of, lambda tp, predicted, actual: _ratio(tp, predicted))


@register("metric", "recall", rising=True)
def recall(cx: Context, p: Var, y: Var, *, average: Average = "macro", of: Label = None) -> Accumulation:
    """The fraction of members of a class that are predicted as such; 0 if there are none. Options as in `precision`."""
    return _class_scores("recall", cx, p, y, average, of, lambda tp, predicted, actual: _ratio(tp, actual))


@register("metric", "f1", rising=True)
def f1(cx: Context, p: Var, y: Var, *, average: Average = "macro", of: Label = None) -> Accumulation:
    """Harmonic mean of precision and recall, 2 true positives / (predicted + actual). van Rijsbergen (1979), chapter 7.
    Options as in `precision`; `macro` is the mean over the classes."""
    return _class_scores("f1", cx, p, y, average, of, lambda tp, predicted, actual: _ratio(2 * tp, predicted + actual))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _class_scores(
    name: str,
    cx: Context,
    p: Var,
    y: Var,
    average: Any,
    of: int | None,
    score: Callable[[float, float, float], float],
) -> Accumulation:
    """True positives, predictions and members of each class, summed over all examples."""
    predicted, actual = _predictions(name, cx, p, y)
    classes = predicted.shape[-1]
    if of is not None and of >= classes:
        raise ShapeError(f"`of` is one of {classes} classes, from 0 to {classes - 1}, but this is {of}")
    micro = getattr(average, "name", average) == "micro"

    def finish(sums: Mapping[str, Any], count: int) -> float:
        rows = [sums[key].reshape(-1, classes).sum(axis=0).tolist() for key in ("hits", "predicted", "actual")]
        if of is not None:
            return score(*(row[of] for row in rows))
        if micro:
            return score(*map(sum, rows))
        return _average(score(*each) for each in zip(*rows, strict=True))

    return Accumulation({"hits": predicted * actual, "predicted": predicted, "actual": actual}, finish)


def _average(scores: Iterable[float]) -> float:
    values = list(scores)
    return math.fsum(values) / len(values)


def _predictions(name: str, cx: Context, p: Var, y: Var) -> tuple[Var, Var]:
    """Predictions and truth, 1 or 0 for each example and class, float64; positions count as examples."""
    if isinstance(y, Var) and y.dtype in FLOATS:
        require_same_shapes(name, p, y)
        flat = (p.shape[0], math.prod(p.shape[1:]))
        predicted, actual = (ops.cast(ops.reshape(v, shape=flat) > 0.5, dtype="float64") for v in (p, y))
        return predicted, actual
    classes = check_labels(name, cx, p, y)
    most_probable = ops.argmax(p, axis=-1)
    predicted, actual = (ops.one_hot(v, classes=classes, dtype="float64") for v in (most_probable, y))
    return predicted, actual


@register("metric", "confusion", table=True)
def confusion(cx: Context, p: Var, y: Var) -> Accumulation:
    """Confusion matrix: how many of each true class (row) were predicted as each class (column), the most probable one.
    Positions count as examples."""
    classes = check_labels("confusion", cx, p, y)

    def finish(kept: Mapping[str, Any], count: int) -> list[list[int]]:
        import numpy as np

        cells = np.bincount((kept["label"] * classes + kept["taken"]).reshape(-1), minlength=classes * classes)
        table: list[list[int]] = cells.reshape(classes, classes).tolist()
        return table

    return Accumulation({}, finish, {"label": y, "taken": ops.argmax(p, axis=-1)})


@register("metric", "auc", rising=True)
def auc(cx: Context, p: Var, y: Var) -> Accumulation:
    """Area under the ROC curve: the probability that a member of a class scores above a non-member, ties counting half.
    Exact, from the ranks of all scores: Hanley & McNeil (1982), section 3.

    For numbers, each output separately, positive where `y` is above 0.5; for labels of two classes, the second; for
    more, one-vs-rest. The mean over those with both kinds of examples; 0.5 if there are none.
    """
    if isinstance(y, Var) and y.dtype in FLOATS:
        require_same_shapes("auc", p, y)
        rows = {"score": p, "member": ops.cast(y > 0.5, dtype="float64")}
    else:
        classes = check_labels("auc", cx, p, y)
        one_hot = ops.one_hot(y, classes=classes, dtype="float64")
        if classes == 2:
            p, one_hot = (_last_column(v) for v in (p, one_hot))
        rows = {"score": p, "member": one_hot}
    width = math.prod(p.shape[1:]) if isinstance(y, Var) and y.dtype in FLOATS else p.shape[-1]
    return Accumulation({}, lambda kept, count: _areas(kept["score"], kept["member"], width), rows)


def _last_column(v: Var) -> Var:
    start = (0,) * (v.ndim - 1)
    return ops.slice_(v, start=(*start, v.shape[-1] - 1), stop=v.shape)


def _areas(scores: Any, members: Any, width: int) -> float:
    scores, members = scores.reshape(-1, width), members.reshape(-1, width) > 0.5
    areas = [_area(scores[:, i], members[:, i]) for i in range(width)]
    known = [area for area in areas if area is not None]
    return _average(known) if known else 0.5


def _area(scores: Any, members: Any) -> float | None:
    """The area for one class, from the rank sum of its members; None if all or none are members."""
    import numpy as np

    if (scores != scores).any():
        return math.nan
    positives = int(members.sum())
    negatives = len(members) - positives
    if not positives or not negatives:
        return None
    _, place, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    # Ties share the mean of their ranks.
    ranks = np.cumsum(sizes) - (sizes - 1) / 2
    return float((ranks[place.reshape(-1)][members].sum() - positives * (positives + 1) / 2) / (positives * negatives))
