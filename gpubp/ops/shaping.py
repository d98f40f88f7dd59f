"""Sums, and primitives that move values without computing: they are each other's derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import ShapeError
from ..ir import FLOATS, Aval, Example, Primitive, Var, broadcast_shapes, define


def normal_axes(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from 0, sorted. ShapeError for one that does not exist or stands twice."""
    out = sorted(axis + rank if axis < 0 else axis for axis in axes)
    if any(not 0 <= axis < rank for axis in out) or len(set(out)) != len(out):
        raise ShapeError(f"axes {list(axes)} do not exist in a value of {rank} axes")
    return tuple(out)


# sum -----------------------------------------------------------------------------------------------------------------
def _reduce_infer(a: Aval, *, axis: tuple[int, ...], keepdims: bool) -> Aval:
    if a.dtype not in FLOATS:
        raise ShapeError(f"needs floats, got {a.dtype}")
    gone = normal_axes(axis, len(a.shape))
    return Aval(tuple(1 if i in gone else n for i, n in enumerate(a.shape) if keepdims or i not in gone), a.dtype)


def _kept(v: Var, x: Var, axis: tuple[int, ...]) -> Var:
    """A reduced value with its axes back as 1, to broadcast against `x`."""
    gone = normal_axes(axis, x.ndim)
    return reshape(v, shape=tuple(1 if i in gone else n for i, n in enumerate(x.shape)))


def reduction_text(function: str) -> Callable[..., str]:
    """The text of a reduction, the default `keepdims=False` left out."""

    def text(*, axis: tuple[int, ...], keepdims: bool) -> str:
        return f"xp.{function}({{0}}, axis={axis}{', keepdims=True' if keepdims else ''})"

    return text


_reductions = tuple(
    Example(((3, 4, 2),), {"axis": axis, "keepdims": keepdims})
    for axis, keepdims in (((0, 1, 2), False), ((1,), False), ((-1,), True), ((0, 2), True))
)
sum_primitive: Primitive = define(
    Primitive(
        "sum",
        _reduce_infer,
        lambda g, y, x, *, axis, keepdims: (broadcast_to(_kept(g, x, axis), shape=x.shape),),
        reduction_text("sum"),
        "reduce",
        _reductions,
    )
)


def sum_(x: Var, axis: Sequence[int] | None = None, *, keepdims: bool = False) -> Var:
    """Sum over `axis` (all axes where None)."""
    axes = normal_axes(range(x.ndim) if axis is None else axis, x.ndim)
    return sum_primitive(x, axis=axes, keepdims=keepdims) if axes else x


def mean(x: Var, axis: Sequence[int] | None = None, *, keepdims: bool = False) -> Var:
    """Arithmetic mean over `axis` (all axes where None)."""
    total = sum_(x, axis, keepdims=keepdims)
    return total if total.aval.size == x.aval.size else total * (total.aval.size / x.aval.size)


def sum_to(x: Var, shape: tuple[int, ...]) -> Var:
    """Undo a broadcast from `shape`: sum over the axes that were added or stretched."""
    if x.shape == shape:
        return x
    lead = x.ndim - len(shape)
    stretched = (lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1)
    return reshape(sum_(x, (*range(lead), *stretched)), shape=shape)


# reshape, broadcast, transpose ---------------------------------------------------------------------------------------
def _reshape_infer(a: Aval, *, shape: tuple[int, ...]) -> Aval:
    out = Aval(shape, a.dtype)
    if out.size != a.size:
        raise ShapeError(f"cannot reshape {list(a.shape)} to {list(shape)}: {a.size} values against {out.size}")
    return out


reshape_primitive: Primitive = define(
    Primitive(
        "reshape",
        _reshape_infer,
        lambda g, y, x, *, shape: (reshape(g, shape=x.shape),),
        "xp.reshape({0}, {shape})",
        "view",
        (Example(((3, 4),), {"shape": (2, 6)}), Example(((1,),), {"shape": ()})),
    )
)


def reshape(x: Var, *, shape: Sequence[int]) -> Var:
    """The same values in row-major order in another shape; `x` itself where it has that shape."""
    return x if x.shape == tuple(shape) else reshape_primitive(x, shape=tuple(shape))


