"""Every place where a name is used, and new names for it."""

from __future__ import annotations

import re

from dsl import syntax
from dsl.source import Span
from dsl.tokens import WORDS

from ..errors import GpubpError
from ..frontend import current_catalog
from .document import Document
from .meaning import meaning
from .names import Definition
from .tree import around, chains

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def references(document: Document, offset: int) -> list[Span]:
    """Where the name at an offset is defined and used in this text, in order; nothing for words of the catalogue."""
    chain = around(document.file, offset)
    if len(chain) < 2 or not isinstance(chain[-1], syntax.Name):
        return []
    uses = _uses(document)
    meant = uses.get(_place(chain[-1].span))
    return [span for span, definition in _spans(document, uses) if definition == meant] if meant else []


def rename(document: Document, offset: int, new: str) -> list[Span]:
    """The places at which `new` must be written for the name at an offset. Raises GpubpError where that is no name, or
    would mean something else."""
    found = references(document, offset)
    if not found:
        raise GpubpError("only names that this file defines can be changed")
    if not _NAME.fullmatch(new) or new in WORDS:
        raise GpubpError(f"`{new}` is no name")
    text, at = "", 0
    for span in found:
        text += document.source.text[at : span.start] + new
        at = span.end
    after = Document(document.path, text + document.source.text[at:])
    before = [(f.code, f.message.replace(f"`{found[0].text}`", f"`{new}`")) for f in document.findings]
    if [(f.code, f.message) for f in after.findings] != before or len(references(after, found[0].start)) != len(found):
        raise GpubpError(f"with `{new}` in place of `{found[0].text}` the file would mean something else")
    return found


def _spans(document: Document, uses: dict[tuple[int, int], Definition]) -> list[tuple[Span, Definition]]:
    return [(Span(document.source, *place), found) for place, found in sorted(uses.items(), key=lambda use: use[0])]


def _uses(document: Document) -> dict[tuple[int, int], Definition]:
    """The definition that each name of the text means, by its place."""
    catalog, found = current_catalog(), dict[tuple[int, int], Definition]()
    for chain in chains(document.file):
        if isinstance(chain[-1], syntax.Name):
            meant = meaning(document, catalog, chain)
            if meant is not None:
                found[_place(chain[-1].span)] = _of_model(document, meant)
    return found


def _of_model(document: Document, definition: Definition) -> Definition:
    """Rows in `data` stand for the input or target of their name."""
    if definition.sort != "data":
        return definition
    named = (d for d in document.definitions if d.name == definition.name and d.sort in ("input", "target"))
    return next(named, definition)


def _place(span: Span) -> tuple[int, int]:
    return span.start, span.end
