"""Activation functions: elementwise, except softmax, which normalises the last axis."""

from __future__ import annotations

import math

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import register
from .context import Context


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@register("function", "sigmoid", static=_sigmoid)
def sigmoid(cx: Context, x: Var) -> Var:
    """Logistic function 1 / (1 + exp(-x))."""
    return ops.sigmoid(x)


@register("function", "tanh", static=math.tanh)
def tanh(cx: Context, x: Var) -> Var:
    """Hyperbolic tangent."""
    return ops.tanh(x)


@register("function", "relu", static=lambda x: max(x, 0))
def relu(cx: Context, x: Var) -> Var:
    """Rectified linear unit max(x, 0); its derivative at 0 is 0. Nair & Hinton (2010)."""
    return ops.relu(x)


@register("function", "leaky_relu")
def leaky_relu(cx: Context, x: Var, *, slope: float = 0.01) -> Var:
    """x where x > 0, else slope * x. Maas, Hannun & Ng (2013)."""
    return ops.where(x > 0.0, x, slope * x)


@register("function", "elu")
def elu(cx: Context, x: Var, *, alpha: float = 1.0) -> Var:
    """x where x > 0, else alpha (exp(x) - 1). Clevert, Unterthiner & Hochreiter (2016), equation 15."""
    # The branch not taken must stay finite: 0 times inf in its derivative would be NaN. No `minimum`: its tie would
    # halve the derivative at 0.
    positive = x > 0.0
    return ops.where(positive, x, alpha * ops.expm1(ops.where(positive, 0.0, x)))


@register("function", "selu")
def selu(cx: Context, x: Var) -> Var:
    """Scaled elu that keeps mean 0 and variance 1. Klambauer et al. (2017), equation 2, constants of its section 3."""
    return 1.0507009873554805 * elu(cx, x, alpha=1.6732632423543772)


@register("function", "gelu")
def gelu(cx: Context, x: Var) -> Var:
    """x Phi(x) with the normal distribution function Phi, in its exact (erf) form. Hendrycks & Gimpel (2016)."""
    return 0.5 * x * (1.0 + ops.erf(x * math.sqrt(0.5)))


@register("function", "silu")
def silu(cx: Context, x: Var) -> Var:
    """x sigmoid(x), also called swish. Elfwing, Uchibe & Doya (2018)."""
    return x * ops.sigmoid(x)


@register("function", "mish")
def mish(cx: Context, x: Var) -> Var:
    """x tanh(softplus(x)). Misra (2020)."""
    return x * ops.tanh(ops.softplus(x))


@register("function", "hardswish")
def hardswish(cx: Context, x: Var) -> Var:
    """x min(max(x + 3, 0), 6) / 6; at -3 and 3 its derivative is that of the outer pieces, 0 and 1. Howard et al.
    (2019), section 5.2."""
    # The branch not taken must stay finite, as in elu; NaN stays NaN.
    below = x < 3.0
    inner = ops.where(ops.logical_and(below, x > -3.0), x, 0.0)
    return ops.where(below, inner * (inner + 3.0) * (1.0 / 6.0), x)


@register("function", "softplus", static=_softplus)
def softplus(cx: Context, x: Var) -> Var:
    """log(1 + exp(x)). Dugas et al. (2001)."""
    return ops.softplus(x)


@register("function", "softmax")
def softmax(cx: Context, x: Var) -> Var:
    """exp(x) normalised to sum 1 over the last axis. Bridle (1990)."""
    if x.ndim < 2:
        raise ShapeError("`softmax` needs an axis of classes, got a single number")
    return ops.softmax(x, axis=-1)
