"""Uses of blocks and fns: their formals bound in a scope of its own, their bodies resolved there."""

from __future__ import annotations

from collections.abc import Sequence

from .. import syntax
from ..graph import Frame, Node
from ..limits import MAX_LEVELS
from ..source import Span
from .apply import completed, inputs_of, no_value
from .arguments import Matched, match, report_missing
from .context import Context
from .forms import Form
from .naming import StageNames
from .scopes import BlockDef, Entry, FnDef, Scope, Unit
from .statements import bind, define_layer
from .values import POISON, MultiValue, Operand, Poison, Value, describe, has_node, has_poison, show

WEIGHTLESS = "a fn is a formula without weights"


def enter(cx: Context, what: str, function: syntax.Path, span: Span) -> tuple[Frame, ...]:
    """Count an expansion; the trace inside it."""
    cx.count_call(span)
    if cx.level >= MAX_LEVELS:
        example = f"if n > 0 then x -> ... -> {function.text}(n - 1) else x"
        help = f"an `if` on a number that changes with each use must end it: `{example}`"
        cx.stop(function.span, f"`{function.text}` is expanded {MAX_LEVELS} levels deep, and does not end", help)
    return (*cx.trace, Frame(what, span))


def _formals(
    inner: Context,
    definition: syntax.Block | syntax.Fn,
    cx: Context,
    matched: Matched,
    tensors: bool,
) -> list[str]:
    """Bind the formals in the inner scope; the text of those that are static, for the trace."""
    bindings: list[str] = []
    for formal in definition.formals:
        argument = matched.options.get(formal.name.text)
        if argument is None:
            value = POISON if formal.default is None else inner.static(formal.default)
        elif argument.expr is None:
            value = argument.value.value if argument.value else POISON
        else:
            value = cx.evaluate(argument.expr) if tensors else cx.static(argument.expr)
        if argument is not None and isinstance(value, MultiValue):
            value = cx.unnamed(value, argument.span)
        if not tensors and argument is not None and has_node(value):
            message = f"`{formal.name.text}` is evaluated when the file is loaded, but this is {describe(value)}"
            value = cx.error("E0316", message, argument.span)
        inner.scope.names[formal.name.text] = Entry("formal", formal.name, value)
        if not has_node(value) and not has_poison(value):
            bindings.append(f"{formal.name.text} = {show(value)}")
    return bindings


def _form(cx: Context, definition: syntax.Block | syntax.Fn, name: str) -> Form:
    form = cx.shared.forms.get((id(definition), name))
    if form is None:
        inputs = tuple([input_.text for input_ in definition.inputs]) if isinstance(definition, syntax.Block) else ()
        formals = definition.formals
        names = tuple([formal.name.text for formal in formals])
        required = frozenset([formal.name.text for formal in formals if formal.default is None])
        note = f"{name}({', '.join([formal.span.text for formal in formals])})"
        note += f" on {', '.join(inputs)}" if inputs else ""
        form = cx.shared.forms[id(definition), name] = Form(name, inputs, names, names, required, note=note)
    return form


def _inner(cx: Context, unit: Unit, place: str, level: int) -> Context:
    scope = Scope(unit.scope, closed=True)
    return Context(
        cx.shared, unit, scope, place + ".", StageNames(place, scope.names), cx.trace, level, cx.parts, cx.weightless
    )


def expand_block(
    cx: Context,
    block: BlockDef,
    function: syntax.Path,
    arguments: Sequence[syntax.Argument],
    piped: Sequence[Operand],
    span: Span,
    name: str | None,
) -> Value:
    definition = block.syntax
    form = _form(cx, definition, function.text)
    matched = match(cx, form, piped, arguments)
    inputs = inputs_of(cx, matched)
    if not matched.valid or not _block_inputs(cx, form, function, inputs):
        return POISON
    if matched.missing:
        report_missing(cx, form, matched.missing, function.span)
        return POISON
    block.called = True
    inner = _inner(cx, block.unit, name or cx.place.fresh(function.text), cx.level + 1)
    bindings = _formals(inner, definition, cx, matched, tensors=False)
    for input_name, value in zip(definition.inputs, inputs):
        inner.scope.names[input_name.text] = Entry("value", input_name, value.value)
    inner.trace = enter(cx, f"{function.text}({', '.join(bindings)})", function, span)
    return _body(inner, definition)


