"""Collects findings: one per span and code, with the expansions that led there; none while muted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..diagnostics import Diagnostic
from ..graph import Frame
from ..limits import MAX_FINDINGS
from ..source import Source, Span

SHOWN_FRAMES = 4


class Report:
    """The findings of one file and its imports."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self.errors = 0
        self._muted = 0
        self._reported: set[tuple[str, Span]] = set()

    def add(self, finding: Diagnostic) -> None:
        """Add a finding, unless there is one with the same code and span (the body of a block is expanded many
        times)."""
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
        """Whether further findings are dropped, so that no message need be prepared."""
        return len(self.found) >= MAX_FINDINGS

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Suppress findings inside the block, for trial evaluation."""
        self._muted += 1
        try:
            yield
        finally:
            self._muted -= 1

    def extend(self, findings: Iterable[Diagnostic]) -> None:
        for finding in findings:
            self.add(finding)

    def sorted(self, main: Source) -> list[Diagnostic]:
        """Errors before warnings, the main file before imports, in the order of the text."""

        def key(finding: Diagnostic) -> tuple[bool, bool, str, int, int, str]:
            span = finding.span
            if span is None:
                return finding.severity != "error", False, "", -1, -1, finding.code
            other = span.source.name != main.name
            return finding.severity != "error", other, span.source.name, span.start, span.end, finding.code

        return sorted(self.found, key=key)


def expanded_from(trace: tuple[Frame, ...]) -> tuple[str, ...]:
    """Notes with the expansions that led to a finding, innermost first."""
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
