"""Expressions -> values: the one dispatch over the forms of an expression."""

from __future__ import annotations

from .. import syntax
from ..graph import Node
from .conditions import branch
from .context import Context
from .expand import apply, each, run
from .lookup import value_of
from .statics import StaticError, binary, negative, number
from .values import (
    POISON,
    MultiValue,
    Operand,
    Value,
    describe,
    has_node,
    has_poison,
    is_number,
    plain,
    shape_of_numbers,
    show,
)


def evaluate(cx: Context, expr: syntax.Expr) -> Value:
    """The value of an expression. Long sums go round a loop; what nests recurses, and is counted by the context."""
    chosen = branch(cx, expr)
    if chosen is None:
        return POISON
    expr = chosen
    match expr:
        case syntax.Path():
            return value_of(cx, expr)
        case syntax.Number() | syntax.Unary() | syntax.Binary():
            return _arithmetic(cx, expr)
        case syntax.Pipe():
            return run(cx, cx.operand(expr.source), expr.steps).value
        case syntax.Call():
            return apply(cx, expr.function, expr.arguments, (), expr.span)
        case syntax.List():
            return tuple([_item(cx, item) for item in expr.items])
        case syntax.Truth() | syntax.String():
            return expr.value
        case syntax.Each():
            return each(cx, expr)
        case syntax.Range():
            return cx.error(
                "E0318",
                "a range is only allowed after `in`",
                expr.span,
                help=["`[for i in a..b { i }]` makes a list of it"],
            )
    raise AssertionError(expr)


def _item(cx: Context, item: syntax.Expr) -> Value:
    value = cx.evaluate(item)
    return cx.unnamed(value, item.span) if isinstance(value, MultiValue) else value


def _arithmetic(cx: Context, expr: syntax.Number | syntax.Unary | syntax.Binary) -> Value:
    try:
        if isinstance(expr, syntax.Number):
            return number(expr.value, expr.unit)
        if isinstance(expr, syntax.Unary):
            return _negative(cx, expr)
    except StaticError as error:
        return cx.error(error.code, error.message, expr.span, help=error.help)
    spine: list[syntax.Binary] = []
    left: syntax.Expr = expr
    while isinstance(left, syntax.Binary):
        spine.append(left)
        left = left.left
    value = cx.evaluate(left)
    for one in reversed(spine):
        value = _operate(cx, one, Operand(value, one.left.span), cx.operand(one.right))
    return value


def _negative(cx: Context, expr: syntax.Unary) -> Value:
    operand = cx.operand(expr.operand)
    value = operand.value
    if has_poison(value):
        return POISON
    if isinstance(value, Node):
        return cx.node("neg", (operand,), expr.span)
    if isinstance(value, MultiValue):
        return cx.unnamed(value, operand.span)
    return negative(value)


def _operate(cx: Context, expr: syntax.Binary, left: Operand, right: Operand) -> Value:
    if has_poison(left.value) or has_poison(right.value):
        return POISON
    if isinstance(left.value, Node) or isinstance(right.value, Node):
        left, right = (_operand(cx, expr.operator, side) for side in (left, right))
        if expr.operator == "//":
            help = "`/` divides tensors, element by element"
            return cx.error("E0316", "`//` divides numbers known when the file is read", expr.span, help=[help])
        return cx.node(expr.operator, (left, right), expr.span)
    for side in (left, right):
        if isinstance(side.value, MultiValue):
            return cx.unnamed(side.value, side.span)
    try:
        return binary(expr.operator, left.value, right.value)
    except StaticError as error:
        named = [side for side in (left, right) if side.span.text.isidentifier() and is_number(side.value)]
        values = " and ".join([f"`{side.span.text}` is {show(side.value)}" for side in named])
        message = f"{error.message}: {values}" if values else error.message
        return cx.error(error.code, message, expr.span, help=error.help)


def _operand(cx: Context, operator: str, side: Operand) -> Operand:
    """What stands beside a tensor, checked: a plain number may, and a list of them, which becomes a constant."""
    if isinstance(side.value, Node):
        return side
    if isinstance(side.value, tuple) and shape_of_numbers(side.value) is not None:
        return Operand(cx.node("constant", (), side.span, attrs={"value": plain(side.value)}), side.span)
    if isinstance(side.value, MultiValue):
        return Operand(cx.unnamed(side.value, side.span), side.span)
    try:
        negative(side.value)
    except StaticError as error:
        message = (
            error.message
            if error.code == "E0313"
            else f"`{operator}` takes numbers, but this is {describe(side.value)}"
        )
        help = error.help
        if isinstance(side.value, tuple):
            help = ("`stack` or `concat` makes one tensor of a list of values",) if has_node(side.value) else ()
        return Operand(cx.error(error.code, message, side.span, help=help), side.span)
    return side
