"""The names that a text defines, and where each of them is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from dsl import syntax
from dsl.records import dataclass
from dsl.source import Span

from .document import Document, below

Sort = Literal[
    "param", "let", "fn", "block", "import", "data", "input", "target", "output", "layer", "value", "argument"
]


@dataclass(frozen=True, slots=True)
class Definition:
    """A name, where it is written, the statement that defines it, and the part of the text where it is known."""

    name: str
    sort: Sort
    span: Span
    statement: Span
    scope: Span


_DECLARATIONS: dict[type, Sort] = {
    syntax.Param: "param",
    syntax.Let: "let",
    syntax.Fn: "fn",
    syntax.Block: "block",
    syntax.Input: "input",
    syntax.Target: "target",
    syntax.Output: "output",
    syntax.Layer: "layer",
}


def definitions(document: Document) -> list[Definition]:
    """All definitions, in the order of the text; the keys of `train` are none."""
    return sorted(_in(document.file), key=lambda found: found.span.start)


def lookup(document: Document, name: str, offset: int) -> Definition | None:
    """The definition that a name at some place means: of those known there the one in the smallest scope, and in it the
    last before the place, or else the first behind it."""
    known = [d for d in definitions(document) if d.name == name and d.scope.start <= offset <= d.scope.end]
    if not known:
        return None
    smallest = min(d.scope.end - d.scope.start for d in known)
    inner = [d for d in known if d.scope.end - d.scope.start == smallest]
    return next((d for d in reversed(inner) if d.span.start <= offset), inner[0])


def _in(file: syntax.File) -> Iterator[Definition]:
    for statement in file.statements:
        if isinstance(statement, syntax.Import):
            name = statement.alias
            yield Definition(name.text, "import", name.span, statement.span, file.span)
        elif isinstance(statement, syntax.Model):
            # Values of the model are known in `train` as well, and `data` gives rows for its inputs by name.
            yield from _body(statement.body, file.span)
        elif isinstance(statement, syntax.Data):
            for bind in statement.body:
                for name in bind.names:
                    if name.text != "split":
                        yield Definition(name.text, "data", name.span, bind.span, statement.span)
        elif not isinstance(statement, syntax.Train):
            yield _declared(statement, file.span)
            if isinstance(statement, syntax.Fn | syntax.Block):
                for formal in statement.formals:
                    yield Definition(formal.name.text, "argument", formal.name.span, formal.span, statement.span)
            if isinstance(statement, syntax.Block):
                for name in statement.inputs:
                    yield Definition(name.text, "argument", name.span, name.span, statement.span)
                yield from _body(statement.body, statement.span)


def _body(body: tuple[Any, ...], scope: Span) -> Iterator[Definition]:
    """What the statements of a model or block define: values, layers, and names given by `as` and by loops."""
    for statement in body:
        if isinstance(statement, syntax.Bind):
            for name in statement.names:
                yield Definition(name.text, "value", name.span, statement.span, scope)
        else:
            yield _declared(statement, scope)
        for node in below(statement):
            if isinstance(node, syntax.Stage) and node.alias is not None:
                yield Definition(node.alias.text, "value", node.alias.span, node.span, scope)
            elif isinstance(node, syntax.For | syntax.Each):
                for name in node.names:
                    yield Definition(name.text, "argument", name.span, node.span, node.span)


def _declared(statement: Any, scope: Span) -> Definition:
    name: syntax.Name = statement.name
    return Definition(name.text, _DECLARATIONS[type(statement)], name.span, statement.span, scope)
