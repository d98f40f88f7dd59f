"""A diagnostic as text, for people (plain or in color), and as plain data, for programs."""

from __future__ import annotations

import re
from typing import Any

from .diagnostics import Diagnostic
from .excerpt import COLUMNS, Mark, excerpt, visible, wrapped
from .records import dataclass
from .source import Source, Span

_TRACE = re.compile(r"in `|and \d+ expansions? around it")
_RESET = "\x1b[0m"
_STYLES = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "strong": "\x1b[1m",
    "frame": "\x1b[1;34m",
    "help": "\x1b[1;36m",
}


@dataclass(frozen=True, slots=True)
class _Paint:
    color: bool
    severity: str

    def __call__(self, style: str, text: str) -> str:
        style = self.severity if style == "primary" else style
        return f"{_STYLES[style]}{text}{_RESET}" if self.color and text.strip() and style in _STYLES else text


def to_text(diagnostic: Diagnostic, *, color: bool = False, columns: int | None = None) -> str:
    """Several lines without a line break at the end: the message, the places in the text, notes and help.

    Notes that tell the way through blocks and loops (`in ...`) stand before the help, all others after it. `color` adds
    ANSI escapes; `columns` is the width of the terminal: excerpts are cut there, and all else goes on in the next line.
    Without it messages and notes are one line each. Nothing from the file or the message reaches the terminal as a
    control character.
    """
    paint = _Paint(color, diagnostic.severity)
    head = f"{diagnostic.severity}[{diagnostic.code}]"
    lines = [paint("primary", head) + paint("strong", f": {_told(diagnostic.message, columns, len(head) + 2)}")]
    lines += _places(diagnostic, paint, COLUMNS if columns is None else columns)
    traces = [note for note in diagnostic.notes if _TRACE.match(note)]
    others = [note for note in diagnostic.notes if not _TRACE.match(note)]
    for kind, texts in (("note", traces), ("help", diagnostic.help), ("note", others)):
        style = "help" if kind == "help" else "strong"
        lines += [paint(style, f"{kind}:") + f" {_told(text, columns, len(kind) + 2)}" for text in texts]
    return "\n".join(lines)


def _told(text: str, columns: int | None, hang: int) -> str:
    return visible(text) if columns is None else wrapped(visible(text), columns, hang)


def to_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """Plain dicts, lists and strings. A span is None or file, offsets, lines and columns (from 1; end not included)."""
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "span": _place(diagnostic.span) if diagnostic.span else None,
        "label": diagnostic.label,
        "labels": [{"span": _place(label.span), "text": label.text} for label in diagnostic.labels],
        "notes": list(diagnostic.notes),
        "help": list(diagnostic.help),
    }


def _place(span: Span) -> dict[str, Any]:
    line, column = position(span.source, span.start)
    end_line, end_column = position(span.source, span.end)
    return {
        "file": span.source.name,
        "start": span.start,
        "end": span.end,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def position(source: Source, offset: int) -> tuple[int, int]:
    """Line and column from 1; a byte order mark takes up no column."""
    line, column = source.position(offset)
    return line, max(1, column - (line == 1 and source.text.startswith("\ufeff")))


def _places(diagnostic: Diagnostic, paint: _Paint, columns: int) -> list[str]:
    """The excerpts of all files that the diagnostic points at, that of the primary span first."""
    if diagnostic.span is None:
        return []
    marks: dict[Source, list[Mark]] = {diagnostic.span.source: [Mark(diagnostic.span, diagnostic.label, True)]}
    for label in diagnostic.labels:
        marks.setdefault(label.span.source, []).append(Mark(label.span, label.text, False))
    width = max(2, *(len(str(position(s, m.span.end)[0])) for s, several in marks.items() for m in several))
    lines: list[str] = []
    for source, several in marks.items():
        line, column = position(source, several[0].span.start)
        arrow = "-->" if not lines else ":::"
        lines.append(" " * width + paint("frame", arrow) + f" {visible(source.name)}:{line}:{column}")
        lines.append(paint("frame", " " * (width + 1) + "|"))
        for number, pieces in excerpt(source, several, columns - width - len(" | ")):
            if number is None:
                lines.append(paint("frame", "..."))
                continue
            gutter = f"{number or '':>{width}} |"
            body = "".join(paint(style, text) for style, text in pieces)
            lines.append((paint("frame", gutter) + (f" {body}" if body else "")).rstrip())
    return lines
