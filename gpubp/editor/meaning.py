"""What a name in a syntax tree means: a definition of the file, or a word of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dsl import syntax
from dsl.catalog import Catalog, Option, Signature

from .cursor import Section, find_signature, keyed, option_of
from .document import Document
from .files import Files
from .names import Definition

_SECTIONS: dict[type, Section] = {syntax.Data: "data", syntax.Train: "train"}
_CALLED = ("fn", "block", "layer", "import", "argument", "param", "let")
"""What can stand before parentheses and behind `->`: params may hold the name of a layer."""
IMPORTED = ("param", "let", "fn", "block")
"""What other files can name; of formulas and blocks their arguments, too."""


def meaning(document: Document, catalog: Catalog, chain: Sequence[Any]) -> Definition | None:
    """The definition that a name means, the last node of a chain from the root of the tree; None for words of the
    catalogue, for keys, and for names in other files. Words of an option go before names of the file."""
    name, parent = chain[-1], chain[-2]
    if isinstance(parent, syntax.Argument):
        return _formal(document, chain[-3], name.text)
    if isinstance(parent, syntax.Path):
        if parent.parts[0] is not name:
            return None
        found = document.lookup(name.text, name.span.start)
        user = chain[-3]
        if isinstance(user, syntax.Stage | syntax.Call) and parent is user.function:
            return found if found is not None and found.sort in _CALLED else None
        option = option_at(catalog, chain[:-2])
        return None if option is not None and _is_word(catalog, option, name.text) else found
    if isinstance(parent, syntax.Bind) and any(isinstance(node, syntax.Train) for node in chain):
        return None
    return document.lookup(name.text, name.span.start)


def behind_import(document: Document, chain: Sequence[Any], files: Files) -> tuple[Document, Definition] | None:
    """What `name` in `alias.name`, or an argument of `alias.name(...)`, means, the last node of a chain, and the file
    that defines it."""
    name, parent = chain[-1], chain[-2]
    path = chain[-3].function if isinstance(parent, syntax.Argument) else parent
    if not isinstance(path, syntax.Path) or len(path.parts) != 2 or path.parts[0] is name:
        return None
    home = files.imported(document, path.parts[0].text, name.span.start)
    found = home.lookup(path.parts[1].text, 0) if home is not None else None
    if home is None or found is None or found.sort not in IMPORTED:
        return None
    if path is parent:
        return home, found
    formals = (
        d for d in home.definitions if d.name == name.text and d.sort == "argument" and d.scope == found.statement
    )
    formal = next(formals, None)
    return (home, formal) if formal is not None else None


def option_at(catalog: Catalog, above: Sequence[Any]) -> Option | None:
    """What the innermost argument or key takes that encloses a place, given the nodes above it."""
    for place in range(len(above) - 1, -1, -1):
        node = above[place]
        if isinstance(node, syntax.Argument):
            return _option_of(catalog, above[:place], node)
        if isinstance(node, syntax.Bind):
            section = next((_SECTIONS[type(one)] for one in above[:place] if type(one) in _SECTIONS), None)
            return keyed(catalog, section, node.names[0].text) if section else None
    return None


def signature_at(catalog: Catalog, above: Sequence[Any]) -> Signature | None:
    """The signature of a call or stage, the last of the nodes from the root down to it."""
    option = option_at(catalog, above[:-1])
    return find_signature(catalog, above[-1].function.text, option.part if option else None)


def _option_of(catalog: Catalog, above: Sequence[Any], argument: syntax.Argument) -> Option | None:
    call = above[-1]
    signature = signature_at(catalog, above)
    index = call.arguments.index(argument)
    if isinstance(call, syntax.Stage) and signature is not None:
        index += len(signature.inputs[:1])  # which the pipe brings
    return option_of(signature, argument.name.text if argument.name else "", index)


def _is_word(catalog: Catalog, option: Option, name: str) -> bool:
    return name in option.words or (option.part is not None and catalog.find(option.part, name) is not None)


def _formal(document: Document, call: Any, name: str) -> Definition | None:
    """The argument of a block or formula of the file that a call names."""
    called = document.lookup(call.function.text, call.span.start)
    if called is None or called.sort not in ("fn", "block"):
        return None
    return next(
        (d for d in document.definitions if d.name == name and d.sort == "argument" and d.scope == called.statement),
        None,
    )
