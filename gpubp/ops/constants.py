"""Constant evaluation of primitives: the table for the pass `fold`.

Exact results only: for + - * / and the square root, computing float32 operands in float64 and rounding once gives the
correctly rounded float32 result (Figueroa 1995: 53 bits are more than 2 * 24 + 2).
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ..ir import FLOATS, Elementwise, Eqn, Var
from .choices import (
    cast_primitive,
    equal,
    greater,
    greater_equal,
    isfinite,
    less,
    less_equal,
    logical_and,
    not_equal,
    where,
)
from .elementwise import absolute, add, div, maximum, minimum, mul, neg, sqrt, sub
from .pieces import full_primitive

Literal = float | int | bool

_EXACT: Mapping[object, Callable[..., Any]] = {
    add: operator.add,
    sub: operator.sub,
    mul: operator.mul,
    div: operator.truediv,
    neg: operator.neg,
    absolute: abs,
    sqrt: math.sqrt,
    maximum: max,
    minimum: min,
    less: operator.lt,
    less_equal: operator.le,
    greater: operator.gt,
    greater_equal: operator.ge,
    equal: operator.eq,
    not_equal: operator.ne,
    logical_and: operator.and_,
    isfinite: math.isfinite,
    where: lambda condition, a, b: a if condition else b,
    cast_primitive: lambda x: x,
}


def uniform(eqn: Eqn, known: Mapping[Var, Literal]) -> Literal | None:
    """The number that all elements of the result equal, where the numbers of uniform inputs are `known`; None if there
    is no such number, or it is not finite."""
    if not known.keys() >= set(eqn.operands):
        return None
    values = [known[x] if isinstance(x, Var) else _rounded(x, literal_dtype(eqn)) for x in eqn.inputs]
    if None in values:
        return None
    if eqn.op is full_primitive:
        return _rounded(eqn.params["value"], eqn.output.dtype)
    if eqn.op.trait == "view":
        return values[0]
    if eqn.op not in _EXACT:
        return None
    try:
        return _rounded(_EXACT[eqn.op](*values), eqn.output.dtype)
    except (ValueError, ArithmeticError):
        return None


def literal_dtype(eqn: Eqn) -> str:
    """The dtype that literals adopt in an equation: that of its values except the condition."""
    dtypes = [x.dtype for x in eqn.operands]
    return next((d for d in dtypes if d != "bool"), eqn.output.dtype)


def runtime_literals(eqn: Eqn) -> list[tuple[int, float]]:
    """The literals of an equation that compiled kernels can take at run time, since its C form is the same for all
    numbers: their input indices and values. Their dtype is `literal_dtype`."""
    form = eqn.op.c
    if not isinstance(form, Elementwise) or literal_dtype(eqn) not in FLOATS:
        return []
    return [(i, float(x)) for i, x in enumerate(eqn.inputs) if not isinstance(x, Var) and i not in form.inlined]


def _rounded(value: Literal, dtype: str) -> Literal | None:
    """The value as an element of a dtype; None if it does not fit or is not finite."""
    if dtype == "bool":
        return bool(value)
    if dtype not in FLOATS:
        return int(value) if isinstance(value, int) and 0 <= value < 2**31 else None
    number = float(value)
    if dtype == "float32" and math.isfinite(number):
        try:
            (number,) = struct.unpack("f", struct.pack("f", number))
        except OverflowError:
            return None
    return number if math.isfinite(number) else None


def constant(eqn: Eqn, value: Literal) -> Eqn:
    """The equation that creates the same result from one number."""
    (y,) = eqn.outputs
    params = MappingProxyType({"shape": y.shape, "value": value, "dtype": y.dtype})
    return Eqn(full_primitive, (), params, eqn.outputs, eqn.origin)


def is_constant(eqn: Eqn) -> bool:
    """Whether the equation is a constant."""
    return eqn.op is full_primitive
