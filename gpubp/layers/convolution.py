"""Convolutions over images and sequences."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import Count, Flag, Init, Pad, Sizes, register
from .context import Context
from .windows import Windows, image, like, moves, pair, span, spatial, windows


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
    seen = windows("conv", x, size, stride, pad, dilation)
    if x.shape[-1] % groups or channels % groups:
        raise ShapeError(
            f"{groups} groups do not divide {x.shape[-1]} channels of the input and {channels} of the result"
        )
    kernel = seen.kernel[2 - spatial("conv", x) :]
    weight = cx.parameter("weight", (*kernel, x.shape[-1] // groups, channels), init)
    return _with_bias(cx, _convolved(x, weight, seen, groups), bias, bias_init)


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
    channels = x.shape[-1] if x.ndim > 1 else 1
    options = {"stride": stride, "pad": pad, "dilation": dilation, "bias": bias, "init": init, "bias_init": bias_init}
    spatial("depthwise_conv", x)
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
    axes = spatial("conv_transpose", x)
    kernel, steps, spreads = moves("conv_transpose", axes, size, stride, dilation)
    lengths = (1, *x.shape[1:-1])[-2:]
    spans = tuple(map(span, kernel, spreads))
    before: Any = (0, 0)
    out = [(n - 1) * s + k for n, s, k in zip(lengths, steps, spans, strict=True)]
    if pad == "same":
        out = [n * s for n, s in zip(lengths, steps, strict=True)]
        before = tuple(max(k - s, 0) // 2 for k, s in zip(spans, steps, strict=True))
    elif pad != "valid":
        before = pair("conv_transpose", "pad", pad, axes, 0)
        out = [n - 2 * p for n, p in zip(out, before, strict=True)]
    if min(out) < 1:
        raise ShapeError(f"`conv_transpose` leaves nothing: {out[-axes:]}", "less `pad`")
    weight = cx.parameter("weight", (*kernel[2 - axes :], x.shape[-1], channels), init)
    turned = ops.copy(ops.transpose(ops.reshape(weight, shape=(*kernel, x.shape[-1], channels))))
    y = ops.conv_input(image(x), turned, size=tuple(out), spread=(steps, spreads, before), groups=1)
    return _with_bias(cx, like(y, x), bias, bias_init)


def _convolved(x: Var, weight: Var, seen: Windows, groups: int) -> Var:
    if (
        seen.kernel == seen.stride == (1, 1)
        and not seen.padded
        and seen.out == (1, *x.shape[1:-1])[-2:]
        and groups == 1
    ):
        # A window of one pixel is a matrix product.
        rows = ops.reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))
        y = rows @ ops.reshape(weight, shape=weight.shape[-2:])
        return ops.reshape(y, shape=(*x.shape[:-1], weight.shape[-1]))
    full = ops.reshape(weight, shape=(*seen.kernel, *weight.shape[-2:]))
    return like(ops.conv(image(x), full, size=seen.out, spread=seen.spread, groups=groups), x)


def _with_bias(cx: Context, y: Var, bias: bool, init: Any) -> Var:
    return y + cx.parameter("bias", (y.shape[-1],), init, role="bias") if bias else y
