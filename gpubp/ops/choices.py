"""Comparisons, logic, selection, and casts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import ShapeError
from ..ir import FLOATS, WEAK, Aval, Decomposition, Elementwise, Example, Nodes, OneNode, Primitive, Var, define
from .elements import broadcast, elementwise, infix, same_dtype, unbroadcast
from .onnx_moves import CAST

# Comparisons and logic: results are bool, not differentiable ---------------------------------------------------------
_compare: dict[str, Any] = {"result": "bool", "floats_only": False}
less: Primitive = infix("less", "<", "less", None, onnx="Less", **_compare)
less_equal: Primitive = infix("less_equal", "<=", "less_equal", None, onnx="LessOrEqual", **_compare)
greater: Primitive = infix("greater", ">", "greater", None, onnx="Greater", **_compare)
greater_equal: Primitive = infix("greater_equal", ">=", "greater_equal", None, onnx="GreaterOrEqual", **_compare)
equal: Primitive = infix("equal", "==", "equal", None, onnx="Equal", **_compare)
not_equal: Primitive = infix(
    "not_equal",
    "!=",
    "not_equal",
    None,
    onnx=Nodes(lambda g, out, a, b: g.node("Not", g.node("Equal", a, b))),
    **_compare,
)
logical_and: Primitive = infix("logical_and", "&", "logical_and", None, dtypes=("bool", "bool"), onnx="And", **_compare)
isfinite: Primitive = elementwise(
    "isfinite",
    "xp.isfinite({0})",
    None,
    c="({0} - {0} == 0)",
    result="bool",
    onnx=Decomposition(lambda x: equal(x - x, 0.0)),
)


def _where_infer(condition: Aval, a: Aval, b: Aval) -> Aval:
    if condition.dtype != "bool":
        raise ShapeError(f"a condition is of type bool, not {condition.dtype}")
    return Aval(broadcast((condition, a, b)), same_dtype((a, b)))


where: Primitive = define(
    Primitive(
        "where",
        _where_infer,
        unbroadcast(lambda g, y, c, a, b: (None, gate(c, g), where(c, 0.0, g))),
        "xp.where({0}, {1}, {2})",
        "elementwise",
        (Example(((3, 4), (3, 4), (4,)), {}, dtypes=("bool", "float64", "float64")),),
        into=("xp.copyto({out}, {2})", "xp.copyto({out}, {1}, where={0})"),
        c=Elementwise("({0} ? {1} : {2})"),
        onnx=OneNode("Where"),
    )
)


def _gate_infer(condition: Aval, a: Aval) -> Aval:
    if condition.dtype != "bool" or a.dtype not in FLOATS:
        raise ShapeError(f"a gate takes a condition and floats, not {condition.dtype} and {a.dtype}")
    return Aval(broadcast((condition, a)), a.dtype)


# `a` where the condition holds, else 0. A bit mask is many times faster than selecting between two values, and masks
# inf and NaN as well.
gate: Primitive = define(
    Primitive(
        "gate",
        _gate_infer,
        unbroadcast(lambda g, y, c, a: (None, gate(c, g))),
        "xp.where({0}, {1}, 0.0)",
        "elementwise",
        tuple(
            Example(shapes, {}, dtypes=("bool", "float64"))
            for shapes in (((3, 4), (3, 4)), ((3, 4), (4,)), ((4,), (3, 1)))
        ),
        into=(
            "xp.negative({0}.view(xp.int8), out={s0})",
            "xp.bitwise_and({1}.view({s0}.dtype), {s0}, out={out}.view({s0}.dtype))",
        ),
        scratch=lambda condition, a: (Aval(condition.shape, a.dtype.replace("float", "int")),),
        formula="{1} * {0}",
        c=Elementwise("({0} ? {1} : 0)"),
        onnx=Decomposition(lambda condition, a: where(condition, a, 0.0)),
    )
)


def _cast_infer(a: Aval, *, dtype: str) -> Aval:
    if a.dtype == WEAK:
        raise ShapeError("a cast takes a value, not a number")
    return Aval(a.shape, dtype)


def _cast_vjp(g: Var, y: Var, x: Var, *, dtype: str) -> Sequence[Var | None]:
    return (cast(g, dtype=x.dtype) if x.dtype in FLOATS and g.dtype in FLOATS else None,)


cast_primitive: Primitive = define(
    Primitive(
        "cast",
        _cast_infer,
        _cast_vjp,
        "{0}.astype(xp.{dtype})",
        "elementwise",
        (Example(((3, 4),), {"dtype": "float64"}, dtypes=("float32",)),),
        into=("{out}[...] = {0}",),
        c=Elementwise(lambda *, dtype: "({0} != 0)" if dtype == "bool" else "({type}){0}"),
        onnx=CAST,
        formula="{0}",
    )
)


def cast(x: Var, *, dtype: str) -> Var:
    """`x` cast to another dtype; `x` itself if it has that dtype."""
    return x if x.dtype == dtype else cast_primitive(x, dtype=dtype)
