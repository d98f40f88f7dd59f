"""What is known of the word at a place: its documentation, its definition, its shape."""

from __future__ import annotations

from typing import Any

from dsl import syntax
from dsl.catalog import Catalog, Option, Part, Signature
from dsl.graph import Node, Type
from dsl.records import dataclass
from dsl.source import Span

from ..frontend import current_catalog
from ..frontend.words import taken
from .cursor import find_signature
from .describe import about, key, signature
from .document import Document
from .names import lookup

MOST_SHAPES = 4
"""Of a stage in a block that is used many times so many different shapes are shown."""


@dataclass(frozen=True, slots=True)
class Hover:
    """Markdown about the text of a span."""

    span: Span
    markdown: str


def hover(document: Document, offset: int) -> Hover | None:
    """What is known of the word at an offset, None where it is no name."""
    chain = document.around(offset)
    if not chain or not isinstance(chain[-1], syntax.Name):
        return None
    name, parent = chain[-1], chain[-2]
    text = _about(document, name, parent, chain[:-1])
    return Hover(name.span, text) if text else None


def _about(document: Document, name: syntax.Name, parent: Any, above: list[Any]) -> str:
    catalog = current_catalog()
    section = next((type(node) for node in above if isinstance(node, syntax.Data | syntax.Train)), None)
    if isinstance(parent, syntax.Bind) and section is syntax.Train:
        option = catalog.train.get(name.text)
        return key(option) if option else ""
    if isinstance(parent, syntax.Argument):
        option = _option(catalog, above, name.text)
        return f"`{name.text}`: {taken(option)}" if option else ""
    if isinstance(parent, syntax.Path) and len(above) > 1:
        user = above[-2]
        if isinstance(user, syntax.Stage | syntax.Call) and parent is user.function:
            return _function(document, catalog, name, user, above[:-1])
    found = lookup(document, name.text, name.span.start)
    if found is not None:
        return "\n\n".join([_code(found.statement.text), *_shape(document, found.name)])
    entry = find_signature(catalog, name.text, _expected(catalog, above))
    return _entry(entry) if entry else ""


def _function(document: Document, catalog: Catalog, name: syntax.Name, user: Any, above: list[Any]) -> str:
    """A function that is used: what it is, and the shape that it gives here."""
    found = lookup(document, name.text, name.span.start)
    if found is not None and found.sort in ("block", "fn", "layer", "import"):
        text = _code(found.statement.text)
    else:
        entry = find_signature(catalog, name.text, _expected(catalog, above[:-1]))
        if entry is None:
            return ""
        text = _entry(entry)
    return "\n\n".join([*_made(document, user.span), text])


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
    shown = " or ".join(f"`{shape}`" for shape in shapes[:MOST_SHAPES]) + (" ..." if len(shapes) > MOST_SHAPES else "")
    weights = document.weights(nodes)
    return [f"gives {shown}" + (f"; {weights:,} parameters" if weights else "")]


def _shape(document: Document, name: str) -> list[str]:
    net = document.net
    node = net.graph.values.get(name) if net is not None else None
    if net is None or node is None or node not in net.shapes:
        return []
    return [f"`{name}`: `{node.type if node.type is not None else Type(net.shapes[node])}` for one example"]


def _entry(entry: Signature) -> str:
    return f"{_code(signature(entry))}\n{about(entry)}"


def _code(text: str) -> str:
    return f"```gpubp\n{text}\n```"


def _option(catalog: Catalog, above: list[Any], name: str) -> Option | None:
    """The option that an argument of the innermost call names."""
    call = next((node for node in reversed(above) if isinstance(node, syntax.Stage | syntax.Call)), None)
    if call is None:
        return None
    entry = find_signature(catalog, call.function.text, _expected(catalog, above[: above.index(call)]))
    return next((option for option in entry.options if option.name == name), None) if entry else None


def _expected(catalog: Catalog, above: list[Any]) -> Part | None:
    """The part of the catalogue that the nodes above a word ask for, None where they do not say."""
    for place in range(len(above) - 1, -1, -1):
        node = above[place]
        if isinstance(node, syntax.Argument) and node.name is not None:
            option = _option(catalog, above[:place], node.name.text)
            return option.part if option else None
        if isinstance(node, syntax.Bind):
            inside = next((type(one) for one in above if isinstance(one, syntax.Data | syntax.Train)), None)
            if inside is syntax.Train:
                option = catalog.train.get(node.names[0].text)
                return option.part if option else None
            if inside is syntax.Data:
                return "split" if node.names[0].text == "split" else "reader"
            return None
    return None
