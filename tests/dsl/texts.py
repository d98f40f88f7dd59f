"""What the tests of the parser share."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path

from dsl import syntax
from dsl.diagnostics import Diagnostic
from dsl.parse import parse, parse_expression
from dsl.source import Source, Span

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.net"))
GRAMMAR = Path(parse.__code__.co_filename).with_name("net.lark")


def findings(text: str) -> list[Diagnostic]:
    return parse(Source("t.net", text))[1]


def expression(text: str) -> syntax.Expr:
    made, found = parse_expression(Source("<set>", text))
    assert made is not None, found
    assert not found
    return made


def value_of(statement: str) -> syntax.Expr:
    """The value of a statement in a model."""
    file, found = parse(Source("t.net", f"model {{\n  {statement}\n}}\n"))
    assert not found, found
    model = file.statements[0]
    assert isinstance(model, syntax.Model)
    bind = model.body[0]
    assert isinstance(bind, syntax.Bind)
    return bind.value


def nodes(node: object) -> list[object]:
    """A node and all below it."""
    if isinstance(node, tuple):
        return [found for item in node for found in nodes(item)]
    if not is_dataclass(node) or isinstance(node, Span | Source):
        return []
    return [node, *(found for f in fields(node) for found in nodes(getattr(node, f.name)))]
