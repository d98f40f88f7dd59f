"""Window reductions over images: maximum and sum, with their derivatives.

Images are [batch, height, width, channels]; `size` is that of the result, `kernel` that of the window, `spread` holds
strides, dilations and the padding at the top and left, as in `conv`. Padding is ignored: it contributes nothing to a
window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ShapeError
from ..ir import FLOATS, INTEGERS, PRIMITIVES, Aval, Example, Gather, Primitive, Var, define
from . import window_forms as forms
from . import window_helpers as helpers
from .conv import Pair, Spread
from .onnx_windows import WINDOW_MAX, WINDOW_SUM
from .shaping import broadcast_to, reshape

_SLICES = (helpers.window_span, helpers.window_slices)


def _pooled(x: Aval, *, size: Pair, kernel: Pair, spread: Spread) -> Aval:
    if len(x.shape) != 4 or x.dtype not in FLOATS or min(size) < 1:
        raise ShapeError(f"cannot pool {x} to {list(size)}")
    return Aval((x.shape[0], *size, x.shape[3]), x.dtype)


def _match(x: Aval, y: Aval, kinds: frozenset[str]) -> None:
    """Raise ShapeError unless `y`, of one of the dtypes, has a pixel for each window of the images `x`."""
    if len(x.shape) != 4 or len(y.shape) != 4 or x.dtype not in FLOATS or y.dtype not in kinds:
        raise ShapeError(f"{y} does not tell of windows of {x}")
    if x.shape[0] != y.shape[0] or x.shape[3] != y.shape[3]:
        raise ShapeError(f"{list(y.shape)} does not tell of windows of {list(x.shape)}")


def _put_infer(g: Aval, places: Aval, *, size: Pair, kernel: Pair, spread: Spread) -> Aval:
    _match(g, places, INTEGERS)
    if g.shape != places.shape:
        raise ShapeError(f"{list(g.shape)} values do not have {list(places.shape)} places")
    return Aval((g.shape[0], *size, g.shape[3]), g.dtype)


def _take_infer(x: Aval, places: Aval, *, kernel: Pair, spread: Spread) -> Aval:
    _match(x, places, INTEGERS)
    return Aval(places.shape, x.dtype)


def _first_infer(x: Aval, y: Aval, *, kernel: Pair, spread: Spread) -> Aval:
    _match(x, y, frozenset({x.dtype}))
    return Aval(y.shape, "int32")


def _max_vjp(g: Var, y: Var, x: Var, *, size: Pair, kernel: Pair, spread: Spread) -> Sequence[Var | None]:
    places = window_first(x, y, kernel=kernel, spread=spread)
    return (window_put(g, places, size=x.shape[1:3], kernel=kernel, spread=spread),)


def _put_vjp(u: Var, y: Var, g: Var, places: Var, *, size: Pair, kernel: Pair, spread: Spread) -> Sequence[Var | None]:
    return window_take(u, places, kernel=kernel, spread=spread), None


def _take_vjp(g: Var, y: Var, x: Var, places: Var, *, kernel: Pair, spread: Spread) -> Sequence[Var | None]:
    return window_put(g, places, size=x.shape[1:3], kernel=kernel, spread=spread), None


def _merged(name: str) -> Callable[..., Var]:
    """The stacking rule of these primitives: copies of images are more images."""

    def stack(flags: Sequence[bool], count: int, *inputs: Var, **params: Any) -> Var:
        full = (x if flag else broadcast_to(x, shape=(count, *x.shape)) for x, flag in zip(inputs, flags, strict=True))
        y = PRIMITIVES[name](*(reshape(x, shape=(count * x.shape[1], *x.shape[2:])) for x in full), **params)
        return reshape(y, shape=(count, y.shape[0] // count, *y.shape[1:]))

    return stack


def _shape(size: Pair, kernel: Pair, stride: Pair, before: Pair = (0, 0)) -> dict[str, Any]:
    return {"size": size, "kernel": kernel, "spread": (stride, (1, 1), before)}


def _windows(kernel: Pair, stride: Pair, before: Pair = (0, 0)) -> dict[str, Any]:
    return {"kernel": kernel, "spread": (stride, (1, 1), before)}


window_max: Primitive = define(
    Primitive(
        "window_max",
        _pooled,
        _max_vjp,
        "window_max(xp, {0}, {size}, {kernel}, {spread})",
        "opaque",
        (
            Example(((2, 4, 6, 3),), _shape((2, 3), (2, 2), (2, 2))),
            Example(((2, 5, 4, 2),), _shape((3, 4), (3, 2), (2, 1), (1, 1))),
        ),
        (*_SLICES, helpers.window_max_into, helpers.window_max),
        ("window_max_into(xp, {0}, {out}, {kernel}, {spread})",),
        c=Gather(forms.max_text),
        onnx=WINDOW_MAX,
        stack=_merged("window_max"),
    )
)
window_first: Primitive = define(
    Primitive(
        "window_first",
        _first_infer,
        None,
        "window_first(xp, {0}, {1}, {kernel}, {spread})",
        "opaque",
        (Example(((2, 4, 6, 3), (2, 2, 3, 3)), _windows((2, 2), (2, 2))),),
        (*_SLICES, helpers.window_first_into, helpers.window_first),
        ("window_first_into(xp, {0}, {1}, {out}, {kernel}, {spread}, {s0})",),
        lambda x, y, **_: (Aval(y.shape, "bool"),),
        c=Gather(forms.first_text),
        stack=_merged("window_first"),
    )
)
"""The position in each window, in row-major order, of the first pixel that equals the maximum; 0 if none does."""
window_put: Primitive = define(
    Primitive(
        "window_put",
        _put_infer,
        _put_vjp,
        "window_put(xp, {0}, {1}, {size}, {kernel}, {spread})",
        "opaque",
        (
            Example(
                ((2, 2, 3, 2), (2, 2, 3, 2)),
                _shape((5, 10), (2, 3), (2, 3)),
                ((-2.0, 2.0), (0, 6)),
                ("float64", "int32"),
            ),
            Example(
                ((1, 3, 4, 2), (1, 3, 4, 2)),
                _shape((5, 4), (3, 2), (2, 1), (1, 1)),
                ((-2.0, 2.0), (0, 6)),
                ("float64", "int32"),
            ),
            Example(
                ((1, 2, 3, 2), (1, 2, 3, 2)),
                _shape((3, 5), (2, 2), (2, 2), (1, 1)),
                ((-2.0, 2.0), (0, 4)),
                ("float64", "int32"),
            ),
        ),
        (*_SLICES, helpers.window_put_into, helpers.window_put),
        ("window_put_into(xp, {0}, {1}, {out}, {kernel}, {spread}, {s0}, {s1})",),
        lambda g, places, **_: (Aval(g.shape, "bool"), g),
        c=Gather(forms.put_text),
        stack=_merged("window_put"),
    )
)
window_take: Primitive = define(
    Primitive(
        "window_take",
        _take_infer,
        _take_vjp,
        "window_take(xp, {0}, {1}, {kernel}, {spread})",
        "opaque",
        (
            Example(
                ((1, 5, 4, 2), (1, 3, 4, 2)),
                _windows((3, 2), (2, 1), (1, 1)),
                ((-2.0, 2.0), (0, 6)),
                ("float64", "int32"),
            ),
        ),
        (*_SLICES, helpers.window_take_into, helpers.window_take),
        ("window_take_into(xp, {0}, {1}, {out}, {kernel}, {spread}, {s0})",),
        lambda x, places, **_: (Aval(places.shape, "bool"),),
        c=Gather(forms.take_text),
        stack=_merged("window_take"),
    )
)
window_sum: Primitive = define(
    Primitive(
        "window_sum",
        _pooled,
        lambda g, y, x, *, size, kernel, spread: (window_spread(g, size=x.shape[1:3], kernel=kernel, spread=spread),),
        "window_sum(xp, {0}, {size}, {kernel}, {spread})",
        "opaque",
        (
            Example(((2, 4, 6, 3),), _shape((2, 3), (2, 2), (2, 2))),
            Example(((2, 5, 4, 2),), _shape((3, 4), (3, 2), (2, 1), (1, 1))),
        ),
        (*_SLICES, helpers.window_sum_into, helpers.window_sum),
        ("window_sum_into(xp, {0}, {out}, {kernel}, {spread})",),
        c=Gather(forms.sum_text),
        onnx=WINDOW_SUM,
        stack=_merged("window_sum"),
    )
)
window_spread: Primitive = define(
    Primitive(
        "window_spread",
        _pooled,
        lambda u, y, g, *, size, kernel, spread: (window_sum(u, size=g.shape[1:3], kernel=kernel, spread=spread),),
        "window_spread(xp, {0}, {size}, {kernel}, {spread})",
        "opaque",
        (
            Example(((2, 2, 3, 3),), _shape((5, 10), (2, 3), (2, 3))),
            Example(((1, 3, 4, 2),), _shape((5, 4), (3, 2), (2, 1), (1, 1))),
            Example(((1, 2, 3, 2),), _shape((3, 5), (2, 2), (2, 2), (1, 1))),
        ),
        (*_SLICES, helpers.window_spread_into, helpers.window_spread),
        ("window_spread_into(xp, {0}, {out}, {kernel}, {spread})",),
        c=Gather(forms.spread_text),
        stack=_merged("window_spread"),
    )
)
"""Add each value to all pixels of its window: the adjoint of `window_sum`."""
