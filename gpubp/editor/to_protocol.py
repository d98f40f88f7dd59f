"""Places and findings in the terms of the Language Server Protocol."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

from lsprotocol import types as lsp
from pygls.uris import from_fs_path
from pygls.workspace import PositionCodec

from dsl import syntax
from dsl.diagnostics import Diagnostic
from dsl.source import Source, Span

from .document import Document

_UNUSED = frozenset({"W0201", "W0202"})
"""Codes of what editors show faded."""


class Positions:
    """Offsets of a text, as Python counts them, and lines and characters as the editor does."""

    def __init__(self, source: Source, codec: PositionCodec) -> None:
        self.source, self.codec = source, codec

    def position(self, offset: int) -> lsp.Position:
        """The position of an offset."""
        line = bisect_right(self.source.line_starts, offset) - 1
        start = self.source.line_starts[line]
        return lsp.Position(line, self.codec.client_num_units(self.source.text[start:offset]))

    def offset(self, position: lsp.Position) -> int:
        """The offset of a position; one behind the end of a line, or of the text, is its end."""
        if position.line >= len(self.source.line_starts):
            return len(self.source.text)
        start = self.source.line_starts[position.line]
        end = start + len(self.source.line(position.line + 1))
        offset, units = start, 0
        while offset < end and units < position.character:
            units += self.codec.client_num_units(self.source.text[offset])
            offset += 1
        return offset

    def range(self, span: Span) -> lsp.Range:
        """The range of a span of this text."""
        return lsp.Range(self.position(span.start), self.position(span.end))


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
