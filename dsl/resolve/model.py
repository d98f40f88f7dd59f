"""The section `model`: inputs and targets, then the statements in order, then what must hold of the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Literal

from .. import syntax
from ..diagnostics import DiagnosticError, Label
from ..graph import Data, Node, Type
from ..records import dataclass
from ..source import Span
from .context import Context
from .scopes import Entry
from .statements import bind, define_layer, give_label, named
from .types import Declared, Sizes, type_of, unknowns
from .values import POISON, MultiValue, Poison, Value, describe

Expected = Mapping[str, Literal["float", "class"]]
Measure = Callable[[Data, Expected, frozenset[str]], Mapping[str, Type]]
"""Gives the type of each data name as the data has it; told which of them are targets. May raise DiagnosticError."""


@dataclass(slots=True)
class Declarations:
    """What a model declares."""

    inputs: list[Node] = field(default_factory=list)
    targets: list[Node] = field(default_factory=list)
    outputs: dict[str, Node] = field(default_factory=dict)
    values: dict[str, Node] = field(default_factory=dict)
    output_spans: dict[str, Span] = field(default_factory=dict)


def measure_sizes(cx: Context, model: syntax.Model, data: Data | None, broken: bool, measure: Measure | None) -> Sizes:
    """Ask the data for its sizes, where a `?` needs them that the command line does not give."""
    declared = declarations(model)
    unknown_sizes = [
        size
        for declaration in declared
        for size in unknowns(declaration)
        if size.name is None or size.name.text not in cx.shared.overrides
    ]
    if not unknown_sizes or broken:
        return Sizes(broken=broken)
    if data is None or not data.entries or measure is None:
        # What would read the data may be one of a file's broken statements.
        return Sizes(broken=cx.unit.broken)
    try:
        targets = frozenset(one.name.text for one in declared if isinstance(one, syntax.Target))
        return Sizes(measure(data, expected_types(model), targets), asked=True)
    except DiagnosticError as error:
        # In a file with broken statements a name that the data or the model lacks is likely in one of them.
        diagnostics = [
            declaration for declaration in error.diagnostics if not (cx.unit.broken and declaration.code == "E0410")
        ]
        cx.shared.report.extend(diagnostics)
        return Sizes(broken=True)


def declarations(model: syntax.Model) -> list[Declared]:
    return [statement for statement in model.body if isinstance(statement, (syntax.Input, syntax.Target))]


def expected_types(model: syntax.Model) -> Expected:
    """Whether each input and target is to be read as floats or as classes."""
    return {
        declaration.name.text: "class" if isinstance(declaration.type, syntax.LabelType) else "float"
        for declaration in declarations(model)
    }


def resolve_model(cx: Context, model: syntax.Model, sizes: Sizes) -> Declarations:
    """Resolve the statements in order; values are made in the scope of `cx`."""
    declared = Declarations()
    for statement in model.body:
        for name in _names(statement):
            cx.scope.later.setdefault(name.text, name.span)
    for statement in model.body:
        match statement:
            case syntax.Input() | syntax.Target():
                _declare(cx, statement, sizes, declared)
            case syntax.Layer():
                define_layer(cx, statement)
            case syntax.Bind():
                for name, value in zip(statement.names, bind(cx, statement)):
                    _keep(declared, name, value)
            case syntax.Output():
                _output(cx, statement, declared)
    for entry in cx.scope.names.values():
        if isinstance(entry.value, Node):
            declared.values.setdefault(entry.name.text, entry.value)
    return declared


def _names(
    statement: syntax.Input | syntax.Target | syntax.Output | syntax.Layer | syntax.Bind,
) -> tuple[syntax.Name, ...]:
    return statement.names if isinstance(statement, syntax.Bind) else (statement.name,)


def _keep(declared: Declarations, name: syntax.Name, value: Value) -> None:
    if isinstance(value, Node):
        declared.values.setdefault(name.text, value)


def _declare(cx: Context, statement: Declared, sizes: Sizes, declared: Declarations) -> None:
    kind: Literal["input", "target"] = "input" if isinstance(statement, syntax.Input) else "target"
    name = statement.name
    type_ = type_of(cx, statement, sizes)
    value: Value = POISON
    if isinstance(type_, Type):
        value = cx.node(kind, (), statement.span, name=name.text, label=name.text, type=type_)
    cx.define(Entry(kind, name, value))
    if isinstance(value, Node):
        (declared.inputs if kind == "input" else declared.targets).append(value)
        _keep(declared, name, value)


def _output(cx: Context, statement: syntax.Output, declared: Declarations) -> None:
    name = statement.name
    start = len(cx.shared.nodes)
    value = named(cx, name, statement.value)
    if isinstance(value, MultiValue):
        value = cx.unnamed(value, statement.value.span)
    elif not isinstance(value, (Node, Poison)):
        help = [f"an output is made from an input: `output {name.text} = x -> dense(1)`"]
        message = f"an output is a tensor, but this is {describe(value)}"
        value = cx.error("E0316", message, statement.value.span, help=help)
    give_label(cx, name, value, start)
    entry = Entry("value", name, value)
    cx.define(entry)
    cx.use(entry)
    if isinstance(value, Node):
        declared.outputs.setdefault(name.text, value)
        cx.shared.outputs.append(name.text)
        declared.output_spans.setdefault(name.text, name.span)
        _keep(declared, name, value)


_WITHOUT = (
    "a prediction cannot use targets: compute it without `{}`, or remove the word `output` if the value is "
    "part of a loss"
)


def check_outputs(cx: Context, declared: Declarations) -> None:
    """An output may not depend on a target: `predict` has none."""
    if not declared.targets:
        return
    source: dict[int, Node] = {id(node): node for node in declared.targets}
    first: dict[int, Node] = {}  # the node that takes the target itself, on the way to each
    for node in cx.shared.nodes:
        if id(node) in source:
            continue
        for operand in (*node.inputs, *node.attrs.values()):
            if isinstance(operand, Node) and id(operand) in source:
                source[id(node)] = source[id(operand)]
                first[id(node)] = first.get(id(operand), node)
                break
    for name, node in declared.outputs.items():
        target = source.get(id(node))
        if target is not None:
            entry = first.get(id(node))
            spans = entry.input_spans if entry is not None and not entry.trace else ()
            entering = [Label(span, "used here") for span in spans if span.text == target.label]
            cx.error(
                "E0220",
                f"the output `{name}` depends on the target `{target.label}`",
                declared.output_spans[name],
                labels=[Label(target.span, "the target"), *entering],
                help=[_WITHOUT.format(target.label)],
            )


def check_inputs(cx: Context, model: syntax.Model) -> None:
    """Every input is used: one that is not would be asked for in vain."""
    for statement in model.body:
        if not isinstance(statement, (syntax.Input, syntax.Target)) or id(statement.name) in cx.shared.used:
            continue
        name = statement.name
        if isinstance(statement, syntax.Input):
            cx.error("E0221", f"the input `{name.text}` is never used", name.span, help=["use it, or remove it"])


def warn_no_output(cx: Context, declared: Declarations, model: syntax.Model) -> None:
    """A model without outputs trains, and has nothing to predict: the word is easily forgotten."""
    if declared.outputs:
        return
    last = next((s for s in reversed(model.body) if isinstance(s, syntax.Bind) and len(s.names) == 1), None)
    span = Span(model.span.source, model.span.start, model.span.start + len("model"))
    help = [f"the word `output` says what it predicts: `output {last.names[0].text if last else 'p'} = ...`"]
    labels = [Label(last.names[0].span, "the last value")] if last else []
    cx.warn("W0204", "this model has no output", span, labels=labels, help=help)
