"""Sums, and primitives that move values without computing: they are each other's derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import ShapeError
from ..ir import FLOATS, Aval, Example, Nodes, Primitive, Reduction, Var, broadcast_shapes, define
from .onnx_moves import broadcast, reduction, transposed
from .onnx_moves import reshaped as onnx_reshaped


def normal_axes(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from 0, sorted. ShapeError for one that is out of range or duplicate."""
    out = sorted(axis + rank if axis < 0 else axis for axis in axes)
    if any(not 0 <= axis < rank for axis in out) or len(set(out)) != len(out):
        raise ShapeError(f"axes {list(axes)} do not exist in a value of {rank} axes")
    return tuple(out)


# sum -----------------------------------------------------------------------------------------------------------------
def _reduce_infer(a: Aval, *, axis: tuple[int, ...], keepdims: bool) -> Aval:
    if a.dtype not in FLOATS:
        raise ShapeError(f"needs floats, got {a.dtype}")
    reduced = normal_axes(axis, len(a.shape))
    return Aval(tuple(1 if i in reduced else n for i, n in enumerate(a.shape) if keepdims or i not in reduced), a.dtype)


def _kept(v: Var, x: Var, axis: tuple[int, ...]) -> Var:
    """A reduced value with its axes restored as size 1, to broadcast against `x`."""
    reduced = normal_axes(axis, x.ndim)
    return reshape(v, shape=tuple(1 if i in reduced else n for i, n in enumerate(x.shape)))


def reduction_text(function: str) -> Callable[..., str]:
    """The code of a reduction, omitting the default `keepdims=False`."""

    def text(*, axis: tuple[int, ...], keepdims: bool) -> str:
        return f"xp.{function}({{0}}, axis={axis}{', keepdims=True' if keepdims else ''})"

    return text


def reduction_formula(function: str) -> Callable[..., str]:
    """A reduction in textbook notation, the axes counted from 0, the batch."""

    def text(*, axis: tuple[int, ...], keepdims: bool) -> str:
        axes = f"axis {axis[0]}" if len(axis) == 1 else f"axes {', '.join(map(str, axis))}"
        return f"{function}({{0}}{f', {axes}' if axis else ''})"

    return text


def reduction_into(method: str) -> Callable[..., tuple[str, ...]]:
    """The statement that writes a reduction's result to an array."""

    def text(*, axis: tuple[int, ...], keepdims: bool) -> tuple[str, ...]:
        return (f"{{0}}.{method}(axis={axis}{', keepdims=True' if keepdims else ''}, out={{out}})",)

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
        into=reduction_into("sum"),
        c=Reduction("0", "{0} + {1}", "sum_{t}", "sum_lanes_{t}"),
        onnx=reduction("ReduceSum"),
        formula=reduction_formula("sum"),
    )
)


def sum_(x: Var, axis: Sequence[int] | None = None, *, keepdims: bool = False) -> Var:
    """Sum over `axis` (all axes if None)."""
    axes = normal_axes(range(x.ndim) if axis is None else axis, x.ndim)
    return sum_primitive(x, axis=axes, keepdims=keepdims) if axes else x


def mean(x: Var, axis: Sequence[int] | None = None, *, keepdims: bool = False) -> Var:
    """Arithmetic mean over `axis` (all axes if None)."""
    total = sum_(x, axis, keepdims=keepdims)
    return total if total.aval.size == x.aval.size else total * (total.aval.size / x.aval.size)


def sum_to(x: Var, shape: tuple[int, ...]) -> Var:
    """Undo a broadcast from `shape`: sum over the axes that were added or expanded."""
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


def reshaped(
    offset: int, before: tuple[int, ...], strides: tuple[int, ...], *, shape: tuple[int, ...]
) -> tuple[int, tuple[int, ...]] | None:
    """Strides of the same memory in another shape, or None if there are none.

    Adjacent axes without a gap are merged, and each merged run is split anew.
    """
    runs = [[n, s] for n, s in zip(before, strides, strict=True) if n != 1]
    merged: list[list[int]] = []
    for n, s in runs:
        if merged and merged[-1][1] == n * s:
            merged[-1] = [merged[-1][0] * n, s]
        else:
            merged.append([n, s])
    out: list[int] = []
    left, step = merged.pop() if merged else (1, 1)
    for n in reversed(shape):
        if n != 1 and left == 1 and merged:
            left, step = merged.pop()
        if left % n:
            return None
        out.append(step)
        left, step = left // n, step * n
    return offset, tuple(reversed(out))


