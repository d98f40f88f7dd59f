"""Statements that define values and layers, in a model or a block."""

from __future__ import annotations

from .. import syntax
from ..graph import Node, Word
from ..wording import quoted
from .context import Context
from .naming import StageNames
from .scopes import Entry, LayerDef
from .values import POISON, MultiValue, Value, describe


def bind(cx: Context, statement: syntax.Bind) -> tuple[Value, ...]:
    """`a = ...`, `a, b = ...`: evaluate, check the number of values, define the names."""
    names = statement.names
    start = len(cx.shared.nodes)
    value = named(cx, names[0], statement.value)
    values: tuple[Value, ...]
    if len(names) == 1:
        values = (_one(cx, names[0], value, statement.value),)
    elif isinstance(value, MultiValue):
        values = value.nodes
        if len(values) != len(names):
            message = f"`{value.block}` returns {len(values)} values, but there are {len(names)} names"
            fitting = [name.text for name in names[: len(values)]] + [*"bcdefgh"][: max(0, len(values) - len(names))]
            help = [f"`{', '.join(fitting)} = {quoted(statement.value.span.text)}`"]
            cx.error("E0218", message, names[0].span.to(names[-1].span), help=help)
            values = (POISON,) * len(names)
    else:
        if value is not POISON:
            message = f"there are {len(names)} names, but this is {describe(value)}"
            cx.error(
                "E0218", message, statement.value.span, help=["a block that returns several values fills several names"]
            )
        values = (POISON,) * len(names)
    for name, each in zip(names, values):
        give_label(cx, name, each, start)
        cx.define(Entry("value", name, each))
    return values


def named(cx: Context, name: syntax.Name, expr: syntax.Expr) -> Value:
    """The value of an expression whose stages are named after `name`."""
    return cx.derive(place=StageNames(cx.base + name.text)).evaluate(expr)


def give_label(cx: Context, name: syntax.Name, value: Value, start: int) -> None:
    """Label a node with the name of the statement that created it: only a node from `start` on, not an existing
    value."""
    if isinstance(value, Node) and cx.shared.order[id(value)] >= start:
        object.__setattr__(value, "label", name.text)  # nobody else has seen the node yet


def _one(cx: Context, name: syntax.Name, value: Value, expr: syntax.Expr) -> Value:
    if isinstance(value, MultiValue):
        names = ", ".join([name.text, *"bcdefgh"[: len(value.nodes) - 1]])
        return cx.error(
            "E0218",
            f"`{value.block}` returns {len(value.nodes)} values, but there is one name",
            name.span,
            help=[f"`{names} = {quoted(expr.span.text)}`"],
        )
    if isinstance(value, Word):
        if cx.shared.catalog.find("function", value.name) is not None:
            help = [f"`x -> {expr.span.text}`; for shared weights `layer {name.text} = {expr.span.text}`"]
            return cx.error("E0210", f"`{value.name}` has no input value", expr.span, help=help)
        return cx.error(
            "E0201",
            f"there is no value `{value.name}`",
            expr.span,
            help=[f"`{value.name}` is a word, which only options take"],
        )
    return value


def define_layer(cx: Context, statement: syntax.Layer) -> None:
    """`layer f = ...`: defined here, expanded at each use."""
    definition = LayerDef(statement, cx.unit, cx.scope, cx.base + statement.name.text)
    cx.define(Entry("layer", statement.name, definition=definition))
