"""Errors and warnings as values: every stage creates `Diagnostic`s, and a single place prints them."""

from __future__ import annotations

from typing import Literal

from .limits import LONGEST_WORDS
from .records import dataclass
from .source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Label:
    """A secondary span that explains the error: underlined with dashes, followed by its text."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `code` is stable: E01 syntax, E02 names and arguments, E03 types and shapes, E04 data, E05 training; W0x likewise
    for warnings. `message` stands alone: lower case, no full stop. `span` is the smallest place that is wrong (None
    where there is no text, for a missing file), `label` the few words behind its carets; `labels` are its causes;
    `notes` explain; `help` is the remedy.
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    severity: Severity = "error"

    def __post_init__(self) -> None:
        """Shorten a name or string of the file that would make the message unreadable; help texts that would have to be
        shortened are dropped."""
        words = (self.message, self.label, *self.notes, *self.help)
        if max(map(len, words)) > LONGEST_WORDS:
            object.__setattr__(self, "message", _cut(self.message))
            object.__setattr__(self, "label", _cut(self.label))
            object.__setattr__(self, "notes", tuple(map(_cut, self.notes)))
            object.__setattr__(self, "help", tuple(help for help in self.help if len(help) <= LONGEST_WORDS))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_WORDS else f"{text[: LONGEST_WORDS - 4].rstrip()} ..."


class DiagnosticError(Exception):
    """Carries diagnostics out of a stage that cannot continue; never leaves the package unhandled."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics
