"""ONNX forms of convolution and pooling. ONNX images are channels first: [batch, channels, height, width]."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..ir import Aval, Graph, Nodes, Tensor

Pair = tuple[int, int]
Spread = tuple[Pair, Pair, Pair]

FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)
"""Permutations of an image's axes: to channels first, and back to channels last."""
FILTERS = (3, 2, 0, 1)
"""From weights [kh, kw, channels, filters] to [filters, channels, kh, kw]."""


def _span(kernel: int, dilation: int) -> int:
    return (kernel - 1) * dilation + 1


def _windows(
    g: Graph, x: Tensor, size: Pair, kernel: Pair, spread: Spread
) -> tuple[Tensor | str, dict[str, Any]] | None:
    """The images, channels first and cropped to what the windows see, and the attributes of the windows; None for
    negative padding."""
    strides, dilations, before = spread
    if min(before) < 0:
        return None
    ends = ((m - 1) * s + _span(k, d) - p for m, s, k, d, p in zip(size, strides, kernel, dilations, before))
    after = [end - n for end, n in zip(ends, x.shape[1:3], strict=True)]
    images: Tensor | str = g.transposed(x, FIRST)
    cropped = [i for i in (0, 1) if after[i] <= -strides[i]]
    if cropped:
        stops = g.ints([x.shape[1 + i] + after[i] for i in cropped])
        images = g.node("Slice", images, g.ints([0] * len(cropped)), stops, g.ints([2 + i for i in cropped]))
    pads = [*before, *(max(n, 0) for n in after)]
    attributes = {"kernel_shape": list(kernel), "strides": list(strides), "pads": pads}
    return images, attributes | ({} if dilations == (1, 1) else {"dilations": list(dilations)})


def _conv(g: Graph, out: Aval, x: Tensor, w: Tensor, *, size: Pair, spread: Spread, groups: int) -> Tensor | None:
    seen = _windows(g, x, size, w.shape[:2], spread) if len(w.shape) == 4 else None
    if seen is None:
        return None
    y = g.node("Conv", seen[0], g.transposed(w, FILTERS), group=groups, **seen[1])
    return Tensor(out, y, LAST)


def _conv_input(g: Graph, out: Aval, x: Tensor, w: Tensor, *, size: Pair, spread: Spread, groups: int) -> Tensor | None:
    """A transposed convolution, zero-padded where no window reaches."""
    if len(w.shape) != 4 or min(spread[2]) < 0:
        return None
    strides, dilations, before = spread
    reach = [
        (n - 1) * s + _span(k, d) - p
        for n, s, k, d, p in zip(x.shape[1:3], strides, w.shape[:2], dilations, before, strict=True)
    ]
    y = g.node(
        "ConvTranspose",
        g.transposed(x, FIRST),
        g.transposed(w, FILTERS),
        group=groups,
        kernel_shape=list(w.shape[:2]),
        strides=list(strides),
        dilations=list(dilations),
        pads=[*before, *(max(end - n, 0) for end, n in zip(reach, size, strict=True))],
    )
    missing = [max(n - end, 0) for end, n in zip(reach, size, strict=True)]
    if any(missing):
        y = g.node("Pad", y, g.ints([0] * 6 + missing))
    return Tensor(out, y, LAST)


def _pool(op: str, **more: Any) -> Callable[..., Tensor | None]:
    def write(g: Graph, out: Aval, x: Tensor, *, size: Pair, kernel: Pair, spread: Spread) -> Tensor | None:
        seen = _windows(g, x, size, kernel, spread)
        return None if seen is None else Tensor(out, g.node(op, seen[0], **seen[1], **more), LAST)

    return write


def _window_sum(g: Graph, out: Aval, x: Tensor, *, size: Pair, kernel: Pair, spread: Spread) -> Tensor | None:
    """The mean of the zero-padded window times its number of places."""
    if spread[1] != (1, 1):  # pooling got dilations in opset 19
        return None
    mean = _pool("AveragePool", count_include_pad=1)(g, out, x, size=size, kernel=kernel, spread=spread)
    if mean is None:
        return None
    return Tensor(out, g.node("Mul", mean.name, g.constant(math.prod(kernel), out.dtype)), LAST)


CONV, CONV_INPUT = Nodes(_conv), Nodes(_conv_input)
WINDOW_MAX, WINDOW_SUM = Nodes(_pool("MaxPool")), Nodes(_window_sum)