def _body(inner: Context, definition: syntax.Block) -> Value:
    """Resolve a block's statements; what it gives is one node, or several that need names."""
    name = definition.name.text
    inner.scope.later = {defined.text: defined.span for defined in _defined_names(definition)}
    for statement in definition.body:
        if isinstance(statement, syntax.Layer):
            define_layer(inner, statement)
        else:
            bind(inner, statement)
    nodes: list[Node] = []
    for expr in definition.returns:
        value = inner.evaluate(expr)
        if isinstance(value, MultiValue):
            if len(definition.returns) == 1:
                return MultiValue(value.nodes, name)
            value = inner.unnamed(value, expr.span)
        if isinstance(value, Node):
            nodes.append(value)
        elif not has_poison(value):
            inner.error("E0316", f"a block returns tensors, but this is {describe(value)}", expr.span)
    if not nodes or len(nodes) < len(definition.returns):
        return POISON
    return nodes[0] if len(nodes) == 1 else MultiValue(tuple(nodes), name)


def _defined_names(definition: syntax.Block) -> list[syntax.Name]:
    return [
        name
        for statement in definition.body
        for name in ((statement.name,) if isinstance(statement, syntax.Layer) else statement.names)
    ]


def _block_inputs(cx: Context, form: Form, function: syntax.Path, inputs: Sequence[Operand]) -> bool:
    needed = len(form.inputs)
    if not any(has_node(operand.value) or has_poison(operand.value) for operand in inputs):
        no_value(cx, function, inputs, form)
        return False
    for operand in inputs:
        if isinstance(operand.value, MultiValue):
            cx.unnamed(operand.value, operand.span)
            return False
        if not isinstance(operand.value, (Node, Poison)):
            names = ", ".join(form.inputs)
            message = f"`{form.name}` takes {names}, but this is {describe(operand.value)}"
            cx.error("E0316", message, operand.span, notes=form.notes)
            return False
    if len(inputs) < needed:
        names = ", ".join(form.inputs)
        message = f"`{form.name}` takes {needed} values ({names}), but got {len(inputs)}"
        cx.error("E0205", message, function.span, notes=form.notes, help=[f"`{completed(cx, form, inputs)}`"])
        return False
    return True


def expand_fn(
    cx: Context,
    fn: FnDef,
    function: syntax.Path,
    arguments: Sequence[syntax.Argument],
    piped: Sequence[Operand],
    span: Span,
    name: str | None,
) -> Value:
    form = _form(cx, fn.syntax, function.text)
    matched = match(cx, form, piped, arguments)
    if matched.valid and matched.missing:
        report_missing(cx, form, matched.missing, function.span)
    if not matched.valid or matched.missing:
        return POISON
    fn.called = True
    inner = _inner(cx, fn.unit, name or cx.place.fresh(function.text), cx.level + 1)
    inner.options = cx.options
    bindings = _formals(inner, fn.syntax, cx, matched, tensors=not cx.options)
    inner.trace = enter(cx, f"{function.text}({', '.join(bindings)})", function, span)
    inner.weightless = cx.weightless or WEIGHTLESS
    return inner.evaluate(fn.syntax.value)


def check_body(cx: Context, thing: BlockDef | FnDef) -> None:
    """Resolve a body that nothing calls, with poison for what a call would bring: its own mistakes are reported."""
    definition = thing.syntax
    inner = _inner(cx, thing.unit, definition.name.text, cx.level + 1)
    _formals(inner, definition, cx, Matched((), {}, True, ()), tensors=True)
    if isinstance(definition, syntax.Fn):
        inner.weightless = WEIGHTLESS
        inner.evaluate(definition.value)
    else:
        for name in definition.inputs:
            inner.scope.names[name.text] = Entry("value", name, POISON)
        _body(inner, definition)
