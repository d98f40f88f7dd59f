"""Optimizers: the new value of a parameter from its gradient. Rates and corrections are float64 scalars, cast where
used."""

from __future__ import annotations

import math

from ..errors import ShapeError
from ..ir import Var
from ..ops import expm1, sqrt
from ..registry import Flag, Fraction, NonNegative, register
from .context import UpdateContext


@register("optimizer", "sgd")
def sgd(cx: UpdateContext, p: Var, g: Var, *, lr: NonNegative, momentum: Fraction = 0.0, nesterov: Flag = False) -> Var:
    """v = mu v - lr g; p + v, with Nesterov's look-ahead p + mu v - lr g. Sutskever et al. (2013), equations 1 to 4.

    The rate stands inside the velocity, which matters when it changes on the way.
    """
    move = cx.scalar(cx.rate(lr)) * g
    if momentum == 0:
        return p - move
    v = cx.state("velocity", like=p)
    v = cx.assign(v, momentum * v - move)
    return p + momentum * v - move if nesterov else p + v


@register("optimizer", "rmsprop")
def rmsprop(
    cx: UpdateContext, p: Var, g: Var, *, lr: NonNegative = 1e-3, rho: Fraction = 0.9, eps: NonNegative = 1e-8
) -> Var:
    """v = rho v + (1 - rho) g^2; p - lr g / (sqrt(v) + eps). Tieleman & Hinton (2012), lecture 6.5."""
    v = cx.state("square", like=p)
    v = cx.assign(v, rho * v + (1.0 - rho) * (g * g))
    return p - cx.scalar(cx.rate(lr)) * g / (sqrt(v) + eps)


@register("optimizer", "adam")
def adam(
    cx: UpdateContext,
    p: Var,
    g: Var,
    *,
    lr: NonNegative = 1e-3,
    beta1: Fraction = 0.9,
    beta2: Fraction = 0.999,
    eps: NonNegative = 1e-8,
) -> Var:
    """p - lr m_hat / (sqrt(v_hat) + eps) with the bias-corrected moments. Kingma & Ba (2015), algorithm 1."""
    return p - _adam_move(cx, p, g, lr, beta1, beta2, eps)


@register("optimizer", "adamw")
def adamw(
    cx: UpdateContext,
    p: Var,
    g: Var,
    *,
    lr: NonNegative = 1e-3,
    beta1: Fraction = 0.9,
    beta2: Fraction = 0.999,
    eps: NonNegative = 1e-8,
    decay: NonNegative = 0.01,
) -> Var:
    """Adam with decoupled decay: p - lr (m_hat / (sqrt(v_hat) + eps) + decay p), decay on weights only. Loshchilov &
    Hutter (2019), alg. 2."""
    move = _adam_move(cx, p, g, lr, beta1, beta2, eps)
    if cx.decays and decay:
        move = move + cx.scalar(cx.rate(decay * lr)) * p
    return p - move


def _adam_move(cx: UpdateContext, p: Var, g: Var, lr: float, beta1: float, beta2: float, eps: float) -> Var:
    """lr m_hat / (sqrt(v_hat) + eps): the rate and the correction of m are one number."""
    m, v = cx.state("m", like=p), cx.state("v", like=p)
    m = cx.assign(m, beta1 * m + (1.0 - beta1) * g)
    v = cx.assign(v, beta2 * v + (1.0 - beta2) * (g * g))
    rate = cx.scalar(cx.rate(lr) / _correction(cx.step, beta1))
    return rate * m / (sqrt(v / cx.scalar(_correction(cx.step, beta2))) + eps)


def _correction(step: Var, beta: float) -> Var:
    """1 - beta^t, without cancellation for beta near 1."""
    if beta >= 1:
        raise ShapeError("beta1 and beta2 must be below 1: a mean that forgets nothing cannot be corrected")
    return -expm1(step * (math.log(beta) if beta > 0 else -math.inf))
