"""Layers that downsample or upsample images and sequences, without weights."""

from __future__ import annotations

from typing import Annotated, Any

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import Amounts, OptionType, Pad, Real, Sizes, register
from .context import Context
from .windows import Windows, as_image, pair, restore_rank, sliding_windows, spatial_axes

Mode = Annotated[Any, OptionType(("word",), words=("nearest", "bilinear"))]


@register("function", "maxpool")
def maxpool(cx: Context, x: Var, *, size: Sizes, stride: Sizes = None, pad: Pad = "valid") -> Var:
    """The maximum of each window, for each channel. The stride defaults to the window size.

    x: [height, width, channels] or [steps, channels]. Padding is ignored. On ties, the first pixel in row-major order
    gets the derivative. Zhou & Chellappa (1988).
    """
    window = _pool_windows("maxpool", x, size, stride, pad)
    return restore_rank(ops.window_max(as_image(x), size=window.out, kernel=window.kernel, spread=window.spread), x)


@register("function", "avgpool")
def avgpool(cx: Context, x: Var, *, size: Sizes, stride: Sizes = None, pad: Pad = "valid") -> Var:
    """The mean of each window, for each channel. The stride defaults to the window size.

    x: [height, width, channels] or [steps, channels]. Padding is not counted: a window at the edge is the mean of fewer
    values. LeCun et al. (1990).
    """
    window = _pool_windows("avgpool", x, size, stride, pad)
    options = {"size": window.out, "kernel": window.kernel, "spread": window.spread}
    pixels = as_image(x)
    ones = ops.full((1, *pixels.shape[1:3], 1), 1.0, x.dtype)
    return restore_rank(ops.window_sum(pixels, **options) * (1.0 / ops.window_sum(ones, **options)), x)


def _pool_windows(name: str, x: Var, size: Sizes, stride: Sizes, pad: Pad) -> Windows:
    window = sliding_windows(name, x, size, size if stride is None else stride, pad)
    if any(p >= k for p, k in zip(window.before, window.kernel, strict=True) if p):
        raise ShapeError(f"`{name}` with a padding as wide as its window sees windows without a value", "less `pad`")
    return window


@register("function", "global_avgpool")
def global_avgpool(cx: Context, x: Var) -> Var:
    """The mean of each channel over all pixels: [height, width, channels] or [steps, channels] gives [channels].

    Lin, Chen & Yan (2014), section 3.2.
    """
    spatial_axes("global_avgpool", x)
    return ops.mean(x, range(1, x.ndim - 1))


@register("function", "global_maxpool")
def global_maxpool(cx: Context, x: Var) -> Var:
    """The maximum of each channel over all pixels: [height, width, channels] or [steps, channels] gives [channels].
    Ties share the derivative. Oquab et al. (2015)."""
    spatial_axes("global_maxpool", x)
    return ops.max_(x, range(1, x.ndim - 1))


@register("function", "pad")
def pad(cx: Context, x: Var, *, amount: Amounts, value: Real = 0.0) -> Var:
    """Pads an image or both ends of a sequence with `value`, `amount` pixels wide (one number, or one for each spatial
    axis): [height, width, channels] gives [height + 2 amount, width + 2 amount, channels]."""
    around = pair("pad", "amount", amount, spatial_axes("pad", x), 0)[4 - x.ndim :]
    sides = (0, *around, 0)
    padded = ops.pad(x, before=sides, after=sides)
    if value == 0:
        return padded
    # Selected, not added: x - value + value would be rounded, and lose x beside a large value.
    ones = ops.full((1, *x.shape[1:-1], 1), 1.0, x.dtype)
    return ops.where(ops.pad(ones, before=sides, after=sides) > 0.0, padded, value)


@register("function", "upsample")
def upsample(cx: Context, x: Var, *, factor: Sizes, mode: Mode = "nearest") -> Var:
    """`factor` times as many pixels along each spatial axis: [height, width, channels] gives [height * factor, width *
    factor, channels]. Sequences likewise.

    `nearest`: each pixel is repeated. `bilinear`: linear interpolation between pixel centres, along one axis after the
    other; beyond the outermost centres the edge value is used. (OpenGL's linear filter with clamped edges, and
    PyTorch's `align_corners=False`.)
    """
    spatial_axes("upsample", x)
    factors = pair("upsample", "factor", factor, x.ndim - 2)
    y = as_image(x)
    for axis, times in enumerate(factors, 1):
        y = _repeat(y, axis, times) if mode == "nearest" else _interpolate(y, axis, times)
    return restore_rank(y, x)


def _repeat(x: Var, axis: int, times: int) -> Var:
    """Each element along an axis `times` times."""
    before, after = x.shape[: axis + 1], x.shape[axis + 1 :]
    cells = ops.broadcast_to(ops.reshape(x, shape=(*before, 1, *after)), shape=(*before, times, *after))
    return ops.reshape(cells, shape=(*before[:-1], before[-1] * times, *after))


def _interpolate(x: Var, axis: int, times: int) -> Var:
    """`times` as many elements along an axis: the new one at (i + 1/2) / times - 1/2 between its two neighbours."""
    size, before, after = x.shape[axis], x.shape[: axis + 1], x.shape[axis + 1 :]

    def part(start: int, stop: int) -> Var:
        low, high = [0] * x.ndim, list(x.shape)
        low[axis], high[axis] = start, stop
        return ops.slice_(x, start=tuple(low), stop=tuple(high))

    def cells(*parts: Var) -> Var:
        return ops.reshape(ops.concat(parts, axis=axis), shape=(*before, 1, *after))

    here = cells(x)
    left, right = (
        (here, here)
        if size == 1
        else (cells(part(0, 1), part(0, size - 1)), cells(part(1, size), part(size - 1, size)))
    )
    offset = (ops.iota(times, x.dtype) + 0.5) * (1.0 / times) - 0.5
    offset = ops.reshape(offset, shape=(times, *(1,) * len(after)))
    y = here + ops.relu(-offset) * (left - here) + ops.relu(offset) * (right - here)
    return ops.reshape(y, shape=(*before[:-1], size * times, *after))
