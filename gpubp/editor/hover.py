"""What is known of the word at a place: its documentation, its definition, its shape."""

from __future__ import annotations

from typing import Any

from dsl import syntax
from dsl.catalog import Signature
from dsl.graph import Node, Type
from dsl.records import dataclass
from dsl.resolve.signatures import option_text
from dsl.source import Span

from ..frontend import current_catalog
from ..frontend.words import taken, written
from ..wording import counted
from .describe import about, key
from .document import Document
from .files import Files
from .meaning import behind_import, meaning, option_at, signature_at
from .tree import around

MAX_SHAPES = 4
"""Of a stage in a block that is used many times so many different shapes are shown."""


@dataclass(frozen=True, slots=True)
class Hover:
    """Markdown about the text of a span."""

    span: Span
    markdown: str


def hover(document: Document, offset: int, files: Files | None = None) -> Hover | None:
    """What is known of the word at an offset, None where it is no name."""
    chain = around(document.file, offset)
    if not chain or not isinstance(chain[-1], syntax.Name):
        return None
    text = _about(document, chain, files or Files([document]))
    return Hover(chain[-1].span, text) if text else None


def _about(document: Document, chain: list[Any], files: Files) -> str:
    catalog, name, parent = current_catalog(), chain[-1], chain[-2]
    user = chain[max(len(chain) - 3, 0)]
    called = isinstance(user, syntax.Stage | syntax.Call) and parent is user.function
    other = behind_import(document, chain, files)
    found = other[1] if other is not None else meaning(document, catalog, chain)
    if found is not None:
        shown = _made(document, user.span) if called else _shape(document, found.name)
        return "\n\n".join([*shown, _code(found.statement.text)])
    if isinstance(parent, syntax.Bind):
        option = catalog.train.get(name.text)
        return key(option) if option else ""
    if isinstance(parent, syntax.Argument):
        entry = signature_at(catalog, chain[:-2])
        option = next((o for o in entry.options if o.name == name.text), None) if entry else None
        return f"`{option_text(option)}`: {taken(option)}" if option else ""
    if called:
        entry = signature_at(catalog, chain[:-2])
        return "\n\n".join([*_made(document, user.span), _entry(entry)]) if entry else ""
    option = option_at(catalog, chain[:-2])
    entry = catalog.find(option.part, name.text) if option and option.part else None
    return _entry(entry) if entry else ""


def _made(document: Document, span: Span) -> list[str]:
    """What comes out of a stage, and its number of weights: inside of a block, for all uses of the block."""
    net, nodes = document.net, document.made_at.get((span.start, span.end), [])
    if net is None:
        return []
    last: dict[object, Node] = {}
    for node in nodes:
        way = [*(frame.span for frame in node.trace), node.span]
        depth = way.index(span)
        last[node if depth == len(node.trace) else tuple((one.start, one.end) for one in way[:depth])] = node
    shapes = list(dict.fromkeys(str(Type(net.shapes[node])) for node in last.values() if node in net.shapes))
    if not shapes:
        return []
    shown = " or ".join(f"`{shape}`" for shape in shapes[:MAX_SHAPES]) + (" ..." if len(shapes) > MAX_SHAPES else "")
    weights = document.weights(nodes)
    return [f"gives {shown}" + (f"; {counted(weights, 'parameter')}" if weights else "")]


def _shape(document: Document, name: str) -> list[str]:
    net = document.net
    node = net.graph.values.get(name) if net is not None else None
    if net is None or node is None or node not in net.shapes:
        return []
    return [f"`{name}`: `{node.type if node.type is not None else Type(net.shapes[node])}` for one example"]


def _entry(entry: Signature) -> str:
    return f"{_code(written(entry))}\n{about(entry)}"


def _code(text: str) -> str:
    return f"```gpubp\n{text}\n```"
