"""Random numbers in a model, in training and in evaluation alike, and gradients that are changed on the way back."""

from __future__ import annotations

from .. import ops
from ..ir import Var
from ..registry import NonNegative, Real, Shape, register
from .context import Context


@register("function", "normal")
def normal(cx: Context, *, shape: Shape, mean: Real = 0.0, std: NonNegative = 1.0) -> Var:
    """Normal numbers of a shape for each example, other ones at each step."""
    return mean + std * cx.normal((cx.batch, *shape))


@register("function", "uniform")
def uniform(cx: Context, *, shape: Shape, low: Real = 0.0, high: Real = 1.0) -> Var:
    """Numbers of a shape spread evenly from `low` to `high` for each example, other ones at each step."""
    return low + (high - low) * cx.uniform((cx.batch, *shape))


@register("function", "reverse_gradient")
def reverse_gradient(cx: Context, x: Var, *, scale: Real = 1.0) -> Var:
    """x itself; on the way back the gradient is multiplied by -scale. Ganin & Lempitsky (2015), equations 7 and 8."""
    turned = -scale * x
    return ops.stop_gradient(x) + (turned - ops.stop_gradient(turned))
