"""Shared by convolution and pooling: the spatial axes of a value, and sliding windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dsl.records import dataclass

from .. import ops
from ..errors import ShapeError
from ..ir import Var

Pair = tuple[int, int]

MAX_PLACES, MAX_PIXELS = 2**12, 2**20
"""The largest window: the pixels that it reads, and those it spans, which may all need padding, or moves by."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Sliding windows over an image or a sequence, in the form of the primitives: over two axes, the first of size 1
    for a sequence. `before`: padding at the start of each axis; `out`: the number of windows along each."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    before: Pair
    out: Pair

    @property
    def spread(self) -> tuple[Pair, Pair, Pair]:
        return self.stride, self.dilation, self.before

    @property
    def padded(self) -> bool:
        return self.before != (0, 0)


def spatial_axes(name: str, x: Var) -> int:
    """The number of spatial axes of an example: all but the channels, one or two. Raises ShapeError for others."""
    axes = x.ndim - 2
    if axes not in (1, 2):
        shape = list(x.shape[1:])
        help = f"`reshape([{shape[0]}, 1])` makes it a sequence of one channel" if len(shape) == 1 else ""
        raise ShapeError(
            f"`{name}` takes images [height, width, channels] or sequences [steps, channels], but this is {shape}",
            help,
        )
    return axes


def pair(name: str, option: str, value: Any, axes: int, filler: int = 1) -> Pair:
    """An option given for all spatial axes or for each, as two numbers. Raises ShapeError if their number is wrong."""
    numbers = (value,) * axes if isinstance(value, int) else tuple(value)
    if len(numbers) != axes:
        raise ShapeError(f"`{name}` takes {axes} spatial axes here, but `{option}` has {len(numbers)} numbers")
    return _two(numbers) if axes == 2 else (filler, numbers[0])


def window_parameters(name: str, axes: int, size: Any, stride: Any, dilation: Any) -> tuple[Pair, Pair, Pair]:
    """A window's size, strides and dilations, each as two numbers."""
    kernel, strides = pair(name, "size", size, axes), pair(name, "stride", stride, axes)
    dilations = pair(name, "dilation", dilation, axes)
    if max(strides) > MAX_PIXELS:
        message = f"a stride of `{name}` is {max(strides):,} pixels, over {MAX_PIXELS:,}"
        raise ShapeError(message, "use a smaller `stride`", code="E0308")
    taps, pixels = math.prod(kernel), math.prod(map(span, kernel, dilations))
    if taps > MAX_PLACES or pixels > MAX_PIXELS:
        size_text = f"{taps:,} places, over {MAX_PLACES:,}"
        size_text = size_text if taps > MAX_PLACES else f"{pixels:,} pixels from end to end, over {MAX_PIXELS:,}"
        raise ShapeError(f"a window of `{name}` has {size_text}", "use a smaller `size` or `dilation`", code="E0308")
    return kernel, strides, dilations


def as_image(x: Var) -> Var:
    """A sequence [batch, steps, channels] as an image of one row; an image unchanged."""
    return x if x.ndim == 4 else ops.reshape(x, shape=(x.shape[0], 1, *x.shape[1:]))


def restore_rank(y: Var, x: Var) -> Var:
    """The inverse of `as_image`: a sequence if `x` is one."""
    return y if x.ndim == 4 else ops.reshape(y, shape=(y.shape[0], *y.shape[2:]))


def span(kernel: int, dilation: int) -> int:
    """The extent of a window in pixels, from first to last."""
    return (kernel - 1) * dilation + 1


def sliding_windows(name: str, x: Var, size: Any, stride: Any, pad: Any, dilation: Any = 1) -> Windows:
    """The windows that a layer's options specify. `valid`: no padding; `same`: the input size divided by the stride and
    rounded up, padded equally at both ends, with an odd pixel at the end; numbers: the padding at both ends. Raises
    ShapeError if no window fits."""
    axes = spatial_axes(name, x)
    kernel, strides, dilations = window_parameters(name, axes, size, stride, dilation)
    lengths = (1, *x.shape[1:-1])[-2:]
    extents = tuple(map(span, kernel, dilations))
    if pad == "same":
        out = tuple(-(-n // s) for n, s in zip(lengths, strides, strict=True))
        padding = (max((m - 1) * s + k - n, 0) for m, s, k, n in zip(out, strides, extents, lengths, strict=True))
        return Windows(kernel, strides, dilations, _two([n // 2 for n in padding]), _two(out))
    before = (0, 0) if pad == "valid" else pair(name, "pad", pad, axes, 0)
    out = tuple((n + 2 * p - k) // s + 1 for n, p, k, s in zip(lengths, before, extents, strides, strict=True))
    for n, p, k, m in list(zip(lengths, before, extents, out, strict=True))[-axes:]:
        if m < 1:
            raise ShapeError(
                f"a window of {k} does not fit an axis of {n + 2 * p}",
                "`pad = same` puts zeros around, so that every window fits",
                label=f"{k} against {n + 2 * p}",
            )
    return Windows(kernel, strides, dilations, before, _two(out))


def _two(numbers: Sequence[int]) -> Pair:
    first, second = numbers
    return first, second
