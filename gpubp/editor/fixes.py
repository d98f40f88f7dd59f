"""Remedies that an editor can apply: edits that were tried and leave fewer errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dsl.diagnostics import Diagnostic
from dsl.parse import parse
from dsl.records import dataclass
from dsl.source import Source, Span
from dsl.tokens import scan

from .document import Document

_WRITTEN = re.compile(r"(?:.*: |[^`]* (?:with|is|mean) |write )?`([^`]+)`\??")
"""A help that ends with one text to write."""
_LACKING = re.compile(r"`(.)` is missing( before this)?")
_WRONG = re.compile(r"should be `(.)`")
MAX_TRIES = 4
"""So many places of a line are tried, each by a parse of the text: half a second for 2,000 lines."""
MAX_TOKENS = 200
"""In a line of more tokens no other place is looked for than what is wrong."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A text to put in the place of a span, and what an editor calls that."""

    title: str
    span: Span
    text: str


def fixes(document: Document, start: int, end: int) -> list[tuple[Diagnostic, Fix]]:
    """The remedies of the findings between two offsets, the first that works of each help. Each was tried: with it the
    file has fewer errors, so that a help that means another place is never offered."""
    found: list[tuple[Diagnostic, Fix]] = []
    broken = parse(document.source)[1]
    for finding in document.known_findings:
        span = finding.span
        if span is None or span.source.name != document.source.name or span.start > end or span.end < start:
            continue
        for edits in (_of_label(finding, span), *(_of_help(help, span) for help in finding.help)):
            mended = next((edit for edit in edits if _mends(document, broken, finding, edit)), None)
            if mended is not None:
                found.append((finding, mended))
    return found


def _mends(document: Document, broken: list[Diagnostic], finding: Diagnostic, fix: Fix) -> bool:
    """Whether a text has fewer errors with an edit: of syntax, where the finding is one of them, `broken`, for
    those hide others."""
    text = document.source.text
    after = text[: fix.span.start] + fix.text + text[fix.span.end :]
    if finding in broken:
        return len(parse(Source(document.source.name, after))[1]) < len(broken)
    other = Document(document.path, after)
    if finding in document.findings:
        return _errors(other.findings) < _errors(document.findings)
    return not _errors(other.findings) and _errors(other.data_findings) < _errors(document.data_findings)


def _errors(findings: Iterable[Diagnostic]) -> int:
    return sum(finding.severity == "error" for finding in findings)


def _of_label(finding: Diagnostic, span: Span) -> Iterator[Fix]:
    """What the words under the place ask for: a sign before it, another one there, a bracket at the end of its line."""
    if lacking := _LACKING.fullmatch(finding.label):
        sign, before = lacking.groups()
        if before:
            end = len(span.source.text[: span.start].rstrip())
            yield Fix(f"write `{sign}`", Span(span.source, end, end), sign if end < span.start else f"{sign} ")
            return
        ends = [token.end_pos or 0 for token in scan(Source("", _line(span, span.start))).all]
        for at in ends[: -MAX_TRIES - 1 : -1]:
            place = span.start + at
            yield Fix(f"write `{sign}`", Span(span.source, place, place), f" {sign}" if sign in "{}" else sign)
    elif wrong := _WRONG.fullmatch(finding.label):
        yield Fix(f"write `{wrong[1]}`", span, wrong[1])


def _of_help(help: str, span: Span) -> Iterator[Fix]:
    """What a help asks for: to delete what is wrong, or to write a text in its place, or in the place of more."""
    if help.startswith("delete it"):
        yield Fix(f"delete `{span.text}`", span, "")
    written = _WRITTEN.fullmatch(help)
    if written is not None and "..." not in written[1]:
        yield Fix(help, span, written[1])
        yield from (Fix(help, place, written[1]) for place in _wider(span, written[1]))


def _wider(span: Span, written: str) -> list[Span]:
    """The places around a span, in its line, of which a text to write leaves nothing out; the longest first."""
    start = span.source.text.rfind("\n", 0, span.start) + 1
    tokens, kept = scan(Source("", _line(span, start))).all, [str(token) for token in scan(Source("", written)).all]
    found: list[Span] = []
    for first in range(len(tokens) if len(tokens) <= MAX_TOKENS else 0):
        for last in range(first + 1, len(tokens)):
            place = Span(span.source, start + (tokens[first].start_pos or 0), start + (tokens[last].end_pos or 0))
            if place.start <= span.start and span.end <= place.end and place != span:
                rest = iter(kept)
                if all(token in rest for token in tokens[first : last + 1]):
                    found.append(place)
    return sorted(found, key=lambda place: place.start - place.end)[:MAX_TRIES]


def _line(span: Span, start: int) -> str:
    """The text from a place to the end of its line."""
    return span.source.text[start:].partition("\n")[0]
