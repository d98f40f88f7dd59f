"""Reductions other than the sum, and row-wise primitives."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ShapeError
from ..ir import FLOATS, Aval, Example, Gather, Primitive, Read, Reduction, RowDecomposition, Var, define
from . import helpers
from .choices import cast, equal
from .elementwise import exp, log
from .onnx_moves import ARGMAX, along, reduction
from .shaping import (
    _kept,
    _reduce_infer,
    _reductions,
    normal_axes,
    reduction_formula,
    reduction_into,
    reduction_text,
    sum_primitive,
)


def _max_vjp(g: Var, y: Var, x: Var, *, axis: tuple[int, ...], keepdims: bool) -> Sequence[Var | None]:
    """Ties share the cotangent equally."""
    hits = cast(equal(x, _kept(y, x, axis)), dtype=x.dtype)
    return (_kept(g, x, axis) * hits / sum_primitive(hits, axis=axis, keepdims=True),)


max_primitive: Primitive = define(
    Primitive(
        "max",
        _reduce_infer,
        _max_vjp,
        reduction_text("max"),
        "reduce",
        _reductions,
        into=reduction_into("max"),
        c=Reduction("-INFINITY", "larger_{t}({0}, {1})", "max_{t}", "max_lanes_{t}"),
        onnx=reduction("ReduceMax"),
        formula=reduction_formula("max"),
    )
)


def max_(x: Var, axis: Sequence[int] | None = None, *, keepdims: bool = False) -> Var:
    """Maximum over `axis` (all axes if None)."""
    axes = normal_axes(range(x.ndim) if axis is None else axis, x.ndim)
    return max_primitive(x, axis=axes, keepdims=keepdims) if axes else x


def _argmax_infer(a: Aval, *, axis: int) -> Aval:
    (reduced,) = normal_axes((axis,), len(a.shape))
    return Aval(tuple(n for i, n in enumerate(a.shape) if i != reduced), "int64")


def _argmax_element(index: Sequence[str], shape: tuple[int, ...], x: Read, *, axis: int) -> str:
    (reduced,) = normal_axes((axis,), len(x.shape))
    first, second = (x([*index[:reduced], i, *index[reduced:]]) for i in ("0", "1"))
    return f"argmax_{x.suffix}(&{first}, {x.shape[reduced]}, &{second} - &{first})" if x.suffix else ""


argmax: Primitive = define(
    Primitive(
        "argmax",
        _argmax_infer,
        None,
        "xp.argmax({0}, axis={axis})",
        "reduce",
        (Example(((3, 4),), {"axis": -1}), Example(((3, 4, 2),), {"axis": 1})),
        into=("{0}.argmax(axis={axis}, out={out})",),
        c=Gather(_argmax_element),
        onnx=ARGMAX,
    )
)


def _softmax_infer(a: Aval, *, axis: int) -> Aval:
    normal_axes((axis,), len(a.shape))
    if a.dtype not in FLOATS:
        raise ShapeError(f"needs floats, got {a.dtype}")
    return a


def _row_figure(a: Aval, axis: int) -> Aval:
    """One number for each row along an axis."""
    (row,) = normal_axes((axis,), len(a.shape))
    return Aval(tuple(1 if i == row else n for i, n in enumerate(a.shape)), a.dtype)


def _softmax_steps(x: Var, *, axis: int) -> Var:
    e = exp(x - max_primitive(x, axis=(axis,), keepdims=True))
    return e / sum_primitive(e, axis=(axis,), keepdims=True)


def _log_softmax_steps(x: Var, *, axis: int) -> Var:
    shifted = x - max_primitive(x, axis=(axis,), keepdims=True)
    return shifted - log(sum_primitive(exp(shifted), axis=(axis,), keepdims=True))


_rows = (Example(((3, 4),), {"axis": -1}), Example(((2, 3, 4),), {"axis": 1}))
softmax: Primitive = define(
    Primitive(
        "softmax",
        _softmax_infer,
        lambda g, y, x, *, axis: (y * (g - sum_primitive(g * y, axis=(axis,), keepdims=True)),),
        "softmax(xp, {0}, {axis})",
        "rowwise",
        _rows,
        (helpers.softmax,),
        (
            "{0}.max(axis={axis}, keepdims=True, out={s0})",
            "xp.subtract({0}, {s0}, out={out})",
            "xp.exp({out}, out={out})",
            "{out}.sum(axis={axis}, keepdims=True, out={s0})",
            "xp.divide({out}, {s0}, out={out})",
        ),
        lambda a, *, axis: (_row_figure(a, axis),),
        c=RowDecomposition(_softmax_steps),
        onnx=along("Softmax"),
        flops=lambda a, *, axis: 5 * a.size,
    )
)
log_softmax: Primitive = define(
    Primitive(
        "log_softmax",
        _softmax_infer,
        lambda g, y, x, *, axis: (g - exp(y) * sum_primitive(g, axis=(axis,), keepdims=True),),
        "log_softmax(xp, {0}, {axis})",
        "rowwise",
        _rows,
        (helpers.log_softmax,),
        (
            "{0}.max(axis={axis}, keepdims=True, out={s0})",
            "xp.subtract({0}, {s0}, out={out})",
            "xp.exp({out}, out={s1})",
            "{s1}.sum(axis={axis}, keepdims=True, out={s0})",
            "xp.log({s0}, out={s0})",
            "xp.subtract({out}, {s0}, out={out})",
        ),
        lambda a, *, axis: (_row_figure(a, axis), a),
        c=RowDecomposition(_log_softmax_steps),
        onnx=along("LogSoftmax"),
        flops=lambda a, *, axis: 5 * a.size,
    )
)
