"""Shape provenance: labels for error messages, on the code that caused each change of a shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, Protocol

from dsl import syntax
from dsl.diagnostics import Label
from dsl.graph import Frame, LayerGraph, Node, Type
from dsl.parse import parse
from dsl.records import dataclass
from dsl.source import Source, Span

from ..ir import Var

Definition = syntax.Block | syntax.Fn | syntax.Model | syntax.Train

MOST = 3
"""Maximum number of labels for one ill-shaped value; with several values, one less for each."""


class Trace(Protocol):
    """What error messages need to know of a traced graph."""

    @property
    def graph(self) -> LayerGraph:
        """The whole graph."""

    @property
    def values(self) -> Mapping[Node, Any]:
        """The values of the traced nodes."""

    def classes(self, labels: Var) -> int | None:
        """The number of classes of labels; None for any other value."""

    def fits(self, nodes: Sequence[Node]) -> bool:
        """Whether other nodes, in topological order, trace without an error."""


def type_text(cx: Trace, value: Var) -> str:
    """The type of one example, in the language's syntax."""
    return str(Type(value.shape[1:], cx.classes(value)))


def causes(node: Node, cx: Trace) -> tuple[Label, ...]:
    """Labels for every input of `node`, whose shapes do not match: where each shape came from."""
    operands = [i for i, source in enumerate(node.inputs) if isinstance(cx.values.get(source), Var)]
    most = MOST if len(set(operands)) == 1 else MOST - 1
    return distinct(label for i in operands for label in _operand(node, i, cx, most))


def history(node: Node, cx: Trace) -> tuple[Label, ...]:
    """Labels for a value whose own shape is wrong."""
    return distinct(_changes(node, node.trace, cx, MOST, node.span)) if isinstance(cx.values[node], Var) else ()


def distinct(labels: Iterable[Label]) -> tuple[Label, ...]:
    """The labels, at most one per place."""
    return tuple({label.span: label for label in reversed(list(labels))}.values())[::-1]


def _operand(node: Node, i: int, cx: Trace, most: int) -> list[Label]:
    """Labels for one input: its binding, if that only forwards a value; else what changed the shape."""
    source, text = node.inputs[i], type_text(cx, cx.values[node.inputs[i]])
    written = node.input_spans[i] if i < len(node.input_spans) else node.span
    origin = binding(written)
    if isinstance(origin, syntax.Name):
        outside = _changes(source, node.trace, cx, 1, node.span)
        return [Label(origin.span, f"comes in as {text}"), *outside]
    if origin is not None and not _within(place_of(source, node.trace), origin.span):
        return [Label(_tail(origin, written.text), f"still {text}")]
    labels = _changes(source, node.trace, cx, most, node.span)
    return labels or ([Label(written, text)] if written != node.span else [])


@dataclass(slots=True)
class _Change:
    span: Span
    before: list[str]
    after: str

    @property
    def label(self) -> Label:
        before = " and ".join(self.before) if len(self.before) < 4 else f"{len(self.before)} values"
        return Label(self.span, f"{before} {'becomes' if len(self.before) == 1 else 'become'} {self.after}")


def _changes(node: Node, home: tuple[Frame, ...], cx: Trace, most: int, besides: Span) -> list[Label]:
    """Walk back from `node` and report the last `most` places where the shape changed, nearest first; if it never did,
    where the input is declared. Places outside `home` are only reported if there is none inside."""
    body = _body(home)
    found: list[_Change] = []
    at: Node | None = node
    while at is not None:
        if found and at.trace[: len(body)] != body:
            break
        if at.type is not None:
            if not found:
                return [Label(at.span, f"{at.type}, declared here")]
            break
        shape = cx.values[at].shape[1:]
        sources = [s for s in at.inputs if isinstance(cx.values.get(s), Var)]
        same = next((s for s in sources if cx.values[s].shape[1:] == shape), None)
        if same is None and sources:
            before = [type_text(cx, cx.values[s]) for s in sources]
            span = place_of(at, home)
            if found and found[-1].span == span:
                found[-1].before = before
            elif len(found) == most:
                break
            elif all(change.span != span for change in found):
                found.append(_Change(span, before, type_text(cx, cx.values[at])))
            if len(sources) == 1:
                same = sources[0]
        at = same
    return [change.label for change in found if change.before != [change.after] and change.span != besides]


def place_of(node: Node, home: tuple[Frame, ...]) -> Span:
    """A node's code as seen from an expansion: the call of the block that produced it, if that is a different one."""
    common = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(node.trace, home, strict=False))))
    calls = [frame for frame in node.trace[common:] if not is_loop(frame)]
    return calls[0].span if calls else node.span


def is_loop(frame: Frame) -> bool:
    """Whether the frame is an iteration of `repeat` or `for`: its stages are in the same body."""
    return frame.what.startswith(("repeat ", "for "))


def _body(trace: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """The trace up to the innermost block or fn."""
    while trace and is_loop(trace[-1]):
        trace = trace[:-1]
    return trace


def _within(inner: Span, outer: Span) -> bool:
    return inner.source == outer.source and outer.start <= inner.start and inner.end <= outer.end


# Name resolution -----------------------------------------------------------------------------------------------------


def enclosing(span: Span) -> Definition | None:
    """The block, fn, model or train section that contains a place."""
    for statement in _statements(span.source):
        if isinstance(statement, Definition) and _within(span, statement.span):
            return statement
    return None


def binding(span: Span) -> syntax.Name | syntax.Expr | None:
    """The definition of the name at `span`: the name of a formal or input, or the expression of a statement; None if it
    is not a local name."""
    definition = enclosing(span)
    name = span.text
    if isinstance(definition, syntax.Fn | syntax.Block):
        inputs = definition.inputs if isinstance(definition, syntax.Block) else ()
        for formal in (*inputs, *(formal.name for formal in definition.formals)):
            if formal.text == name:
                return formal
    if isinstance(definition, syntax.Train):
        definition = next((s for s in _statements(span.source) if isinstance(s, syntax.Model)), None)
    if isinstance(definition, syntax.Block | syntax.Model):
        for statement in definition.body:
            if isinstance(statement, syntax.Bind | syntax.Output):
                names = statement.names if isinstance(statement, syntax.Bind) else (statement.name,)
                if any(one.text == name for one in names):
                    return statement.value
    return None


def _tail(value: syntax.Expr, name: str) -> Span:
    """The part of a statement's expression that only forwards a value: the branch that is a plain name."""
    if isinstance(value, syntax.If):
        plain = [branch for branch in (value.then, value.otherwise) if isinstance(branch, syntax.Path)]
        return plain[0].span if len(plain) == 1 else value.span
    return value.span


def _statements(source: Source) -> tuple[syntax.Statement, ...]:
    if source not in _parsed:
        _parsed.clear()  # callers ask about one file at a time
        _parsed[source] = parse(source)[0].statements
    return _parsed[source]


_parsed: dict[Source, tuple[syntax.Statement, ...]] = {}
