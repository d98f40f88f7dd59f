"""The fully connected layer, and parameters by themselves."""

from __future__ import annotations

import math

from ..errors import ShapeError
from ..ir import Var
from ..ops import broadcast_to, reshape
from ..registry import Count, Flag, Init, Shape, register
from .context import Context


@register("function", "dense", makes_weights=True)
def dense(
    cx: Context, x: Var, *, units: Count, bias: Flag = True, init: Init = "glorot_uniform", bias_init: Init = "zeros"
) -> Var:
    """Affine map of the last axis: y = x W + b.

    x: [..., in], W: [in, units], b: [units], result: [..., units]; other axes are positions that share the weights.
    Rumelhart, Hinton & Williams (1986), equation 1.
    """
    if x.ndim < 2:
        raise ShapeError(
            "`dense` needs at least one axis to work on, got a single number", "`reshape([1])` makes it one"
        )
    width = x.shape[-1]
    weight = cx.parameter("weight", (width, units), init)
    rows = reshape(x, shape=(math.prod(x.shape[:-1]), width))
    y = rows @ weight
    if bias:
        y = y + cx.parameter("bias", (units,), bias_init, role="bias")
    return reshape(y, shape=(*x.shape[:-1], units))


@register("function", "weight", makes_weights=True)
def weight(cx: Context, *, shape: Shape, init: Init = "glorot_uniform") -> Var:
    """A parameter of a shape, the same for every example: a value [shape]."""
    return broadcast_to(cx.parameter("", tuple(shape), init), shape=(1, *shape))
