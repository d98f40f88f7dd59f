"""Convolution: three primitives that are each other's derivatives.

Images are [batch, height, width, channels], weights [kh, kw, channels / groups, filters]. `spread` holds the strides,
the dilations and the padding above and to the left; `size` is that of the result, which says how much padding there is
below and to the right. The pixel (r, c) of the output sees the input's pixel (r stride + i dilation - padding) at the
place i of the window. The word is the field's: it is the correlation, without turning the window round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ShapeError
from ..ir import FLOATS, PRIMITIVES, Aval, Example, Primitive, Var, define
from . import window_helpers as helpers
from .pieces import concat, slice_
from .shaping import reshape

Pair = tuple[int, int]
Spread = tuple[Pair, Pair, Pair]

_SHARED = (
    helpers.window_blocks,
    helpers.conv_scratch,
    helpers.window_patches,
    helpers.window_matrix,
    helpers.window_rows,
    helpers.window_span,
)


def _images(a: Aval, b: Aval, size: Pair) -> None:
    """Raise ShapeError where two values are not of four axes and one float type, or the result has no pixel."""
    if len(a.shape) != 4 or len(b.shape) != 4:
        raise ShapeError(f"convolution works on 4 axes, got {list(a.shape)} and {list(b.shape)}")
    if a.dtype != b.dtype or a.dtype not in FLOATS:
        raise ShapeError(f"cannot convolve {a.dtype} with {b.dtype}")
    if min(size) < 1:
        raise ShapeError(f"a convolution of {list(a.shape)} leaves nothing: {list(size)}")


def _parted(channels: int, part: int, filters: int, groups: int) -> None:
    if part * groups != channels or filters % groups:
        raise ShapeError(f"{groups} groups do not part {channels} channels and {filters} filters")


def _conv_infer(x: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> Aval:
    _images(x, w, size)
    _parted(x.shape[3], w.shape[2], w.shape[3], groups)
    return Aval((x.shape[0], *size, w.shape[3]), x.dtype)


def _input_infer(g: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> Aval:
    _images(g, w, size)
    if g.shape[3] != w.shape[3]:
        raise ShapeError(f"{w.shape[3]} filters do not make {g.shape[3]} channels")
    _parted(w.shape[2] * groups, w.shape[2], w.shape[3], groups)
    return Aval((g.shape[0], *size, w.shape[2] * groups), g.dtype)


def _weight_infer(x: Aval, g: Aval, *, size: Pair, spread: Spread, groups: int) -> Aval:
    _images(x, g, size)
    if x.shape[0] != g.shape[0]:
        raise ShapeError(f"{x.shape[0]} images do not make {g.shape[0]}")
    _parted(x.shape[3], x.shape[3] // groups, g.shape[3], groups)
    return Aval((*size, x.shape[3] // groups, g.shape[3]), x.dtype)


def _conv_scratch(x: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> tuple[Aval, ...]:
    sizes = helpers.conv_scratch((x.shape[0], *size), w.shape[2], w.shape[:2], w.shape[3], spread)[1]
    return tuple(Aval((n,), x.dtype) for n in sizes[:2])


def _input_scratch(g: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> tuple[Aval, ...]:
    sizes = helpers.conv_scratch(g.shape[:3], w.shape[2], w.shape[:2], w.shape[3], spread)[1]
    return tuple(Aval((n,), g.dtype) for n in (sizes[0], sizes[2]))


def _weight_scratch(x: Aval, g: Aval, *, size: Pair, spread: Spread, groups: int) -> tuple[Aval, ...]:
    channels = x.shape[3] // groups
    sizes = helpers.conv_scratch(g.shape[:3], channels, size, g.shape[3], spread)[1]
    piece = Aval((size[0] * size[1] * channels, g.shape[3] // groups), x.dtype)
    return (*(Aval((n,), x.dtype) for n in sizes), piece)


def _conv_vjp(g: Var, y: Var, x: Var, w: Var, *, size: Pair, spread: Spread, groups: int) -> Sequence[Var | None]:
    by_input = conv_input(g, w, size=x.shape[1:3], spread=spread, groups=groups)
    return by_input, conv_weight(x, g, size=w.shape[:2], spread=spread, groups=groups)


def _input_vjp(u: Var, y: Var, g: Var, w: Var, *, size: Pair, spread: Spread, groups: int) -> Sequence[Var | None]:
    by_output = conv(u, w, size=g.shape[1:3], spread=spread, groups=groups)
    return by_output, conv_weight(u, g, size=w.shape[:2], spread=spread, groups=groups)


def _weight_vjp(u: Var, y: Var, x: Var, g: Var, *, size: Pair, spread: Spread, groups: int) -> Sequence[Var | None]:
    by_input = conv_input(g, u, size=x.shape[1:3], spread=spread, groups=groups)
    return by_input, conv(x, u, size=g.shape[1:3], spread=spread, groups=groups)


def _copies(name: str) -> Callable[..., Var]:
    """How a convolution is stacked: copy by copy, each with weights of its own."""

    def stack(flags: Sequence[bool], count: int, *inputs: Var, **params: Any) -> Var:
        made = []
        for k in range(count):
            own = (_copy(x, k) if flag else x for x, flag in zip(inputs, flags, strict=True))
            y = PRIMITIVES[name](*own, **params)
            made.append(reshape(y, shape=(1, *y.shape)))
        return concat(made, axis=0)

    return stack


def _copy(x: Var, k: int) -> Var:
    piece = slice_(x, start=(k, *(0,) * (x.ndim - 1)), stop=(k + 1, *x.shape[1:]))
    return reshape(piece, shape=x.shape[1:])


def _flops(pixels: Aval, window: int, channels: int) -> int:
    """A product and a sum for each pixel, filter, place in the window and channel of the group."""
    return 2 * pixels.size * window * channels


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
        ),
        (*_SHARED, helpers.conv_into, helpers.conv),
        ("conv_into(xp, {0}, {1}, {out}, {spread}, {groups}, {s0}, {s1})",),
        _conv_scratch,
        stack=_copies("conv"),
        flops=lambda x, w, **params: _flops(_conv_infer(x, w, **params), w.shape[0] * w.shape[1], w.shape[2]),
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
        ),
        (*_SHARED, helpers.conv_input_into, helpers.conv_input),
        ("conv_input_into(xp, {0}, {1}, {out}, {spread}, {groups}, {s0}, {s1})",),
        _input_scratch,
        stack=_copies("conv_input"),
        flops=lambda g, w, **_: _flops(g, w.shape[0] * w.shape[1], w.shape[2]),
    )
)
conv_weight: Primitive = define(
    Primitive(
        "conv_weight",
        _weight_infer,
        _weight_vjp,
        "conv_weight(xp, {0}, {1}, {size}, {spread}, {groups})",
        "gemm",
        (
            Example(((2, 5, 6, 3), (2, 3, 5, 4)), _params((3, 2), (1, 1), (1, 1), (0, 0), 1)),
            Example(((2, 8, 6, 4), (2, 4, 3, 6)), _params((3, 3), (2, 2), (1, 1), (1, 1), 2)),
        ),
        (*_SHARED, helpers.conv_weight_into, helpers.conv_weight),
        ("conv_weight_into(xp, {0}, {1}, {out}, {spread}, {groups}, {s0}, {s1}, {s2}, {s3})",),
        _weight_scratch,
        stack=_copies("conv_weight"),
        flops=lambda x, g, *, size, groups, **_: _flops(g, size[0] * size[1], x.shape[3] // groups),
    )
)
