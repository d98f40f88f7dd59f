"""Regression metrics, accumulated over a data set as float64 sums and finished once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .. import ops
from ..ir import FLOATS, Var
from ..registry import register
from .class_losses import check_labels
from .context import Accumulation, Context
from .losses import per_example, require_same_shapes


def mean_of(contributions: Var) -> Accumulation:
    """The mean over the examples of one number each."""
    return Accumulation({"sum": ops.cast(contributions, dtype="float64")}, _mean)


def _mean(sums: Mapping[str, Any], count: int) -> float:
    return float(sums["sum"]) / count


@register("metric", "accuracy", rising=True)
def accuracy(cx: Context, p: Var, y: Var) -> Accumulation:
    """Fraction of correct predictions: the most probable class is the label; for numbers, both are on the same side of
    0.5."""
    if isinstance(y, Var) and y.dtype in FLOATS:
        require_same_shapes("accuracy", p, y)
        right = ops.equal(ops.cast(p > 0.5, dtype="int64"), ops.cast(y > 0.5, dtype="int64"))
    else:
        check_labels("accuracy", cx, p, y)
        right = ops.equal(ops.argmax(p, axis=-1), y)
    return mean_of(per_example(ops.cast(right, dtype="float64")))


@register("metric", "mse")
def mse(cx: Context, p: Var, y: Var) -> Accumulation:
    """Mean squared error."""
    return _squared("mse", p, y)


def _squared(name: str, p: Var, y: Var) -> Accumulation:
    require_same_shapes(name, p, y)
    d = ops.cast(p, dtype="float64") - ops.cast(y, dtype="float64")
    return mean_of(per_example(d * d))


@register("metric", "rmse")
def rmse(cx: Context, p: Var, y: Var) -> Accumulation:
    """Square root of the mean squared error over all examples and outputs."""
    return Accumulation(_squared("rmse", p, y).terms, lambda sums, count: math.sqrt(_mean(sums, count)))


@register("metric", "mae")
def mae(cx: Context, p: Var, y: Var) -> Accumulation:
    """Mean absolute error."""
    require_same_shapes("mae", p, y)
    return mean_of(per_example(ops.absolute(ops.cast(p, dtype="float64") - ops.cast(y, dtype="float64"))))


@register("metric", "r2", rising=True)
def r2(cx: Context, p: Var, y: Var) -> Accumulation:
    """Coefficient of determination 1 - sum (y - p)^2 / sum (y - mean y)^2 for each output, averaged over the outputs.

    For a constant target it is 1 for exact predictions, else 0.
    """
    require_same_shapes("r2", p, y)
    target = ops.cast(y, dtype="float64")
    d = ops.cast(p, dtype="float64") - target
    return Accumulation({"residual": d * d}, _r2, deviations={"target": target})


def _r2(sums: Mapping[str, Any], count: int) -> float:
    scores = [
        1.0 - residual / total if total else float(residual == 0)
        for residual, total in zip(_flat(sums["residual"]), _flat(sums["target"]), strict=True)
    ]
    return sum(scores) / len(scores)


def _flat(array: Any) -> list[float]:
    return [float(v) for v in array.reshape(-1)]
