"""Layers that act in training only, and layers fitted to the data before training."""

from __future__ import annotations

from .. import ops
from ..ir import Var
from ..registry import Fraction, register
from .context import Context


@register("function", "dropout")
def dropout(cx: Context, x: Var, *, rate: Fraction) -> Var:
    """Sets a share `rate` of the values to 0 and divides the others by 1 - rate, in training; the identity otherwise.

    rate 0 is the identity, rate 1 gives zeros. Srivastava et al. (2014), in the form that scales in training.
    """
    if not cx.training or rate == 0:
        return x
    if rate == 1:
        return 0.0 * x
    kept = cx.uniform(x.shape) >= rate
    return x * (ops.cast(kept, dtype=x.dtype) * (1.0 / (1.0 - rate)))


@register("function", "standardize")
def standardize(cx: Context, x: Var) -> Var:
    """(x - mean) / std for each feature, with the mean and the (biased) standard deviation of the training rows.

    Both are gathered in one pass before the first step, batches merged as Chan, Golub & LeVeque (1983) do, and saved
    with the weights. A feature that never varies becomes 0. Until it is fitted, the layer is the identity.
    """
    shape = x.shape[1:]
    count = cx.buffer("count", (), 0.0, "float64")
    mean = cx.buffer("mean", shape, 0.0, "float64")
    squares = cx.buffer("squares", shape, 0.0, "float64")
    if cx.fitting:
        rows = ops.cast(x, dtype="float64")
        new_mean = ops.mean(rows, (0,))
        deviations = rows - new_mean
        total = count + float(x.shape[0])
        shift = new_mean - mean
        cx.update(count, total)
        cx.update(mean, mean + shift * (x.shape[0] / total))
        cx.update(
            squares, squares + ops.sum_(deviations * deviations, (0,)) + shift * shift * (count * x.shape[0] / total)
        )
    variance = squares / ops.maximum(count, 1.0)
    # Below the rounding of the mean itself there is no variation, only noise.
    varies = variance > (1e-28 * mean * mean)
    unfitted = 1.0 - ops.cast(count > 0.0, dtype="float64")
    scale = ops.where(varies, 1.0 / ops.sqrt(ops.where(varies, variance, 1.0)), unfitted)
    return (x - ops.cast(mean, dtype=x.dtype)) * ops.cast(scale, dtype=x.dtype)
