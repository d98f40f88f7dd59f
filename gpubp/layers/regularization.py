"""Regularisation layers that act in training only, and layers fitted to the data before training."""

from __future__ import annotations

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import Flag, Fraction, NonNegative, register
from .context import Context


@register("function", "dropout")
def dropout(cx: Context, x: Var, *, rate: Fraction, channels: Flag = False) -> Var:
    """Sets a fraction `rate` of the values to 0 and divides the others by 1 - rate, in training; the identity
    otherwise.

    rate 0 is the identity, rate 1 gives zeros. `channels = true` drops whole channels, the last axis, at all positions.
    Srivastava et al. (2014), as inverted dropout; channels: Tompson et al. (2015).
    """
    if channels and x.ndim < 3:
        raise ShapeError(f"there are no positions to share channels in {list(x.shape[1:])}", "leave `channels` out")
    if not cx.training or rate == 0:
        return x
    if rate == 1:
        return 0.0 * x
    shape = (x.shape[0], *(1,) * (x.ndim - 2), x.shape[-1]) if channels else x.shape
    mask = cx.uniform(shape) >= rate
    return x * (ops.cast(mask, dtype=x.dtype) * (1.0 / (1.0 - rate)))


@register("function", "gaussian_noise")
def gaussian_noise(cx: Context, x: Var, *, std: NonNegative) -> Var:
    """x plus normal noise with mean 0 and standard deviation `std`, in training; the identity otherwise. Bishop
    (1995)."""
    return x + std * cx.normal(x.shape) if cx.training and std > 0 else x


@register("function", "standardize")
def standardize(cx: Context, x: Var) -> Var:
    """(x - mean) / std for each feature, with the mean and the (biased) standard deviation of the training rows.

    x, mean and std have one shape: each pixel of an image and each step of a series is a feature. Both statistics are
    computed in one pass before the first step, merging batches as Chan, Golub & LeVeque (1983), and saved with the
    weights. A constant feature becomes 0. Until it is fitted, the layer is the identity, and an executor refuses to
    predict.
    """
    shape = x.shape[1:]
    count = cx.buffer("count", (), 0.0, "float64")
    mean = cx.buffer("mean", shape, 0.0, "float64")
    squares = cx.buffer("squares", shape, 0.0, "float64")
    if cx.fitting:
        rows = ops.cast(x, dtype="float64")
        new_mean = ops.mean(rows, (0,))
        deviations = rows - new_mean
        total = count + x.shape[0]
        delta = new_mean - mean
        cx.update(count, total)
        cx.update(mean, mean + delta * (x.shape[0] / total))
        cx.update(
            squares, squares + ops.sum_(deviations * deviations, (0,)) + delta * delta * (count * x.shape[0] / total)
        )
    variance = squares / ops.maximum(count, 1.0)
    # Variation below the rounding error of the mean is noise.
    varies = variance > (1e-28 * mean * mean)
    unfitted = 1.0 - ops.cast(count > 0.0, dtype="float64")
    scale = ops.where(varies, 1.0 / ops.sqrt(ops.where(varies, variance, 1.0)), unfitted)
    return (x - ops.cast(mean, dtype=x.dtype)) * ops.cast(scale, dtype=x.dtype)