reshape_primitive: Primitive = define(
    Primitive(
        "reshape",
        _reshape_infer,
        lambda g, y, x, *, shape: (reshape(g, shape=x.shape),),
        "xp.reshape({0}, {shape})",
        "view",
        (Example(((3, 4),), {"shape": (2, 6)}), Example(((1,),), {"shape": ()})),
        view=reshaped,
        inverse=lambda before, *, shape: {"shape": before},
        onnx=Nodes(onnx_reshaped),
        formula="{0}",
        stack=lambda flags, count, x, *, shape: reshape_primitive(x, shape=(count, *shape)),
    )
)


def reshape(x: Var, *, shape: Sequence[int]) -> Var:
    """The same values in row-major order in another shape; `x` itself if it has that shape."""
    return x if x.shape == tuple(shape) else reshape_primitive(x, shape=tuple(shape))


def _broadcast_infer(a: Aval, *, shape: tuple[int, ...]) -> Aval:
    try:
        fits = broadcast_shapes(a.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"cannot broadcast {list(a.shape)} to {list(shape)}")
    return Aval(shape, a.dtype)


def _broadcast_view(
    offset: int, before: tuple[int, ...], strides: tuple[int, ...], *, shape: tuple[int, ...]
) -> tuple[int, tuple[int, ...]]:
    lead = len(shape) - len(before)
    kept = (s if n == m else 0 for s, n, m in zip(strides, before, shape[lead:], strict=True))
    return offset, (*(0,) * lead, *kept)


broadcast_primitive: Primitive = define(
    Primitive(
        "broadcast_to",
        _broadcast_infer,
        lambda g, y, x, *, shape: (sum_to(g, x.shape),),
        "xp.broadcast_to({0}, {shape})",
        "view",
        (Example(((3, 1),), {"shape": (2, 3, 4)}), Example(((),), {"shape": (5,)})),
        view=_broadcast_view,
        onnx=Nodes(broadcast),
        formula="{0}",
        stack=lambda flags, count, x, *, shape: broadcast_primitive(padded(x, len(shape)), shape=(count, *shape)),
    )
)


def broadcast_to(x: Var, *, shape: Sequence[int]) -> Var:
    """`x` broadcast along new and size-1 axes; `x` itself if it has that shape."""
    return x if x.shape == tuple(shape) else broadcast_primitive(x, shape=tuple(shape))


def padded(x: Var, rank: int) -> Var:
    """A stacked value with axes of size 1 inserted after the first, so that it broadcasts against others of `rank`
    axes."""
    return reshape(x, shape=(x.shape[0], *(1,) * (rank + 1 - x.ndim), *x.shape[1:]))


def _transpose_infer(a: Aval, *, axes: tuple[int, ...]) -> Aval:
    if sorted(axes) != list(range(len(a.shape))):
        raise ShapeError(f"axes {list(axes)} are no order of the {len(a.shape)} axes")
    return Aval(tuple(a.shape[i] for i in axes), a.dtype)


def _transpose_formula(*, axes: tuple[int, ...]) -> str:
    swapped = (*range(len(axes) - 2), len(axes) - 1, len(axes) - 2)
    return "{0}^T" if axes == swapped else f"transpose({{0}}, {', '.join(map(str, axes))})"


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(axes.index, range(len(axes))))


transpose_primitive: Primitive = define(
    Primitive(
        "transpose",
        _transpose_infer,
        lambda g, y, x, *, axes: (transpose_primitive(g, axes=_inverse(axes)),),
        "xp.transpose({0}, {axes})",
        "view",
        (Example(((2, 3, 4),), {"axes": (1, 2, 0)}),),
        view=lambda offset, before, strides, *, axes: (offset, tuple(strides[i] for i in axes)),
        inverse=lambda before, *, axes: {"axes": _inverse(axes)},
        onnx=Nodes(transposed),
        formula=_transpose_formula,
        stack=lambda flags, count, x, *, axes: transpose_primitive(x, axes=(0, *(i + 1 for i in axes))),
    )
)


def transpose(x: Var, axes: Sequence[int] | None = None) -> Var:
    """The axes permuted; None swaps the last two."""
    order = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2) if axes is None else tuple(axes)
    return transpose_primitive(x, axes=order)
