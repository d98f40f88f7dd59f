"""Every place where a name is used, and new names for it."""

from __future__ import annotations

import re

from dsl import syntax
from dsl.source import Span
from dsl.tokens import WORDS

from ..errors import GpubpError
from ..frontend import current_catalog
from .document import Document
from .files import Files
from .meaning import IMPORTED, behind_import, meaning
from .names import Definition
from .tree import around, chains

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def references(document: Document, offset: int, files: Files | None = None) -> list[Span]:
    """Where the name at an offset is defined and used, in the order of each text, in this one and in `files`; nothing
    for words of the catalogue."""
    files = files or Files([document])
    home, meant = _meant(document, offset, files)
    if meant is None:
        return []
    found = _inside(home, meant)
    for other in files.importing(home) if meant.sort in (*IMPORTED, "argument") else ():
        for chain in chains(other.file):
            if isinstance(chain[-1], syntax.Name) and behind_import(other, chain, files) == (home, meant):
                found.append(chain[-1].span)
    return found


def rename(document: Document, offset: int, new: str, files: Files | None = None) -> list[Span]:
    """The places at which `new` must be written for the name at an offset. Raises GpubpError where that is no name, or
    would mean something else in the file that defines it."""
    files = files or Files([document])
    home, meant = _meant(document, offset, files)
    if meant is None:
        raise GpubpError("only names that a file defines can be changed")
    if not _NAME.fullmatch(new) or new in WORDS:
        raise GpubpError(f"`{new}` is no name")
    found, inside = references(document, offset, files), _inside(home, meant)
    text, at = "", 0
    for span in inside:
        text += home.source.text[at : span.start] + new
        at = span.end
    after = Document(home.path, text + home.source.text[at:])
    before = [(f.code, f.message.replace(f"`{meant.name}`", f"`{new}`")) for f in home.findings]
    if [(f.code, f.message) for f in after.findings] != before or len(references(after, inside[0].start)) != len(
        inside
    ):
        raise GpubpError(f"with `{new}` in place of `{meant.name}` the file would mean something else")
    return found


def _meant(document: Document, offset: int, files: Files) -> tuple[Document, Definition | None]:
    """The definition that the name at an offset means, and the text that it stands in."""
    chain = around(document.file, offset)
    if len(chain) < 2 or not isinstance(chain[-1], syntax.Name):
        return document, None
    return behind_import(document, chain, files) or (document, _uses(document).get(_place(chain[-1].span)))


def _inside(document: Document, meant: Definition) -> list[Span]:
    """Where a definition of a text is named in it, in order."""
    return [
        Span(document.source, *place)
        for place, found in sorted(_uses(document).items(), key=lambda use: use[0])
        if found == meant
    ]


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
