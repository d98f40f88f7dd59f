"""Convolutions over images and sequences."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import Count, Flag, Init, Pad, Sizes, register
from .context import Context
from .windows import Windows, as_image, pair, restore_rank, sliding_windows, span, spatial_axes, window_parameters


@register("function", "conv", makes_weights=True)
def conv(
    cx: Context,
    x: Var,
    *,
    channels: Count,
    size: Sizes,
    stride: Sizes = 1,
    pad: Pad = "valid",
    dilation: Sizes = 1,
    groups: Count = 1,
    bias: Flag = True,
    init: Init = "glorot_uniform",
    bias_init: Init = "zeros",
) -> Var:
    """Convolution: y[r, c, o] = b[o] + sum over i, j, k of x[r s + i d - p, c s + j d - p, k] W[i, j, k, o].

    x: [height, width, in], W: [kh, kw, in / groups, channels], b: [channels], result [height', width', channels]; or x:
    [steps, in], W: [k, in / groups, channels], result [steps', channels]. `pad`: valid (no padding), same (the output
    size is the input size divided by the stride), or the number of zeros at both ends. `groups` divide the channels;
    each group of outputs sees one group of inputs. LeCun et al. (1989); dilation: Yu & Koltun (2016).
    """
    window = sliding_windows("conv", x, size, stride, pad, dilation)
    if x.shape[-1] % groups or channels % groups:
        raise ShapeError(
            f"{groups} groups do not divide {x.shape[-1]} channels of the input and {channels} of the result"
        )
    kernel = window.kernel[2 - spatial_axes("conv", x) :]
    weight = cx.parameter("weight", (*kernel, x.shape[-1] // groups, channels), init)
    return _with_bias(cx, _convolve(x, weight, window, groups), bias, bias_init)


@register("function", "depthwise_conv", makes_weights=True)
def depthwise_conv(
    cx: Context,
    x: Var,
    *,
    size: Sizes,
    multiplier: Count = 1,
    stride: Sizes = 1,
    pad: Pad = "valid",
    dilation: Sizes = 1,
    bias: Flag = True,
    init: Init = "glorot_uniform",
    bias_init: Init = "zeros",
) -> Var:
    """A separate convolution of each channel, with `multiplier` results each: `conv` with as many groups as channels.

    x: [height, width, in], W: [kh, kw, 1, in * multiplier], result [height', width', in * multiplier]; the results of
    one channel are adjacent. Sequences likewise. Chollet (2017).
    """
    spatial_axes("depthwise_conv", x)
    channels = x.shape[-1]
    options = {"stride": stride, "pad": pad, "dilation": dilation, "bias": bias, "init": init, "bias_init": bias_init}
    return conv(cx, x, channels=channels * multiplier, size=size, groups=channels, **options)


@register("function", "conv_transpose", makes_weights=True)
def conv_transpose(
    cx: Context,
    x: Var,
    *,
    channels: Count,
    size: Sizes,
    stride: Sizes = 1,
    pad: Pad = "valid",
    dilation: Sizes = 1,
    bias: Flag = True,
    init: Init = "glorot_uniform",
    bias_init: Init = "zeros",
) -> Var:
    """Transposed convolution, which enlarges images: each pixel adds its multiple of the window to the result. It is
    the derivative of `conv` with respect to its input.

    x: [height, width, in], W: [kh, kw, in, channels]. Along each axis n pixels give (n - 1) stride + (size - 1)
    dilation + 1 - 2 `pad`; with `pad = same` they give n stride. Sequences likewise. Zeiler et al. (2010).
    """
    axes = spatial_axes("conv_transpose", x)
    kernel, strides, dilations = window_parameters("conv_transpose", axes, size, stride, dilation)
    lengths = (1, *x.shape[1:-1])[-2:]
    extents = tuple(map(span, kernel, dilations))
    padding: Any = (0, 0)
    out = [(n - 1) * s + k for n, s, k in zip(lengths, strides, extents, strict=True)]
    if pad == "same":
        out = [n * s for n, s in zip(lengths, strides, strict=True)]
        padding = tuple(max(k - s, 0) // 2 for k, s in zip(extents, strides, strict=True))
    elif pad != "valid":
        padding = pair("conv_transpose", "pad", pad, axes, 0)
        out = [n - 2 * p for n, p in zip(out, padding, strict=True)]
    if min(out) < 1:
        raise ShapeError(f"`conv_transpose` leaves nothing: {out[-axes:]}", "less `pad`")
    weight = cx.parameter("weight", (*kernel[2 - axes :], x.shape[-1], channels), init)
    transposed = ops.copy(ops.transpose(ops.reshape(weight, shape=(*kernel, x.shape[-1], channels))))
    y = ops.conv_input(as_image(x), transposed, size=tuple(out), spread=(strides, dilations, padding), groups=1)
    return _with_bias(cx, restore_rank(y, x), bias, bias_init)


def _convolve(x: Var, weight: Var, window: Windows, groups: int) -> Var:
    if window.kernel == window.stride == (1, 1) and not window.padded and groups == 1:
        # A window of one pixel is a matrix product.
        rows = ops.reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))
        y = rows @ ops.reshape(weight, shape=weight.shape[-2:])
        return ops.reshape(y, shape=(*x.shape[:-1], weight.shape[-1]))
    full = ops.reshape(weight, shape=(*window.kernel, *weight.shape[-2:]))
    return restore_rank(ops.conv(as_image(x), full, size=window.out, spread=window.spread, groups=groups), x)


def _with_bias(cx: Context, y: Var, bias: bool, init: Any) -> Var:
    return y + cx.parameter("bias", (y.shape[-1],), init, role="bias") if bias else y
