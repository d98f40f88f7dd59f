"""The outline of a text, the places of its definitions, and the shapes of its values."""

from __future__ import annotations

from dsl import syntax
from dsl.graph import Type
from dsl.records import dataclass
from dsl.source import Span

from ..frontend import current_catalog
from ..wording import counted
from .document import Document
from .files import Files
from .meaning import behind_import, meaning
from .names import Definition
from .tree import around


@dataclass(frozen=True, slots=True)
class Symbol:
    """An entry of the outline: a section, or a name that it defines."""

    name: str
    sort: str
    span: Span
    statement: Span
    inner: tuple[Symbol, ...] = ()


@dataclass(frozen=True, slots=True)
class Hint:
    """A text that an editor shows at an offset as if it stood there."""

    offset: int
    text: str


def outline(document: Document) -> list[Symbol]:
    """Sections and declarations, and what they define."""
    known = document.definitions
    found: list[Symbol] = []
    for statement in document.file.statements:
        inside = [d for d in known if _within(d.span, statement.span) and d.sort != "argument"]
        if isinstance(statement, syntax.Data | syntax.Model | syntax.Train):
            word = type(statement).__name__.lower()
            head = Span(statement.span.source, statement.span.start, statement.span.start + len(word))
            if isinstance(statement, syntax.Train):
                inner = [
                    Symbol(name.text, "key", name.span, bind.span) for bind in statement.body for name in bind.names
                ]
            else:
                inner = list(map(_symbol, inside))
            found.append(Symbol(word, "section", head, statement.span, tuple(inner)))
        elif inside:
            own, *rest = sorted(inside, key=lambda d: d.statement.start)
            found.append(Symbol(own.name, own.sort, own.span, statement.span, tuple(map(_symbol, rest))))
    return found


def definition(document: Document, offset: int, files: Files | None = None) -> Span | None:
    """Where the name at an offset is defined, in this text or in a file that it imports, None for words of the
    catalogue."""
    chain = around(document.file, offset)
    if not chain or not isinstance(chain[-1], syntax.Name):
        return None
    other = behind_import(document, chain, files or Files([document]))
    found = other[1] if other is not None else meaning(document, current_catalog(), chain)
    return found.span if found is not None else None


def hints(document: Document, start: int, end: int) -> list[Hint]:
    """Behind each value of the model that begins between two offsets its shape for one example and its weights."""
    net = document.net
    if net is None:
        return []
    found: list[Hint] = []
    for statement in document.file.statements:
        for bind in statement.body if isinstance(statement, syntax.Model) else ():
            if not (isinstance(bind, syntax.Bind | syntax.Output) and start <= bind.span.start <= end):
                continue
            names = bind.names if isinstance(bind, syntax.Bind) else (bind.name,)
            nodes = [net.graph.values.get(name.text) for name in names]
            shapes = [str(Type(net.shapes[node])) for node in nodes if node is not None and node in net.shapes]
            if len(shapes) == len(names):
                made = [node for node in net.graph.nodes if any(_within(s, bind.span) for s in _spans(node))]
                weights = document.weights(made)
                found.append(
                    Hint(bind.span.end, ", ".join(shapes) + (f"; {counted(weights, 'parameter')}" if weights else ""))
                )
    return found


def _spans(node: object) -> list[Span]:
    return [node.span, *(frame.span for frame in node.trace)]  # type: ignore[attr-defined]


def _within(inner: Span, outer: Span) -> bool:
    return inner.source.name == outer.source.name and outer.start <= inner.start and inner.end <= outer.end


def _symbol(found: Definition) -> Symbol:
    return Symbol(found.name, found.sort, found.span, found.statement)
