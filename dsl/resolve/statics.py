"""Arithmetic on constants when the file is loaded, with limits, so that any expression takes little time and memory."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from ..graph import Duration, Word
from ..limits import MAX_WHOLE
from .values import Percent, Value, describe, is_number, shape_of_numbers

ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class StaticError(Exception):
    """The error of a constant expression: a message, and possibly a remedy."""

    def __init__(self, message: str, help: str = "", code: str = "E0314") -> None:
        super().__init__(message)
        self.message = message
        self.help = (help,) if help else ()
        self.code = code


def checked(number: object) -> int | float | bool:
    """The number, checked to be finite and to fit 64 bits."""
    if isinstance(number, int):
        if abs(number) > MAX_WHOLE:
            raise StaticError("this number is too large", "whole numbers go up to 2^63 - 1")
        return number
    if isinstance(number, float) and math.isfinite(number):
        return number
    raise StaticError("this has no finite value")


def _divide(a: int | float, b: int | float) -> int | float:
    if b == 0:
        raise StaticError("this divides by zero")
    if isinstance(a, int) and isinstance(b, int) and a % b == 0:
        return a // b
    return a / b


def _whole_divide(a: int | float, b: int | float) -> int | float:
    if b == 0:
        raise StaticError("this divides by zero")
    return a // b


def _power(a: int | float, b: int | float) -> int | float:
    if a == 0 and b < 0:
        raise StaticError("this divides by zero")
    if a < 0 and isinstance(b, float) and not b.is_integer():
        raise StaticError("a negative number has no such power")
    if isinstance(a, int) and isinstance(b, int) and b > 0 and abs(a) > 1 and (a.bit_length() - 1) * b > 64:
        raise StaticError("this number is too large", "whole numbers go up to 2^63 - 1")
    result: int | float = float(a) ** b if b < 0 else a**b
    return result


ARITHMETIC: dict[str, Callable[[int | float, int | float], int | float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "//": _whole_divide,
    "^": _power,
}


def _refuse_operand(value: Value, operator: str) -> None:
    if isinstance(value, Percent):
        raise StaticError("units take no part in arithmetic", f"write `{float(value):g}`", "E0313")
    if isinstance(value, Duration):
        raise StaticError("units take no part in arithmetic", f"write the number without `{value.unit}`", "E0313")
    if not is_number(value):
        help = "strings are written whole, they are not joined" if isinstance(value, str) else ""
        raise StaticError(f"`{operator}` takes numbers, but this is {describe(value)}", help, "E0310")


def binary(operator: str, left: Value, right: Value) -> int | float | bool | tuple[Value, ...]:
    """`left operator right` for two statics; of lists of numbers, item by item. Raises StaticError."""
    if operator in ("==", "!="):
        return _equal(left, right) == (operator == "==")
    if operator in ARITHMETIC and (isinstance(left, tuple) or isinstance(right, tuple)):
        return _of_lists(operator, left, right)
    if operator in ORDERED and isinstance(left, Percent) and isinstance(right, Percent):
        return ORDERED[operator](left, right)
    for value in (left, right):
        _refuse_operand(value, operator)
    assert is_number(left)
    assert is_number(right)
    if operator in ORDERED:
        return ORDERED[operator](left, right)
    try:
        return checked(ARITHMETIC[operator](left, right))
    except (OverflowError, ZeroDivisionError, ValueError):
        raise StaticError("this number is too large") from None


def _of_lists(operator: str, left: Value, right: Value) -> tuple[Value, ...]:
    """Arithmetic of lists of one shape, or of a list and a number."""
    shapes = [shape_of_numbers(value) for value in (left, right)]
    for value, shape in zip((left, right), shapes, strict=True):
        if shape is None:
            _refuse_operand(value, operator)
    if isinstance(left, tuple) and isinstance(right, tuple):
        if shapes[0] != shapes[1]:
            one, other = (list(shape or ()) for shape in shapes)
            raise StaticError(f"`{operator}` takes lists of one shape, but these are {one} and {other}", code="E0310")
        return tuple([binary(operator, a, b) for a, b in zip(left, right, strict=True)])
    if isinstance(left, tuple):
        return tuple([binary(operator, item, right) for item in left])
    assert isinstance(right, tuple)
    return tuple([binary(operator, left, item) for item in right])


def _equal(left: Value, right: Value) -> bool:
    for sort in (Percent, bool, Word, str, Duration, tuple):
        if isinstance(left, sort) and isinstance(right, sort):
            return left == right
    if is_number(left) and is_number(right):
        return left == right
    raise StaticError(f"{describe(left)} and {describe(right)} cannot be compared", code="E0310")


def negative(value: Value) -> int | float | tuple[Value, ...]:
    """`-value`. Raises StaticError."""
    if isinstance(value, tuple) and shape_of_numbers(value) is not None:
        return tuple([negative(item) for item in value])
    _refuse_operand(value, "-")
    assert is_number(value)
    return -value


def apply(
    function: Callable[..., int | float | bool], values: list[int | float], options: dict[str, Any]
) -> int | float | bool:
    """A catalogue's function on plain numbers. Raises StaticError."""
    try:
        return checked(function(*values, **options))
    except StaticError:
        raise
    except OverflowError:
        raise StaticError("this number is too large") from None
    except (
        Exception
    ) as error:  # the function may come from outside: whatever it raises is the file's mistake or its own
        reason = str(error) or type(error).__name__
        raise StaticError(f"this has no value: {reason}") from None


def number(value: int | float, unit: str) -> Value:
    """A number literal. Raises StaticError for an unknown unit and for overflow."""
    checked(value)
    if unit == "":
        return value
    if unit == "%":
        return Percent(value / 100)
    if unit == "epochs":
        return Duration(value, "epochs")
    if unit == "steps":
        return Duration(value, "steps")
    raise StaticError(
        f"no unit `{unit}`",
        f"a number alone: `{value}`; a product: `{value} * {unit}`; the units are `%`, `epochs` and `steps`",
        "E0226",
    )
