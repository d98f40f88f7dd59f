"""Gather and scatter with integer indices."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ShapeError
from ..ir import (
    INTEGERS,
    Aval,
    Decomposition,
    Example,
    Gather,
    Nodes,
    OneNode,
    Primitive,
    Read,
    ScatterAdd,
    Var,
    define,
)
from . import helpers
from .choices import cast, equal
from .onnx_moves import scattered
from .pieces import concat, full, iota
from .shaping import broadcast_to, reshape


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


def _offset(indices: Var, rows: int, count: int, flag: bool) -> Var:
    """Indices into `count` concatenated tables of `rows` rows each."""
    begins = concat([full((1,), k * rows, indices.dtype) for k in range(count)], axis=0)
    rank = indices.ndim - flag
    return indices + reshape(begins, shape=(count, *(1,) * rank))


def _gather_element(index: Sequence[str], shape: tuple[int, ...], table: Read, indices: Read) -> str:
    """As in NumPy, a negative index counts from the end; an index out of bounds, impossible for validated inputs, is
    clamped."""
    rank = len(indices.shape)
    return table([f"index_within({indices(index[:rank])}, {table.shape[0]})", *index[rank:]])


def _scatter_target(
    index: Sequence[str], shape: tuple[int, ...], updates: Read, indices: Read, *, rows: int
) -> list[str]:
    rank = len(indices.shape)
    return [f"index_within({indices(index[:rank])}, {rows})", *index[rank:]]


def _gather_stack(flags: Sequence[bool], count: int, table: Var, indices: Var) -> Var:
    if not flags[0]:
        return gather(table, indices)
    rows = table.shape[1]
    return gather(reshape(table, shape=(count * rows, *table.shape[2:])), _offset(indices, rows, count, flags[1]))


def _scatter_stack(flags: Sequence[bool], count: int, updates: Var, indices: Var, *, rows: int) -> Var:
    values = updates if flags[0] else broadcast_to(updates, shape=(count, *updates.shape))
    targets = _offset(indices, rows, count, flags[1])
    rest = values.shape[targets.ndim :]
    return reshape(scatter_add(values, targets, rows=count * rows), shape=(count, rows, *rest))


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
        c=Gather(_gather_element),
        onnx=OneNode("Gather"),
        formula="{0}[{1}]",
        stack=_gather_stack,
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
        (helpers.scatter_add_into, helpers.scatter_add),
        ("scatter_add_into(xp, {0}, {1}, {out})",),
        c=ScatterAdd(_scatter_target),
        onnx=Nodes(scattered),
        stack=_scatter_stack,
    )
)


def _one_hot_infer(labels: Aval, *, classes: int, dtype: str) -> Aval:
    if labels.dtype not in INTEGERS:
        raise ShapeError(f"labels are whole numbers, not {labels.dtype}")
    return Aval((*labels.shape, classes), dtype)


def _one_hot_steps(labels: Var, *, classes: int, dtype: str) -> Var:
    hits = equal(reshape(labels, shape=(*labels.shape, 1)), iota(classes, labels.dtype))
    return cast(hits, dtype=dtype)


one_hot: Primitive = define(
    Primitive(
        "one_hot",
        _one_hot_infer,
        None,
        "({0}[..., None] == xp.arange({classes})).astype(xp.{dtype})",
        "opaque",
        (Example(((4,),), {"classes": 3, "dtype": "float64"}, ((0, 3),), ("int64",)),),
        into=("xp.equal({0}[..., None], xp.arange({classes}), out={s0})", "{out}[...] = {s0}"),
        c=Gather(lambda index, shape, labels, *, classes, dtype: f"({labels(index[:-1])} == {index[-1]})"),
        onnx=Decomposition(_one_hot_steps),
        scratch=lambda labels, *, classes, dtype: (Aval((*labels.shape, classes), "bool"),),
        stack=lambda flags, count, labels, **params: one_hot(labels, **params),
    )
)


def eye(size: int, dtype: str) -> Var:
    """The identity matrix, (size, size)."""
    return one_hot(iota(size, "int64"), classes=size, dtype=dtype)
