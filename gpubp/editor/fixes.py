"""Remedies that an editor can apply: those whose text, put in the place of what is wrong, leaves fewer errors."""

from __future__ import annotations

import re

from dsl.diagnostics import Diagnostic
from dsl.records import dataclass
from dsl.source import Span

from .document import Document

_REPLACEMENT = re.compile(r"(?:did you mean |write |[^`]*: )?`([^`]+)`\??")


@dataclass(frozen=True, slots=True)
class Fix:
    """A text to put in the place of a span, and the help that asked for it."""

    title: str
    span: Span
    text: str


def fixes(document: Document, start: int, end: int) -> list[tuple[Diagnostic, Fix]]:
    """The remedies of the findings between two offsets whose help holds one text to write. Each was tried: with it the
    file has fewer errors, so that a help that means another place is never offered."""
    found: list[tuple[Diagnostic, Fix]] = []
    for finding in document.findings:
        span = finding.span
        if span is None or span.source.name != document.source.name or span.start > end or span.end < start:
            continue
        for help in finding.help:
            match = _REPLACEMENT.fullmatch(help)
            if match is not None and "..." not in match[1]:
                text = document.source.text[: span.start] + match[1] + document.source.text[span.end :]
                if _errors(Document(document.path, text)) < _errors(document):
                    found.append((finding, Fix(help, span, match[1])))
    return found


def _errors(document: Document) -> int:
    return sum(finding.severity == "error" for finding in document.findings)
