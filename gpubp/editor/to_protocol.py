"""Places and findings in the terms of the Language Server Protocol."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from lsprotocol import types as lsp
from pygls.uris import from_fs_path
from pygls.workspace import PositionCodec

from dsl import syntax
from dsl.diagnostics import Diagnostic
from dsl.source import Source, Span

from .completion import Item
from .document import Document
from .semantic_tokens import TYPES
from .symbols import Symbol

_LINE_END = re.compile("\r\n|\r|\n")
_UNUSED = frozenset({"W0201", "W0202"})
"""Codes of what editors show faded."""


_ITEMS = {
    "keyword": lsp.CompletionItemKind.Keyword,
    "key": lsp.CompletionItemKind.Property,
    "option": lsp.CompletionItemKind.Field,
    "function": lsp.CompletionItemKind.Function,
    "word": lsp.CompletionItemKind.EnumMember,
    "value": lsp.CompletionItemKind.Variable,
}
_SYMBOLS = {
    "section": lsp.SymbolKind.Module,
    "key": lsp.SymbolKind.Property,
    "param": lsp.SymbolKind.Constant,
    "let": lsp.SymbolKind.Constant,
    "fn": lsp.SymbolKind.Function,
    "block": lsp.SymbolKind.Class,
    "import": lsp.SymbolKind.Package,
    "layer": lsp.SymbolKind.Object,
}


class Positions:
    """Offsets of a text, as Python counts them, and lines and characters as the editor does."""

    def __init__(self, source: Source, codec: PositionCodec) -> None:
        self.source, self.codec = source, codec
        self._starts, self._ends = _lines(source.text)

    def position(self, offset: int) -> lsp.Position:
        """The position of an offset."""
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        return lsp.Position(line, self.codec.client_num_units(self.source.text[start:offset]))

    def offset(self, position: lsp.Position) -> int:
        """The offset of a position; one behind the end of a line, or of the text, is its end."""
        if position.line >= len(self._starts):
            return len(self.source.text)
        offset, end, units = self._starts[position.line], self._ends[position.line], 0
        while offset < end and units < position.character:
            units += self.codec.client_num_units(self.source.text[offset])
            offset += 1
        return offset

    def encoded(self, found: Iterable[tuple[int, int, str]]) -> list[int]:
        """Semantic tokens as the protocol writes them: each relative to the one before it."""
        text, units = self.source.text, self.codec.client_num_units
        data: list[int] = []
        line = before = 0
        for start, end, kind in found:
            here = bisect_right(self._starts, start) - 1
            before = before if here == line else self._starts[here]
            data += [here - line, units(text[before:start]), units(text[start:end]), TYPES.index(kind), 0]
            line, before = here, start
        return data

    def range(self, span: Span) -> lsp.Range:
        """The range of a span of this text."""
        return lsp.Range(self.position(span.start), self.position(span.end))


@lru_cache(maxsize=8)
def _lines(text: str) -> tuple[list[int], list[int]]:
    """Where the lines of a text begin and end; a carriage return alone ends one, too."""
    ends = [match.span() for match in _LINE_END.finditer(text)]
    return [0, *(end for _, end in ends)], [*(start for start, _ in ends), len(text)]


def diagnostic(document: Document, finding: Diagnostic, codec: PositionCodec) -> lsp.Diagnostic:
    """A finding in a text. One in an imported file stands at the import, and leads to its place."""
    here, span = Positions(document.source, codec), finding.span
    related = [_related(label.span, label.text, codec) for label in finding.labels]
    message = finding.message
    if span is not None and span.source.name != document.source.name:
        related.insert(0, _related(span, finding.label or finding.message, codec))
        message, span = f"in `{Path(span.source.name).name}`: {message}", _import_of(document, span)
    label = [f"here: {finding.label}"] if finding.label else []
    lines = [message, *label, *(f"help: {help}" for help in finding.help), *(f"note: {note}" for note in finding.notes)]
    return lsp.Diagnostic(
        range=here.range(span if span is not None else Span(document.source, 0, 0)),
        message="\n".join(lines),
        severity=lsp.DiagnosticSeverity.Error if finding.severity == "error" else lsp.DiagnosticSeverity.Warning,
        code=finding.code,
        source="gpubp",
        tags=[lsp.DiagnosticTag.Unnecessary] if finding.code in _UNUSED else None,
        related_information=related or None,
    )


def _related(span: Span, text: str, codec: PositionCodec) -> lsp.DiagnosticRelatedInformation:
    uri = from_fs_path(str(Path(span.source.name).absolute())) or ""
    return lsp.DiagnosticRelatedInformation(lsp.Location(uri, Positions(span.source, codec).range(span)), text)


def _import_of(document: Document, span: Span) -> Span | None:
    """The path of the import that brought a place of another file, the first import if none did so directly."""
    imports = [statement.path for statement in document.file.statements if isinstance(statement, syntax.Import)]
    other = Path(span.source.name).name
    return next((path.span for path in [*(p for p in imports if Path(p.value).name == other), *imports]), None)


def completion_item(item: Item, place: int, *, snippets: bool) -> lsp.CompletionItem:
    """A proposal, the place of which among the others is kept; as a snippet if the editor knows them."""
    return lsp.CompletionItem(
        item.label,
        kind=_ITEMS[item.kind],
        detail=item.detail or None,
        documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, item.documentation) if item.documentation else None,
        sort_text=f"{place:04}",
        insert_text=item.snippet if snippets and item.snippet else item.text,
        insert_text_format=lsp.InsertTextFormat.Snippet if snippets and item.snippet else None,
    )


def symbol(found: Symbol, places: Positions) -> lsp.DocumentSymbol:
    """An entry of the outline, and those in it."""
    return lsp.DocumentSymbol(
        found.name,
        _SYMBOLS.get(found.sort, lsp.SymbolKind.Variable),
        places.range(found.statement),
        places.range(found.span),
        detail=found.sort,
        children=[symbol(one, places) for one in found.inner],
    )
