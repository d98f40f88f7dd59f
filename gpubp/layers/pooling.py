"""Layers that make images and sequences smaller or larger without weights."""

from __future__ import annotations

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import Amounts, Pad, Real, Sizes, register
from .context import Context
from .windows import Windows, image, like, pair, spatial, windows


@register("function", "maxpool")
def maxpool(cx: Context, x: Var, *, size: Sizes, stride: Sizes = None, pad: Pad = "valid") -> Var:
    """The largest value of each window, for each channel. The windows stand side by side unless `stride` says else.

    x: [height, width, channels] or [steps, channels]. Padding takes no part. Of equal values the first, row by row, has
    the derivative. Zhou & Chellappa (1988).
    """
    seen = _windows("maxpool", x, size, stride, pad)
    return like(ops.window_max(image(x), size=seen.out, kernel=seen.kernel, spread=seen.spread), x)


@register("function", "avgpool")
def avgpool(cx: Context, x: Var, *, size: Sizes, stride: Sizes = None, pad: Pad = "valid") -> Var:
    """The mean of each window, for each channel. The windows stand side by side unless `stride` says else.

    x: [height, width, channels] or [steps, channels]. Padding takes no part: a window at the edge is the mean of fewer
    values.
    """
    seen = _windows("avgpool", x, size, stride, pad)
    options = {"size": seen.out, "kernel": seen.kernel, "spread": seen.spread}
    pixels = image(x)
    ones = ops.full((1, *pixels.shape[1:3], 1), 1.0, x.dtype)
    return like(ops.window_sum(pixels, **options) * (1.0 / ops.window_sum(ones, **options)), x)


def _windows(name: str, x: Var, size: Sizes, stride: Sizes, pad: Pad) -> Windows:
    seen = windows(name, x, size, size if stride is None else stride, pad)
    if any(p >= k for p, k in zip(seen.before, seen.kernel, strict=True) if p):
        raise ShapeError(f"`{name}` with a padding as wide as its window sees windows without a value", "less `pad`")
    return seen


@register("function", "global_avgpool")
def global_avgpool(cx: Context, x: Var) -> Var:
    """The mean of each channel over all pixels: [height, width, channels] or [steps, channels] gives [channels].

    Lin, Chen & Yan (2014), section 3.2.
    """
    spatial("global_avgpool", x)
    return ops.mean(x, range(1, x.ndim - 1))


@register("function", "global_maxpool")
def global_maxpool(cx: Context, x: Var) -> Var:
    """The largest value of each channel over all pixels: [height, width, channels] or [steps, channels] gives
    [channels]. Equal maxima share the derivative."""
    spatial("global_maxpool", x)
    return ops.max_(x, range(1, x.ndim - 1))


@register("function", "pad")
def pad(cx: Context, x: Var, *, amount: Amounts, value: Real = 0.0) -> Var:
    """`value` put around an image or at both ends of a sequence, `amount` pixels wide (one number, or one for each
    spatial axis)."""
    around = pair("pad", "amount", amount, spatial("pad", x), 0)[4 - x.ndim :]
    sides = (0, *around, 0)
    if value == 0:
        return ops.pad(x, before=sides, after=sides)
    return ops.pad(x - value, before=sides, after=sides) + value


@register("function", "upsample")
def upsample(cx: Context, x: Var, *, factor: Sizes) -> Var:
    """Each pixel repeated `factor` times along each spatial axis (nearest neighbour): [height, width, channels] gives
    [height * factor, width * factor, channels]. Sequences likewise."""
    spatial("upsample", x)
    down, across = pair("upsample", "factor", factor, x.ndim - 2)
    batch, height, width, channels = image(x).shape
    cells = ops.reshape(x, shape=(batch, height, 1, width, 1, channels))
    repeated = ops.broadcast_to(cells, shape=(batch, height, down, width, across, channels))
    return like(ops.reshape(repeated, shape=(batch, height * down, width * across, channels)), x)
