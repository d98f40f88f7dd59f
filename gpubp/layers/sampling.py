"""Random numbers in a model, in training and in evaluation, and gradient reversal."""

from __future__ import annotations

from .. import ops
from ..ir import Var
from ..registry import NonNegative, Real, Shape, register
from .context import Context


@register("function", "normal")
def normal(cx: Context, *, shape: Shape, mean: Real = 0.0, std: NonNegative = 1.0) -> Var:
    """Normal random numbers of a shape for each example, new ones at each step."""
    return mean + std * cx.normal((cx.batch, *shape))


@register("function", "uniform")
def uniform(cx: Context, *, shape: Shape, low: Real = 0.0, high: Real = 1.0) -> Var:
    """Uniform random numbers from `low` to `high` of a shape for each example, new ones at each step."""
    return low + (high - low) * cx.uniform((cx.batch, *shape))


@register("function", "reverse_gradient")
def reverse_gradient(cx: Context, x: Var, *, scale: Real = 1.0) -> Var:
    """Gradient reversal: the identity; in the backward pass the gradient is multiplied by -scale. Ganin & Lempitsky
    (2015), equations 7 and 8."""
    reversed_ = -scale * x
    return ops.stop_gradient(x) + (reversed_ - ops.stop_gradient(reversed_))
