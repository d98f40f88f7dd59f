"""Flips and shifts of images, for data augmentation."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ShapeError
from ..ir import INTEGERS, Aval, Example, Gather, Nodes, Primitive, Read, Var, define
from . import helpers
from .onnx_moves import flipped
from .shaping import broadcast_to, reshape


def _flip_infer(a: Aval, *, axis: int) -> Aval:
    if not 0 <= axis < len(a.shape):
        raise ShapeError(f"{list(a.shape)} has no axis {axis} to turn round")
    return a


def _flip_element(index: Sequence[str], shape: tuple[int, ...], x: Read, *, axis: int) -> str:
    return x([f"({shape[axis] - 1} - {i})" if k == axis else i for k, i in enumerate(index)])


flip: Primitive = define(
    Primitive(
        "flip",
        _flip_infer,
        lambda g, y, x, *, axis: (flip(g, axis=axis),),
        "xp.flip({0}, {axis}).copy()",
        "opaque",
        (Example(((2, 3),), {"axis": 1}),),
        into=("{out}[...] = xp.flip({0}, {axis})",),
        c=Gather(_flip_element),
        onnx=Nodes(flipped),
        stack=lambda flags, count, x, *, axis: flip(x, axis=axis + 1),
    )
)
"""The values in reverse order along an axis."""


def _shift_infer(a: Aval, offsets: Aval) -> Aval:
    if len(a.shape) < 3 or offsets.dtype not in INTEGERS or offsets.shape != (a.shape[0], 2):
        raise ShapeError(f"cannot move {list(a.shape)} by {offsets.dtype}{list(offsets.shape)}")
    return a


def _shift_stack(flags: Sequence[bool], count: int, x: Var, offsets: Var) -> Var:
    each = x if flags[0] else broadcast_to(x, shape=(count, *x.shape))
    ways = offsets if flags[1] else broadcast_to(offsets, shape=(count, *offsets.shape))
    rows = count * each.shape[1]
    moved = shift(reshape(each, shape=(rows, *each.shape[2:])), reshape(ways, shape=(rows, 2)))
    return reshape(moved, shape=each.shape)


def _shift_element(index: Sequence[str], shape: tuple[int, ...], x: Read, offsets: Read) -> str:
    there = [f"({index[k]} + {offsets([index[0], str(k - 1)])})" for k in (1, 2)]
    inside = " && ".join(f"{i} >= 0 && {i} < {n}" for i, n in zip(there, shape[1:3], strict=True))
    return f"({inside} ? {x([index[0], *there, *index[3:]])} : 0)"


shift: Primitive = define(
    Primitive(
        "shift",
        _shift_infer,
        # Zeros are shifted in, so the adjoint is the opposite shift.
        lambda g, y, x, offsets: (shift(g, -1 * offsets), None),
        "shift(xp, {0}, {1})",
        "opaque",
        (Example(((3, 4, 5, 2), (3, 2)), {}, ((-2.0, 2.0), (0, 3)), ("float64", "int64")),),
        (helpers.shift, helpers.shift_into),
        ("shift_into(xp, {0}, {1}, {out})",),
        c=Gather(_shift_element),
        stack=_shift_stack,
    )
)
"""x (n, height, width, ...), offsets (n, 2): `y[k, i, j] = x[k, i + offsets[k, 0], j + offsets[k, 1]]`, 0 outside."""
