"""Normalisation layers: mean 0 and variance 1, followed by a learned scale and shift."""

from __future__ import annotations

import math

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import Count, Flag, Fraction, NonNegative, register
from .context import Context


@register("function", "batchnorm", makes_weights=True)
def batchnorm(cx: Context, x: Var, *, eps: NonNegative = 1e-5, momentum: Fraction = 0.9, affine: Flag = True) -> Var:
    """gain (x - mean) / sqrt(variance + eps) + bias for each channel. Ioffe & Szegedy (2015), algorithms 1 and 2.

    x: [..., channels]; gain, bias, mean and variance: [channels]. In training, mean and variance are those of the batch
    over all positions, the variance divided by their number n; the running statistics become momentum * old + (1 -
    momentum) * new, with the variance divided by n - 1. Evaluation uses the running statistics. `affine = false` omits
    gain and bias. Raises ShapeError if a training batch has only one value per channel.
    """
    _require_axis("batchnorm", x)
    channels, axes = x.shape[-1], tuple(range(x.ndim - 1))
    running_mean = cx.buffer("mean", (channels,), 0.0, "float64")
    running_variance = cx.buffer("variance", (channels,), 1.0, "float64")
    if cx.training:
        count = math.prod(x.shape[:-1])
        if count < 2:
            raise ShapeError(
                "`batchnorm` needs more than one value per channel in a training batch, but this batch has one row",
                "choose a `batch` that leaves no last batch of one row, or use `layernorm`",
            )
        mean = ops.mean(x, axes)
        centred = x - mean
        variance = ops.mean(centred * centred, axes)
        for running, new in ((running_mean, mean), (running_variance, variance * (count / (count - 1)))):
            cx.update(running, momentum * running + (1.0 - momentum) * ops.cast(new, dtype="float64"))
    else:
        centred, variance = x - ops.cast(running_mean, dtype=x.dtype), ops.cast(running_variance, dtype=x.dtype)
    scale = 1.0 / ops.sqrt(variance + eps)
    if not affine:
        return centred * scale
    gain = cx.parameter("gain", (channels,), "ones", role="gain")
    return centred * (gain * scale) + cx.parameter("bias", (channels,), "zeros", role="bias")


@register("function", "layernorm", makes_weights=True)
def layernorm(cx: Context, x: Var, *, eps: NonNegative = 1e-5, affine: Flag = True) -> Var:
    """gain (x - mean) / sqrt(variance + eps) + bias over the last axis of each example.

    x: [..., features]; gain, bias: [features]. `affine = false` omits gain and bias. Ba, Kiros & Hinton (2016).
    """
    _require_axis("layernorm", x)
    return _affine(cx, _normalise(x, (x.ndim - 1,), eps), affine)


@register("function", "groupnorm", makes_weights=True)
def groupnorm(cx: Context, x: Var, *, groups: Count, eps: NonNegative = 1e-5, affine: Flag = True) -> Var:
    """gain (x - mean) / sqrt(variance + eps) + bias, with the mean and variance of each group of neighbouring channels
    over all positions of an example.

    x: [..., channels], where `groups` divides the channels; gain, bias: [channels]. Wu & He (2018).
    """
    _require_axis("groupnorm", x)
    channels = x.shape[-1]
    if channels % groups:
        raise ShapeError(f"{groups} groups do not divide {channels} channels")
    parts = ops.reshape(x, shape=(x.shape[0], math.prod(x.shape[1:-1]), groups, channels // groups))
    return _affine(cx, ops.reshape(_normalise(parts, (1, 3), eps), shape=x.shape), affine)


@register("function", "rmsnorm", makes_weights=True)
def rmsnorm(cx: Context, x: Var, *, eps: NonNegative = 1e-6) -> Var:
    """gain x / sqrt(mean of squares + eps) over the last axis of each example.

    x: [..., features]; gain: [features]. Zhang & Sennrich (2019).
    """
    _require_axis("rmsnorm", x)
    scale = 1.0 / ops.sqrt(ops.mean(x * x, (x.ndim - 1,), keepdims=True) + eps)
    return x * scale * cx.parameter("gain", x.shape[-1:], "ones", role="gain")


def _require_axis(name: str, x: Var) -> None:
    if x.ndim < 2:
        raise ShapeError(f"`{name}` needs an axis of channels, got a single number", "`reshape([1])` makes it one")


def _normalise(x: Var, axes: tuple[int, ...], eps: float) -> Var:
    centred = x - ops.mean(x, axes, keepdims=True)
    return centred * (1.0 / ops.sqrt(ops.mean(centred * centred, axes, keepdims=True) + eps))


def _affine(cx: Context, x: Var, affine: bool) -> Var:
    if not affine:
        return x
    gain = cx.parameter("gain", x.shape[-1:], "ones", role="gain")
    return x * gain + cx.parameter("bias", x.shape[-1:], "zeros", role="bias")