def _broadcast_infer(a: Aval, *, shape: tuple[int, ...]) -> Aval:
    try:
        fits = broadcast_shapes(a.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"cannot broadcast {list(a.shape)} to {list(shape)}")
    return Aval(shape, a.dtype)


broadcast_primitive: Primitive = define(
    Primitive(
        "broadcast_to",
        _broadcast_infer,
        lambda g, y, x, *, shape: (sum_to(g, x.shape),),
        "xp.broadcast_to({0}, {shape})",
        "view",
        (Example(((3, 1),), {"shape": (2, 3, 4)}), Example(((),), {"shape": (5,)})),
    )
)


def broadcast_to(x: Var, *, shape: Sequence[int]) -> Var:
    """`x` repeated along new and stretched axes; `x` itself where it has that shape."""
    return x if x.shape == tuple(shape) else broadcast_primitive(x, shape=tuple(shape))


def _transpose_infer(a: Aval, *, axes: tuple[int, ...]) -> Aval:
    if sorted(axes) != list(range(len(a.shape))):
        raise ShapeError(f"axes {list(axes)} are no order of the {len(a.shape)} axes")
    return Aval(tuple(a.shape[i] for i in axes), a.dtype)


transpose_primitive: Primitive = define(
    Primitive(
        "transpose",
        _transpose_infer,
        lambda g, y, x, *, axes: (transpose_primitive(g, axes=tuple(map(axes.index, range(len(axes))))),),
        "xp.transpose({0}, {axes})",
        "view",
        (Example(((2, 3, 4),), {"axes": (1, 2, 0)}),),
    )
)


def transpose(x: Var, axes: Sequence[int] | None = None) -> Var:
    """Axes in another order; None swaps the last two."""
    order = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2) if axes is None else tuple(axes)
    return transpose_primitive(x, axes=order)


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
    )
)


def _pad_infer(a: Aval, *, before: tuple[int, ...], after: tuple[int, ...]) -> Aval:
    if not len(before) == len(after) == len(a.shape) or min((*before, *after, 0)) < 0:
        raise ShapeError(f"cannot pad {list(a.shape)} by {list(before)} and {list(after)}")
    return Aval(tuple(p + n + q for p, n, q in zip(before, a.shape, after, strict=True)), a.dtype)


def _pad_text(*, before: tuple[int, ...], after: tuple[int, ...]) -> str:
    return f"xp.pad({{0}}, {tuple(zip(before, after, strict=True))})"


def _pad_vjp(g: Var, y: Var, x: Var, *, before: tuple[int, ...], after: tuple[int, ...]) -> Sequence[Var | None]:
    return (slice_(g, start=before, stop=tuple(p + n for p, n in zip(before, x.shape, strict=True))),)


pad: Primitive = define(
    Primitive(
        "pad", _pad_infer, _pad_vjp, _pad_text, "opaque", (Example(((2, 3),), {"before": (1, 0), "after": (0, 2)}),)
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


concat_primitive: Primitive = define(
    Primitive(
        "concat",
        _concat_infer,
        _concat_vjp,
        "xp.concatenate(({*},), axis={axis})",
        "opaque",
        (Example(((2, 3), (2, 1), (2, 2)), {"axis": 1}), Example(((3,), (2,)), {"axis": 0})),
    )
)


def concat(xs: Sequence[Var], *, axis: int) -> Var:
    """Values one behind the other along an axis (counted from 0 or, negative, from the end)."""
    return xs[0] if len(xs) == 1 else concat_primitive(*xs, axis=normal_axes((axis,), xs[0].ndim)[0])


# constants -----------------------------------------------------------------------------------------------------------
full_primitive: Primitive = define(
    Primitive(
        "full",
        lambda *, shape, value, dtype: Aval(shape, dtype),
        None,
        "xp.full({shape}, {value}, dtype=xp.{dtype})",
        "opaque",
        (Example((), {"shape": (2, 3), "value": 0.5, "dtype": "float64"}),),
    )
)


def full(shape: Sequence[int], value: float, dtype: str) -> Var:
    """A constant of a shape."""
    return full_primitive(shape=tuple(shape), value=value, dtype=dtype)
