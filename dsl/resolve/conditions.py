"""`if a then b else c`: the branch that is taken when the file is loaded."""

from __future__ import annotations

from .. import syntax
from ..graph import Node
from ..source import Span
from .context import Context
from .usage import skip
from .values import Value, describe, has_poison


def branch(cx: Context, expr: syntax.Expr) -> syntax.Expr | None:
    """The expression itself, or the branch of it that is taken; None where a condition cannot tell."""
    while isinstance(expr, syntax.If):
        condition = cx.evaluate(expr.condition)
        if not isinstance(condition, bool):
            _undecided(cx, expr, condition)
            return None
        chosen, left = (expr.then, expr.otherwise) if condition else (expr.otherwise, expr.then)
        skip(cx, left)
        expr = chosen
    return expr


def _undecided(cx: Context, expr: syntax.If, condition: Value) -> None:
    if has_poison(condition):
        return
    if isinstance(condition, Node):
        name = _tensor_in(expr.condition, cx)
        short = f"where({expr.condition.span.text}, {expr.then.span.text}, {expr.otherwise.span.text})"
        cx.error(
            "E0315",
            f"`if` is evaluated when the file is loaded, but `{name.text}` is a tensor",
            name,
            help=[
                f"`{short}` chooses per element" if len(short) <= 60 else "`where(condition, a, b)` chooses per element"
            ],
        )
        return
    cx.error(
        "E0315",
        f"`if` needs a boolean, but this is {describe(condition)}",
        expr.condition.span,
        help=["compare it, as in `if n > 0 then ...`"],
    )


def _tensor_in(expr: syntax.Expr, cx: Context) -> Span:
    """The first name in the condition that is a tensor, or the whole of it."""
    pending: list[syntax.Expr] = [expr]
    while pending:
        one = pending.pop()
        if isinstance(one, syntax.Binary):
            pending += [one.right, one.left]
        elif isinstance(one, syntax.Unary):
            pending.append(one.operand)
        elif isinstance(one, syntax.Path):
            entry = cx.scope.find(one.parts[0].text)
            if entry is not None and isinstance(entry.value, Node):
                return one.span
    return expr.span
