"""How bad data is reported: one diagnostic for each kind of finding, with the first places and the count.

`gpubp/codes/E04.md` explains the codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from difflib import get_close_matches
from itertools import islice

from dsl.diagnostics import Diagnostic, DiagnosticError, Label
from dsl.records import dataclass
from dsl.source import Source, Span

AGAIN = "make, copy or download it again"
"""The remedy for a file that is damaged."""

FIRST = 4
"""How many places of one kind of finding are shown."""

_COMMAND_LINE = "command line"
"""The name of the source of a path that no file names: it starts in the working directory."""


def command_span(path: str) -> Span:
    """The place of a path that a command names: in a file of its own, _COMMAND_LINE."""
    return Span(Source(_COMMAND_LINE, path), 0, len(path))


def of_command(span: Span | None) -> bool:
    """Whether a command asks for the data, not a `.net` file."""
    return span is not None and span.source.name == _COMMAND_LINE


def problem(
    code: str,
    message: str,
    span: Span | None,
    *,
    label: str = "",
    labels: Iterable[Label] = (),
    notes: Iterable[str] = (),
    help: str | tuple[str, ...] = "",
) -> DiagnosticError:
    """One error, ready to be raised."""
    helps = help if isinstance(help, tuple) else (help,) if help else ()
    return DiagnosticError(Diagnostic(code, message, span, label, tuple(labels), tuple(notes), helps))


def suggestion(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """`did you mean ...?` where a known name is near, else `otherwise`."""
    known = list(known)
    folded = {candidate.lower(): candidate for candidate in reversed(known)}
    near = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f"did you mean `{folded[near[0]]}`?" if near else otherwise


def remedy(span: Span | None, file: str, command: str) -> str:
    """What helps where a `.net` file asks for the data, an option of its reader perhaps, and where a command does: the
    net that it asks for was trained already."""
    return command if of_command(span) else file


@dataclass(slots=True)
class _Kind:
    code: str
    what: str
    help: str
    places: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0


@dataclass(slots=True)
class Findings:
    """Gathers what is wrong in a file; `raise_all` turns each kind into one diagnostic at `span`."""

    span: Span | None
    kinds: dict[str, _Kind] = field(default_factory=dict)

    def add(self, code: str, what: str, place: str, message: str, help: str = "") -> None:
        """One finding of the kind `what` (a plural: "cells that are empty"): `message` at `place`."""
        self.add_all(code, what, [(place, message)], 1, help)

    def add_all(self, code: str, what: str, found: Iterable[tuple[str, str]], count: int, help: str = "") -> None:
        """As many findings of one kind, each a place and a message. Those that are not shown are not asked for: to say
        where a row stands may take long."""
        if count:
            kind = self.kinds.setdefault(what, _Kind(code, what, help))
            kind.places += islice(found, FIRST - len(kind.places))
            kind.count += count

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        found = []
        for kind in self.kinds.values():
            (place, message), *others = kind.places
            notes = []
            if others:
                more = "; ".join(f"{place}: {message}" for place, message in others)
                notes.append(f"there are {kind.count:,} {kind.what}; the next: {more}")
            found.append(
                Diagnostic(
                    kind.code, f"{place}: {message}", self.span, "", (), tuple(notes), (kind.help,) if kind.help else ()
                )
            )
        return tuple(found)

    def raise_all(self) -> None:
        """Raises DiagnosticError where anything was found."""
        if self.kinds:
            raise DiagnosticError(*self.diagnostics())
