"""Expansion: what stands in a function's place is looked up and used; pipes with their loops; uses of layers."""

from __future__ import annotations

from collections.abc import Sequence

from .. import syntax
from ..catalog import Signature
from ..graph import Frame
from ..source import Span
from ..wording import quoted
from .apply import apply_signature, inputs_of, no_value
from .arguments import match
from .blocks import enter, expand_block, expand_fn
from .context import Context
from .forms import Form
from .lookup import function_of
from .loops import items_of, whole_count
from .naming import StageNames
from .scopes import BlockDef, Entry, LayerDef, Scope
from .statements import give_label
from .values import POISON, MultiValue, Operand, Poison, Value, has_node, has_poison

IN_LOOP = "a loop makes its stages more than once, so a stage in it has no name of its own"
IN_LAYER = "a layer is used more than once, so a stage in it has no name of its own"


def apply(
    cx: Context,
    function: syntax.Path,
    arguments: Sequence[syntax.Argument],
    piped: Sequence[Operand],
    span: Span,
    name: str | None = None,
) -> Value:
    """The value of `given -> function(arguments)`. `name`: the node's name where the text gives one (`as`, a layer)."""
    target = function_of(cx, function)
    if isinstance(target, Poison):
        return POISON
    if cx.parts[0] == "metric":
        cx = cx.derive(parts=("function", "loss"))  # a metric's arguments are no metrics
    if isinstance(target, Signature):
        return apply_signature(cx, target, function, arguments, piped, span, name)
    if isinstance(target, LayerDef):
        return _use_layer(cx, target, function, arguments, piped, span)
    if isinstance(target, BlockDef):
        return expand_block(cx, target, function, arguments, piped, span, name)
    return expand_fn(cx, target, function, arguments, piped, span, name)


# Pipes


def run(cx: Context, value: Operand, steps: Sequence[syntax.Step]) -> Operand:
    """The value after all steps; its span is the last step's."""
    for step in steps:
        if isinstance(step, syntax.Stage):
            value = Operand(_stage(cx, step, [value]), step.span)
        elif isinstance(step, syntax.Repeat):
            value = Operand(_repeat(cx, step, value), step.span)
        else:
            value = Operand(_for(cx, step, value), step.span)
    return value


def _stage(cx: Context, stage: syntax.Stage, piped: Sequence[Operand], name: str | None = None) -> Value:
    alias = stage.alias
    if alias is not None and cx.no_alias:
        loop = cx.no_alias == IN_LOOP
        help = "what accumulates is the value that flows" if loop else "compute the value in `model`, and name it there"
        cx.error("E0217", f"`as` is not allowed here: {cx.no_alias}", alias.span, help=[help])
        alias = None
    if alias is not None:
        name = cx.base + alias.text
    start = len(cx.shared.nodes)
    value = apply(cx, stage.function, stage.arguments or (), piped, stage.span, name)
    if alias is not None:
        if isinstance(value, MultiValue):
            value = cx.unnamed(value, stage.span)
        give_label(cx, alias, value, start)
        cx.define(Entry("value", alias, value))
    return value


def _iteration(cx: Context, scope: Scope, what: str, span: Span) -> Context:
    cx.count_call(span)
    return cx.derive(scope=scope, trace=(*cx.trace, Frame(what, span)), no_alias=IN_LOOP)


def _repeat(cx: Context, step: syntax.Repeat, value: Operand) -> Value:
    count = whole_count(cx, step.count)
    if count is None:
        return POISON
    for i in range(1, count + 1):
        iteration = _iteration(cx, cx.scope, f"repeat {count}, turn {i}", step.span)
        value = run(iteration, value, step.body)
        if value.value is POISON:
            return POISON
    return value.value


def _for(cx: Context, step: syntax.For, value: Operand) -> Value:
    items = items_of(cx, step.names, step.domain)
    if items is None:
        return POISON
    for scope, what in items:
        value = run(_iteration(cx, scope, what, step.span), value, step.body)
        if value.value is POISON:
            return POISON
    return value.value


def each(cx: Context, expr: syntax.Each) -> Value:
    """`[for i in 1..n { ... }]`: a list."""
    items = items_of(cx, expr.names, expr.domain)
    if items is None:
        return POISON
    values: list[Value] = []
    for scope, what in items:
        value = _iteration(cx, scope, what, expr.span).evaluate(expr.body)
        if isinstance(value, MultiValue):
            value = cx.unnamed(value, expr.body.span)
        if value is POISON:
            return POISON
        values.append(value)
    return tuple(values)


# Layers


def _use_layer(
    cx: Context,
    layer: LayerDef,
    function: syntax.Path,
    arguments: Sequence[syntax.Argument],
    piped: Sequence[Operand],
    span: Span,
) -> Value:
    count = len(piped) + len(arguments)
    names = tuple([f"value {i + 1}" for i in range(count)])
    matched = match(cx, Form(function.text, names, (), (), frozenset()), piped, arguments)
    inputs = inputs_of(cx, matched)
    if not matched.valid:
        return POISON
    if not any(has_node(one.value) or has_poison(one.value) for one in inputs):
        return no_value(cx, function, inputs)
    inner = cx.derive(
        unit=layer.unit,
        scope=layer.scope,
        options=False,
        trace=enter(cx, function.text, function, span),
        level=cx.level + 1,
        base=layer.place + ".",
        place=StageNames(layer.place),
        no_alias=IN_LAYER,
        weightless=cx.weightless and "`train` cannot create weights" if layer.names is None else "",
    )
    start = len(cx.shared.nodes)
    steps = layer.syntax.steps
    first = steps[0]
    if isinstance(first, syntax.Stage):
        value = _stage(inner, first, inputs, layer.place if len(steps) == 1 else None)
        value = run(inner, Operand(value, first.span), steps[1:]).value
    elif len(inputs) == 1:
        value = run(inner, inputs[0], steps).value
    else:
        joined = ", ".join([quoted(one.span.text, 30) for one in inputs])
        help = [f"make them one: `concat({joined}) -> {function.text}`"]
        return cx.error("E0206", f"`{function.text}` takes one value", span, help=help)
    if layer.names is None:
        made = cx.shared.nodes[start:] if value is not POISON else ()
        layer.names = frozenset([node.name for node in made])
    return value
