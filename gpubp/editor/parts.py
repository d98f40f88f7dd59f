"""The parts of a text that an editor folds, that grow around a selection, and that lead to other files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dsl import syntax
from dsl.source import Span

from .document import Document
from .tree import around, below

_COMMENTS = re.compile(r"^[ \t]*#.*(?:\r?\n[ \t]*#.*)+", re.MULTILINE)
_CLOSER = re.compile(r"[ \t]*[)\]}]+")
"""What a folded part keeps in sight at its end: a line that begins with a bracket."""


def folds(document: Document) -> list[tuple[int, int, str]]:
    """Where each part of several lines begins and ends, and what it is: `code`, `comment` or `import`."""
    source, text = document.source, document.source.text
    found: list[tuple[int, int, str]] = []
    imports = [statement for statement in document.file.statements if isinstance(statement, syntax.Import)]
    if len(imports) > 1:
        found.append((imports[0].span.start, imports[-1].span.end, "import"))
    found += [(match.start(), match.end(), "comment") for match in _COMMENTS.finditer(text)]
    for statement in document.file.statements:
        for node in below(statement):
            start, end = node.span.start, node.span.end
            last = source.line_starts[source.position(end)[0] - 1]
            if _CLOSER.match(text, last):
                end = last - 1
            if isinstance(node, _FOLDED) and "\n" in text[start:end]:
                found.append((start, end, "code"))
    return found


_FOLDED = (
    *(syntax.Data, syntax.Model, syntax.Train, syntax.Block, syntax.Bind, syntax.Output, syntax.Layer),
    *(syntax.Fn, syntax.Let, syntax.Param, syntax.List, syntax.Each, syntax.Call, syntax.Repeat, syntax.For),
)


def nested(document: Document, offset: int) -> Iterator[Span]:
    """The spans around a place, the widest, the whole text, first."""
    before = Span(document.source, 0, len(document.source.text))
    yield before
    for node in around(document.file, offset):
        if (node.span.start, node.span.end) != (before.start, before.end):
            before = node.span
            yield before


def links(document: Document) -> list[tuple[Span, Path]]:
    """The paths in a text that lead to a file or a folder, and where they lead."""
    found: list[tuple[Span, Path]] = []
    for node in below(document.file):
        if isinstance(node, syntax.String) and node.value:
            path = (document.path.parent / node.value).absolute()
            try:
                if path.exists():
                    found.append((node.span, path))
            except (OSError, ValueError):  # no path at all
                continue
    return found
