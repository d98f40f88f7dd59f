"""Convolution: three primitives that are each other's derivatives.

Images are [batch, height, width, channels], weights [kh, kw, channels / groups, filters]. `spread` holds the strides,
the dilations, and the padding at the top and left; `size` is that of the result, which implies the padding at the
bottom and right. The output pixel (r, c) reads the input pixel (r stride + i dilation - padding) at window position i.
As usual in the field, "convolution" is the cross-correlation, without flipping the window.

Weights may have a leading axis of copies: the batch is then divided into equal runs of images, one for each copy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..errors import ShapeError
from ..ir import FLOATS, Aval, Example, Primitive, Routine, Var, define
from . import conv_forms as forms
from . import conv_sums as sums
from . import window_helpers as helpers
from .onnx_windows import CONV, CONV_INPUT
from .shaping import broadcast_to, reshape

Pair = tuple[int, int]
Spread = tuple[Pair, Pair, Pair]

_SHARED = (
    helpers.window_blocks,
    helpers.conv_scratch,
    helpers.conv_blocks,
    helpers.window_patches,
    helpers.window_matrix,
    helpers.window_rows,
    helpers.window_span,
)


def _images(a: Aval, b: Aval, size: Pair, copies: int | None = None) -> None:
    """Raise ShapeError if the values do not have four axes (the second five, with copies) and the same float type, the
    images cannot be divided among the copies, or the result is empty."""
    if len(a.shape) != 4 or len(b.shape) != 4 + (len(b.shape) == 5 and copies is None):
        raise ShapeError(f"convolution takes 4 axes, got {list(a.shape)} and {list(b.shape)}")
    if a.dtype != b.dtype or a.dtype not in FLOATS:
        raise ShapeError(f"cannot convolve {a.dtype} with {b.dtype}")
    if min(size) < 1:
        raise ShapeError(f"a convolution of {list(a.shape)} leaves nothing: {list(size)}")
    runs = copies or _copies(b)
    if a.shape[0] % runs:
        raise ShapeError(f"{a.shape[0]} images are not {runs} equal runs")


def _copies(w: Aval | Var) -> int:
    return w.shape[0] if len(w.shape) == 5 else 1


def _check_groups(channels: int, group_channels: int, filters: int, groups: int) -> None:
    if group_channels * groups != channels or filters % groups:
        raise ShapeError(f"{groups} groups do not part {channels} channels and {filters} filters")


def _conv_infer(x: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> Aval:
    _images(x, w, size)
    _check_groups(x.shape[3], w.shape[-2], w.shape[-1], groups)
    return Aval((x.shape[0], *size, w.shape[-1]), x.dtype)


def _input_infer(g: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> Aval:
    _images(g, w, size)
    if g.shape[3] != w.shape[-1]:
        raise ShapeError(f"{w.shape[-1]} filters do not make {g.shape[3]} channels")
    _check_groups(w.shape[-2] * groups, w.shape[-2], w.shape[-1], groups)
    return Aval((g.shape[0], *size, w.shape[-2] * groups), g.dtype)


def _weight_infer(x: Aval, g: Aval, *, size: Pair, spread: Spread, groups: int, copies: int | None) -> Aval:
    _images(x, g, size, copies or 1)
    if x.shape[0] != g.shape[0]:
        raise ShapeError(f"{x.shape[0]} images do not make {g.shape[0]}")
    _check_groups(x.shape[3], x.shape[3] // groups, g.shape[3], groups)
    return Aval((*(() if copies is None else (copies,)), *size, x.shape[3] // groups, g.shape[3]), x.dtype)


def _scratch(outputs: tuple[int, ...], copies: int, w: tuple[int, ...], spread: Spread) -> Any:
    """The number of copies per block, and the elements it needs; `w`: the shape of one copy's weights."""
    block, sizes = helpers.conv_scratch(outputs, copies, w[2], w[:2], w[3], spread)
    return block[0], sizes


