"""Reading and writing by whole-number indices."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ShapeError
from ..ir import INTEGERS, Aval, Example, Primitive, Var, define
from . import helpers


def _gather_infer(table: Aval, indices: Aval) -> Aval:
    if indices.dtype not in INTEGERS or not table.shape:
        raise ShapeError(f"cannot take rows {indices.dtype}{list(indices.shape)} of {list(table.shape)}")
    return Aval((*indices.shape, *table.shape[1:]), table.dtype)


def _scatter_infer(updates: Aval, indices: Aval, *, rows: int) -> Aval:
    rank = len(indices.shape)
    if indices.dtype not in INTEGERS or updates.shape[:rank] != indices.shape:
        raise ShapeError(f"cannot add {list(updates.shape)} at {indices.dtype}{list(indices.shape)}")
    return Aval((rows, *updates.shape[rank:]), updates.dtype)


def _gather_vjp(g: Var, y: Var, table: Var, indices: Var) -> Sequence[Var | None]:
    return scatter_add(g, indices, rows=table.shape[0]), None


gather: Primitive = define(
    Primitive(
        "gather",
        _gather_infer,
        _gather_vjp,
        "xp.take({0}, {1}, axis=0)",
        "opaque",
        (Example(((5, 3), (2, 4)), {}, ((-2.0, 2.0), (0, 5)), ("float64", "int64")),),
        (helpers.gather_into,),
        ("gather_into(xp, {0}, {1}, {out})",),
    )
)
scatter_add: Primitive = define(
    Primitive(
        "scatter_add",
        _scatter_infer,
        lambda g, y, updates, indices, *, rows: (gather(g, indices), None),
        "scatter_add(xp, {0}, {1}, {rows})",
        "opaque",
        (Example(((2, 4, 3), (2, 4)), {"rows": 5}, ((-2.0, 2.0), (0, 5)), ("float64", "int64")),),
        (helpers.scatter_add,),
    )
)


def _one_hot_infer(labels: Aval, *, classes: int, dtype: str) -> Aval:
    if labels.dtype not in INTEGERS:
        raise ShapeError(f"labels are whole numbers, not {labels.dtype}")
    return Aval((*labels.shape, classes), dtype)


one_hot: Primitive = define(
    Primitive(
        "one_hot",
        _one_hot_infer,
        None,
        "({0}[..., None] == xp.arange({classes})).astype(xp.{dtype})",
        "opaque",
        (Example(((4,),), {"classes": 3, "dtype": "float64"}, ((0, 3),), ("int64",)),),
        into=("xp.equal({0}[..., None], xp.arange({classes}), out={s0})", "{out}[...] = {s0}"),
        scratch=lambda labels, *, classes, dtype: (Aval((*labels.shape, classes), "bool"),),
    )
)
