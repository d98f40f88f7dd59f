"""Slices, concatenation, padding, copies and constants."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import mul

from ..errors import ShapeError
from ..ir import Aval, Elementwise, Example, Gather, Nodes, Primitive, Read, Var, define
from .onnx_moves import ALIAS, along, counted, filled, padded, sliced
from .shaping import broadcast_to, normal_axes


# slice, pad, concat --------------------------------------------------------------------------------------------------
def _slice_infer(a: Aval, *, start: tuple[int, ...], stop: tuple[int, ...]) -> Aval:
    if not len(start) == len(stop) == len(a.shape):
        raise ShapeError(f"a slice of {list(a.shape)} needs {len(a.shape)} starts and stops")
    for first, last, n in zip(start, stop, a.shape, strict=True):
        if not 0 <= first <= last <= n:
            raise ShapeError(f"slice {first}..{last} lies outside of an axis of {n}")
    return Aval(tuple(b - a for a, b in zip(start, stop, strict=True)), a.dtype)


def _slice_text(*, start: tuple[int, ...], stop: tuple[int, ...]) -> str:
    return f"{{0}}[{', '.join(f'{a}:{b}' for a, b in zip(start, stop, strict=True))}]"


def _slice_vjp(g: Var, y: Var, x: Var, *, start: tuple[int, ...], stop: tuple[int, ...]) -> Sequence[Var | None]:
    return (pad(g, before=start, after=tuple(n - b for n, b in zip(x.shape, stop, strict=True))),)


slice_: Primitive = define(
    Primitive(
        "slice",
        _slice_infer,
        _slice_vjp,
        _slice_text,
        "view",
        (Example(((5, 4),), {"start": (1, 0), "stop": (4, 2)}), Example(((7,),), {"start": (2,), "stop": (7,)})),
        onnx=Nodes(sliced),
        formula=_slice_text,
        view=lambda offset, before, strides, *, start, stop: (offset + sum(map(mul, start, strides)), strides),
        stack=lambda flags, count, x, *, start, stop: slice_(x, start=(0, *start), stop=(count, *stop)),
    )
)


def _pad_infer(a: Aval, *, before: tuple[int, ...], after: tuple[int, ...]) -> Aval:
    if not len(before) == len(after) == len(a.shape) or min((*before, *after, 0)) < 0:
        raise ShapeError(f"cannot pad {list(a.shape)} by {list(before)} and {list(after)}")
    return Aval(tuple(p + n + q for p, n, q in zip(before, a.shape, after, strict=True)), a.dtype)


def _pad_text(*, before: tuple[int, ...], after: tuple[int, ...]) -> str:
    return f"xp.pad({{0}}, {tuple(zip(before, after, strict=True))})"


def _pad_into(*, before: tuple[int, ...], after: tuple[int, ...]) -> tuple[str, ...]:
    inner = ", ".join(f"{p}:{-q if q else ''}" for p, q in zip(before, after, strict=True))
    return "{out}[...] = 0", f"{{out}}[{inner or '...'}] = {{0}}"


def _pad_element(
    index: Sequence[str], shape: tuple[int, ...], x: Read, *, before: tuple[int, ...], after: tuple[int, ...]
) -> str:
    inside = [f"{i} >= {p} && {i} < {n - q}" for i, n, p, q in zip(index, shape, before, after, strict=True) if p or q]
    inner = x([f"({i} - {p})" if p else i for i, p in zip(index, before, strict=True)])
    return f"({' && '.join(inside)} ? {inner} : 0)" if inside else inner


def _pad_vjp(g: Var, y: Var, x: Var, *, before: tuple[int, ...], after: tuple[int, ...]) -> Sequence[Var | None]:
    return (slice_(g, start=before, stop=tuple(p + n for p, n in zip(before, x.shape, strict=True))),)


pad: Primitive = define(
    Primitive(
        "pad",
        _pad_infer,
        _pad_vjp,
        _pad_text,
        "opaque",
        (Example(((2, 3),), {"before": (1, 0), "after": (0, 2)}),),
        into=_pad_into,
        c=Gather(_pad_element),
        onnx=Nodes(padded),
        stack=lambda flags, count, x, *, before, after: pad(x, before=(0, *before), after=(0, *after)),
    )
)


def _concat_infer(*avals: Aval, axis: int) -> Aval:
    first = avals[0]
    normal_axes((axis,), len(first.shape))
    for a in avals:
        same = a.shape[:axis] == first.shape[:axis] and a.shape[axis + 1 :] == first.shape[axis + 1 :]
        if len(a.shape) != len(first.shape) or not same:
            raise ShapeError(f"cannot join {list(first.shape)} and {list(a.shape)} along axis {axis}")
        if a.dtype != first.dtype:
            raise ShapeError(f"cannot join {first.dtype} and {a.dtype}")
    return Aval((*first.shape[:axis], sum(a.shape[axis] for a in avals), *first.shape[axis + 1 :]), first.dtype)


def _concat_vjp(g: Var, y: Var, *xs: Var, axis: int) -> Sequence[Var | None]:
    out: list[Var | None] = []
    at = 0
    for x in xs:
        start = tuple(at if i == axis else 0 for i in range(g.ndim))
        stop = tuple(at + x.shape[axis] if i == axis else n for i, n in enumerate(g.shape))
        out.append(slice_(g, start=start, stop=stop))
        at += x.shape[axis]
    return out


def _concat_starts(*avals: Aval, axis: int) -> tuple[tuple[int, ...], ...]:
    begins = accumulate((a.shape[axis] for a in avals[:-1]), initial=0)
    return tuple(tuple(at if i == axis else 0 for i in range(len(avals[0].shape))) for at in begins)


def _concat_stack(flags: Sequence[bool], count: int, *xs: Var, axis: int) -> Var:
    full = (x if flag else broadcast_to(x, shape=(count, *x.shape)) for x, flag in zip(xs, flags, strict=True))
    return concat_primitive(*full, axis=axis + 1)


concat_primitive: Primitive = define(
    Primitive(
        "concat",
        _concat_infer,
        _concat_vjp,
        "xp.concatenate(({*},), axis={axis})",
        "opaque",
        (Example(((2, 3), (2, 1), (2, 2)), {"axis": 1}), Example(((3,), (2,)), {"axis": 0})),
        concat_starts=_concat_starts,
        onnx=along("Concat"),
        stack=_concat_stack,
    )
)


def concat(xs: Sequence[Var], *, axis: int) -> Var:
    """Concatenate values along an axis (counted from 0 or, negative, from the end)."""
    return xs[0] if len(xs) == 1 else concat_primitive(*xs, axis=normal_axes((axis,), xs[0].ndim)[0])


# copy ----------------------------------------------------------------------------------------------------------------
copy: Primitive = define(
    Primitive(
        "copy",
        lambda a: a,
        lambda g, y, x: (g,),
        "xp.array({0})",
        "elementwise",
        (Example(((3, 4),), {}),),
        into=("{out}[...] = {0}",),
        c=Elementwise("{0}"),
        onnx=ALIAS,
        formula="{0}",
    )
)
"""A contiguous copy of the values."""


stop_gradient: Primitive = define(
    Primitive(
        "stop_gradient",
        lambda a: a,
        None,
        "xp.array({0})",
        "elementwise",
        (Example(((3, 4),), {}),),
        into=("{out}[...] = {0}",),
        c=Elementwise("{0}"),
        onnx=ALIAS,
    )
)
"""The same values, as a constant for differentiation (stop gradient)."""


# constants -----------------------------------------------------------------------------------------------------------
full_primitive: Primitive = define(
    Primitive(
        "full",
        lambda *, shape, value, dtype: Aval(shape, dtype),
        None,
        "xp.full({shape}, {value}, dtype=xp.{dtype})",
        "opaque",
        (Example((), {"shape": (2, 3), "value": 0.5, "dtype": "float64"}),),
        onnx=Nodes(filled),
        formula=lambda *, shape, value, dtype: f"{value:.6g}",
    )
)


def full(shape: Sequence[int], value: float, dtype: str) -> Var:
    """A constant array."""
    return full_primitive(shape=tuple(shape), value=value, dtype=dtype)


iota_primitive: Primitive = define(
    Primitive(
        "iota",
        lambda *, size, dtype: Aval((size,), dtype),
        None,
        "xp.arange({size}, dtype=xp.{dtype})",
        "opaque",
        (Example((), {"size": 5, "dtype": "float64"}),),
        onnx=Nodes(counted),
    )
)


def iota(size: int, dtype: str) -> Var:
    """The numbers 0, 1, 2 ... below `size`."""
    return iota_primitive(size=size, dtype=dtype)