def _conv_scratch(x: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> tuple[Aval, ...]:
    _, sizes = _scratch((x.shape[0], *size), _copies(w), w.shape[-4:], spread)
    return tuple(Aval((n,), x.dtype) for n in sizes[:2])


def _input_scratch(g: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> tuple[Aval, ...]:
    _, sizes = _scratch(g.shape[:3], _copies(w), w.shape[-4:], spread)
    return tuple(Aval((n,), g.dtype) for n in (sizes[0], sizes[2]))


def _weight_scratch(
    x: Aval, g: Aval, *, size: Pair, spread: Spread, groups: int, copies: int | None
) -> tuple[Aval, ...]:
    channels = x.shape[3] // groups
    copies_per_block, sizes = _scratch(g.shape[:3], copies or 1, (*size, channels, g.shape[3]), spread)
    product = Aval((copies_per_block, size[0] * size[1] * channels, g.shape[3] // groups), x.dtype)
    return (*(Aval((n,), x.dtype) for n in sizes), product)


def _conv_vjp(g: Var, y: Var, x: Var, w: Var, *, size: Pair, spread: Spread, groups: int) -> Sequence[Var | None]:
    by_input = conv_input(g, w, size=x.shape[1:3], spread=spread, groups=groups)
    return by_input, _by_weight(x, g, w, spread, groups)


def _input_vjp(u: Var, y: Var, g: Var, w: Var, *, size: Pair, spread: Spread, groups: int) -> Sequence[Var | None]:
    by_output = conv(u, w, size=g.shape[1:3], spread=spread, groups=groups)
    return by_output, _by_weight(u, g, w, spread, groups)


def _by_weight(x: Var, g: Var, w: Var, spread: Spread, groups: int) -> Var:
    copies = w.shape[0] if w.ndim == 5 else None
    return conv_weight(x, g, size=w.shape[-4:-2], spread=spread, groups=groups, copies=copies)


def _weight_vjp(
    u: Var, y: Var, x: Var, g: Var, *, size: Pair, spread: Spread, groups: int, copies: int | None
) -> Sequence[Var | None]:
    by_input = conv_input(g, u, size=x.shape[1:3], spread=spread, groups=groups)
    return by_input, conv(x, u, size=g.shape[1:3], spread=spread, groups=groups)


def _merged(x: Var, flag: bool, count: int) -> Var:
    """Merge the first axis of `count` copies, one after the other; what is shared is repeated."""
    x = x if flag else broadcast_to(x, shape=(count, *x.shape))
    return reshape(x, shape=(count * x.shape[1], *x.shape[2:]))


def _stack_layer(flags: Sequence[bool], count: int, x: Var, w: Var, *, primitive: Primitive, **params: Any) -> Var:
    """`conv` and `conv_input`: the images of all copies one after the other, with the weights of each."""
    if w.ndim - flags[1] == 5:
        w = _merged(w, flags[1], count)
    y = primitive(_merged(x, flags[0], count), w, **params)
    return reshape(y, shape=(count, y.shape[0] // count, *y.shape[1:]))


def _stack_weight(flags: Sequence[bool], count: int, x: Var, g: Var, *, copies: int | None, **params: Any) -> Var:
    images = (_merged(v, flag, count) for v, flag in zip((x, g), flags, strict=True))
    y = conv_weight(*images, copies=count * (copies or 1), **params)
    return y if copies is None else reshape(y, shape=(count, copies, *y.shape[1:]))


def _flops(pixels: Aval, window: int, channels: int) -> int:
    """A multiplication and an addition for each pixel, filter, window position and channel of the group."""
    return 2 * pixels.size * window * channels


def _calls(outputs: tuple[int, ...], copies: int, w: tuple[int, ...], spread: Spread, groups: int) -> int:
    """A product for each block of pixels, group and copy."""
    copies_per_block, sizes = _scratch(outputs, copies, w, spread)
    blocks: int = -(-math.prod(outputs) * math.prod(w[:3]) // sizes[0])
    return blocks * groups * int(copies_per_block)


def _params(size: Pair, stride: Pair, dilation: Pair, before: Pair, groups: int) -> dict[str, Any]:
    return {"size": size, "spread": (stride, dilation, before), "groups": groups}


conv: Primitive = define(
    Primitive(
        "conv",
        _conv_infer,
        _conv_vjp,
        "conv(xp, {0}, {1}, {size}, {spread}, {groups})",
        "gemm",
        (
            Example(((2, 5, 6, 3), (3, 2, 3, 4)), _params((3, 5), (1, 1), (1, 1), (0, 0), 1)),
            Example(((2, 7, 6, 2), (3, 3, 2, 3)), _params((4, 3), (2, 2), (1, 1), (1, 1), 1)),
            Example(((2, 7, 6, 4), (2, 3, 2, 6)), _params((5, 6), (1, 1), (2, 2), (0, 2), 2)),
            Example(((1, 1, 9, 3), (1, 3, 1, 3)), _params((1, 9), (1, 1), (1, 1), (0, 1), 3)),
            Example(((4, 5, 6, 2), (2, 3, 3, 1, 4)), _params((3, 4), (1, 1), (1, 1), (0, 0), 2)),
        ),
        (*_SHARED, helpers.conv_into, helpers.conv),
        ("conv_into(xp, {0}, {1}, {out}, {spread}, {groups}, {s0}, {s1})",),
        _conv_scratch,
        c=Routine(forms.conv_text, sums.conv_sums),
        onnx=CONV,
        stack=lambda flags, count, x, w, **params: _stack_layer(flags, count, x, w, primitive=conv, **params),
        flops=lambda x, w, **params: _flops(_conv_infer(x, w, **params), w.shape[-4] * w.shape[-3], w.shape[-2]),
        calls=lambda x, w, *, size, **more: _calls((x.shape[0], *size), _copies(w), w.shape[-4:], **more),
    )
)
conv_input: Primitive = define(
    Primitive(
        "conv_input",
        _input_infer,
        _input_vjp,
        "conv_input(xp, {0}, {1}, {size}, {spread}, {groups})",
        "gemm",
        (
            Example(((2, 3, 5, 4), (3, 2, 3, 4)), _params((5, 6), (1, 1), (1, 1), (0, 0), 1)),
            Example(((2, 4, 3, 6), (3, 3, 2, 6)), _params((8, 7), (2, 2), (1, 1), (1, 1), 2)),
            Example(((4, 3, 3, 2), (2, 2, 2, 3, 2)), _params((4, 4), (1, 1), (1, 1), (0, 0), 1)),
        ),
        (*_SHARED, helpers.conv_input_into, helpers.conv_input),
        ("conv_input_into(xp, {0}, {1}, {out}, {spread}, {groups}, {s0}, {s1})",),
        _input_scratch,
        c=Routine(forms.input_text, sums.input_sums),
        onnx=CONV_INPUT,
        stack=lambda flags, count, g, w, **params: _stack_layer(flags, count, g, w, primitive=conv_input, **params),
        flops=lambda g, w, **_: _flops(g, w.shape[-4] * w.shape[-3], w.shape[-2]),
        calls=lambda g, w, *, size, **more: _calls(g.shape[:3], _copies(w), w.shape[-4:], **more),
    )
)
conv_weight: Primitive = define(
    Primitive(
        "conv_weight",
        _weight_infer,
        _weight_vjp,
        "conv_weight(xp, {0}, {1}, {size}, {spread}, {groups}, {copies})",
        "gemm",
        (
            Example(((2, 5, 6, 3), (2, 3, 5, 4)), {**_params((3, 2), (1, 1), (1, 1), (0, 0), 1), "copies": None}),
            Example(((2, 8, 6, 4), (2, 4, 3, 6)), {**_params((3, 3), (2, 2), (1, 1), (1, 1), 2), "copies": None}),
            Example(((4, 5, 6, 2), (4, 4, 5, 4)), {**_params((2, 2), (1, 1), (1, 1), (0, 0), 2), "copies": 2}),
        ),
        (*_SHARED, helpers.conv_weight_into, helpers.conv_weight),
        ("conv_weight_into(xp, {0}, {1}, {out}, {spread}, {groups}, {s0}, {s1}, {s2}, {s3})",),
        _weight_scratch,
        c=Routine(forms.weight_text, sums.weight_sums),
        stack=_stack_weight,
        flops=lambda x, g, *, size, groups, **_: _flops(g, size[0] * size[1], x.shape[3] // groups),
        calls=lambda x, g, *, size, spread, groups, copies: _calls(
            g.shape[:3], copies or 1, (*size, x.shape[3] // groups, g.shape[3]), spread, groups
        ),
    )
)
