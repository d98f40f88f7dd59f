"""The names that a text defines, and where each of them is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from dsl import syntax
from dsl.records import dataclass
from dsl.source import Span

from .tree import below

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


def defined(file: syntax.File) -> Iterator[Definition]:
    """All definitions of a file."""
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
