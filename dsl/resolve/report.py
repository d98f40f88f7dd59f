"""Gathers findings: each place once, with the expansions that led there; nothing while it is muted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..diagnostics import Diagnostic
from ..graph import Frame
from ..limits import MOST_FINDINGS
from ..source import Source, Span

SHOWN_FRAMES = 4


class Report:
    """The findings of one file and what it imports."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self.errors = 0
        self._muted = 0
        self._reported: set[tuple[str, Span]] = set()

    def add(self, finding: Diagnostic) -> None:
        """Keep a finding, unless its place has one of the same code (a block's body is expanded many times)."""
        if self._muted:
            return
        self.errors += finding.severity == "error"
        if finding.span is not None:
            key = (finding.code, finding.span)
            if key in self._reported:
                return
            self._reported.add(key)
        if not self.full:
            self.found.append(finding)

    @property
    def full(self) -> bool:
        """Whether nothing more is kept, so that no work need go into a message."""
        return len(self.found) >= MOST_FINDINGS

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Report nothing within: something is only tried."""
        self._muted += 1
        try:
            yield
        finally:
            self._muted -= 1

    def extend(self, findings: Iterable[Diagnostic]) -> None:
        for finding in findings:
            self.add(finding)

    def sorted(self, main: Source) -> list[Diagnostic]:
        """Errors first, then the main file's before those of others, in the order of the text."""

        def key(finding: Diagnostic) -> tuple[bool, bool, str, int, int, str]:
            span = finding.span
            if span is None:
                return finding.severity != "error", False, "", -1, -1, finding.code
            other = span.source.name != main.name
            return finding.severity != "error", other, span.source.name, span.start, span.end, finding.code

        return sorted(self.found, key=key)


def expanded_from(trace: tuple[Frame, ...]) -> tuple[str, ...]:
    """The notes that tell how an expansion came about, the innermost first."""
    notes = []
    for frame in reversed(trace[-SHOWN_FRAMES:]):
        line, column = frame.span.source.position(frame.span.start)
        note = f"in `{frame.what}`, expanded from {frame.span.source.name}:{line}:{column}"
        if note not in notes:
            notes.append(note)
    if len(trace) > SHOWN_FRAMES:
        rest = len(trace) - len(notes)
        notes.append(f"and {rest} {'expansion' if rest == 1 else 'expansions'} around it")
    return tuple(notes)
