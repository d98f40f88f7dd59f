"""Optimizers: the new value of a parameter from its gradient. Learning rates and bias corrections are float64 scalars,
cast where they are used."""

from __future__ import annotations

import math

from ..errors import ShapeError
from ..ir import Var
from ..ops import absolute, exp, expm1, maximum, sign, sqrt, where
from ..registry import Flag, Fraction, NonNegative, register
from .context import UpdateContext


@register("optimizer", "sgd")
def sgd(cx: UpdateContext, p: Var, g: Var, *, lr: NonNegative, momentum: Fraction = 0.0, nesterov: Flag = False) -> Var:
    """v = mu v - lr g; p + v, with Nesterov's look-ahead p + mu v - lr g. Sutskever et al. (2013), equations 1 to 4.

    The learning rate is inside the velocity, which matters if it changes during training.
    """
    update = cx.scalar(cx.rate(lr)) * g
    if momentum == 0:
        if nesterov:
            raise ShapeError("`nesterov` looks ahead along the momentum, which is 0", "usual: `momentum = 0.9`")
        return p - update
    v = cx.state("velocity", like=p)
    v = cx.assign(v, momentum * v - update)
    return p + momentum * v - update if nesterov else p + v


@register("optimizer", "rmsprop")
def rmsprop(
    cx: UpdateContext, p: Var, g: Var, *, lr: NonNegative = 1e-3, rho: Fraction = 0.9, eps: NonNegative = 1e-8
) -> Var:
    """v = rho v + (1 - rho) g^2; p - lr g / (sqrt(v) + eps). Tieleman & Hinton (2012), lecture 6.5."""
    v = _moving_average(cx, p, "square", g * g, "rho", rho)
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
    return p - _adam_update(cx, p, g, lr, beta1, beta2, eps)


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
    update = _adam_update(cx, p, g, lr, beta1, beta2, eps)
    if decay and cx.decays:
        update = update + cx.scalar(cx.rate(decay * lr)) * p
    return p - update


@register("optimizer", "adamax")
def adamax(
    cx: UpdateContext, p: Var, g: Var, *, lr: NonNegative = 2e-3, beta1: Fraction = 0.9, beta2: Fraction = 0.999
) -> Var:
    """m = beta1 m + (1 - beta1) g; u = max(beta2 u, |g|); p - lr / (1 - beta1^t) m / u. Kingma & Ba (2015), alg. 2.

    It needs no epsilon: if u is 0, every gradient was 0, and p does not change.
    """
    m = _moving_average(cx, p, "m", g, "beta1", beta1)
    u = cx.state("u", like=p)
    u = cx.assign(u, maximum(beta2 * u, absolute(g)))
    return p - cx.scalar(cx.rate(lr) / bias_correction(cx, beta1)) * m / where(u > 0.0, u, 1.0)


@register("optimizer", "nadam")
def nadam(
    cx: UpdateContext,
    p: Var,
    g: Var,
    *,
    lr: NonNegative = 2e-3,
    beta1: Fraction = 0.9,
    beta2: Fraction = 0.999,
    eps: NonNegative = 1e-8,
) -> Var:
    """Adam with Nesterov momentum: p - lr m_bar / (sqrt(v_hat) + eps). Dozat (2016), section 2 and its schedule of the
    momentum mu_t = beta1 (1 - 0.96^(t / 250) / 2).

    m_bar = (1 - mu_t) g / (1 - mu_1 ... mu_t) + mu_{t+1} m / (1 - mu_1 ... mu_{t+1}). The products are computed in
    float64; PyTorch 2.13 computes them in its default dtype, usually float32, and deviates by some 1e-8 of a step.
    """
    m, v = _moments(cx, p, g, beta1, beta2)
    mu, mu_next = _nadam_momentum(cx.step, beta1), _nadam_momentum(cx.step + 1.0, beta1)
    # 1 - mu_1 ... mu_t, from 0 on without cancellation: 1 - (1 - c) mu = c + (1 - c) (1 - mu).
    product = cx.number("correction")
    correction = cx.assign(product, product + (1.0 - product) * (1.0 - mu))
    correction_next = correction + (1.0 - correction) * (1.0 - mu_next)
    rate = cx.rate(lr)
    update = cx.scalar(rate * (1.0 - mu) / correction) * g + cx.scalar(rate * mu_next / correction_next) * m
    return p - update / (sqrt(v / cx.scalar(bias_correction(cx, beta2))) + eps)


def _nadam_momentum(step: Var, beta1: float) -> Var:
    return beta1 * (1.0 - 0.5 * exp(step * (math.log(0.96) / 250)))


@register("optimizer", "amsgrad")
def amsgrad(
    cx: UpdateContext,
    p: Var,
    g: Var,
    *,
    lr: NonNegative = 1e-3,
    beta1: Fraction = 0.9,
    beta2: Fraction = 0.999,
    eps: NonNegative = 1e-8,
) -> Var:
    """v_top = max(v_top, v); p - lr m / (sqrt(v_top) + eps), with Adam's m and v. Reddi, Kale & Kumar (2018), algorithm
    2: as there, without bias correction."""
    m, v = _moments(cx, p, g, beta1, beta2)
    largest = cx.state("top", like=p)
    largest = cx.assign(largest, maximum(largest, v))
    return p - cx.scalar(cx.rate(lr)) * m / (sqrt(largest) + eps)


@register("optimizer", "lion")
def lion(
    cx: UpdateContext,
    p: Var,
    g: Var,
    *,
    lr: NonNegative = 1e-4,
    beta1: Fraction = 0.9,
    beta2: Fraction = 0.99,
    decay: NonNegative = 0.0,
) -> Var:
    """p - lr (sign(beta1 m + (1 - beta1) g) + decay p); then m = beta2 m + (1 - beta2) g. Decay on weights only. Chen
    et al. (2023), algorithm 2."""
    update = sign(beta1 * cx.state("m", like=p) + (1.0 - beta1) * g)
    _moving_average(cx, p, "m", g, "beta2", beta2)
    if decay and cx.decays:
        update = update + decay * p
    return p - cx.scalar(cx.rate(lr)) * update


@register("optimizer", "adagrad")
def adagrad(cx: UpdateContext, p: Var, g: Var, *, lr: NonNegative = 0.01, eps: NonNegative = 1e-8) -> Var:
    """s = s + g^2; p - lr g / (sqrt(s) + eps). Duchi, Hazan & Singer (2011), figure 1, with diagonal matrices."""
    s = cx.state("square", like=p)
    s = cx.assign(s, s + g * g)
    return p - cx.scalar(cx.rate(lr)) * g / (sqrt(s) + eps)


@register("optimizer", "adadelta")
def adadelta(
    cx: UpdateContext, p: Var, g: Var, *, lr: NonNegative = 1.0, rho: Fraction = 0.95, eps: NonNegative = 1e-6
) -> Var:
    """v = rho v + (1 - rho) g^2; d = sqrt(u + eps) / sqrt(v + eps) g; u = rho u + (1 - rho) d^2; p - lr d. Zeiler
    (2012), algorithm 1, which has lr = 1."""
    v = _moving_average(cx, p, "square", g * g, "rho", rho)
    delta = sqrt(cx.state("moves", like=p) + eps) / sqrt(v + eps) * g
    _moving_average(cx, p, "moves", delta * delta, "rho", rho)
    return p - cx.scalar(cx.rate(lr)) * delta


def _moments(cx: UpdateContext, p: Var, g: Var, beta1: float, beta2: float) -> tuple[Var, Var]:
    """Adam's moving averages of g and g^2, without bias correction: m = beta1 m + (1 - beta1) g, v = beta2 v + (1 -
    beta2) g^2."""
    return _moving_average(cx, p, "m", g, "beta1", beta1), _moving_average(cx, p, "v", g * g, "beta2", beta2)


def _moving_average(cx: UpdateContext, p: Var, name: str, x: Var, option: str, decay: float) -> Var:
    """The moving average of `x` in the state `name`, initially 0: kept * old + (1 - kept) * x. `option`: the name of
    `kept` in a file. Raises ShapeError if `kept` is 1."""
    if decay >= 1:
        raise ShapeError(
            f"`{option}` must be below 1, but this is {decay:g}: such a moving average never changes",
            f"a usual value is `{option} = {0.999 if option == 'beta2' else 0.9}`",
        )
    old = cx.state(name, like=p)
    return cx.assign(old, decay * old + (1.0 - decay) * x)


def _adam_update(cx: UpdateContext, p: Var, g: Var, lr: float, beta1: float, beta2: float, eps: float) -> Var:
    """lr m_hat / (sqrt(v_hat) + eps): the learning rate and the correction of m are merged into one number."""
    m, v = _moments(cx, p, g, beta1, beta2)
    rate = cx.scalar(cx.rate(lr) / bias_correction(cx, beta1))
    return rate * m / (sqrt(v / cx.scalar(bias_correction(cx, beta2))) + eps)


def bias_correction(cx: UpdateContext, beta: float) -> Var:
    """1 - beta^t, without cancellation for beta near 1: what a mean that began at 0 is divided by."""
    return cx.named(-expm1(cx.step * (math.log(beta) if beta > 0 else -math.inf)), f"(1 - {beta:g}^t)")
