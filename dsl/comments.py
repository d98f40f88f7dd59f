"""Trivia between tokens: comments and empty lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .records import dataclass
from .tokens import Tokens

_PART = re.compile(r"\n|#[^\n]*+")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment: `text` from the `#`, without trailing blanks. `own`: it has a line of its own; `apart`: an empty line
    precedes it."""

    text: str
    own: bool
    apart: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """The comments before a token; `apart`: whether an empty line separates it from the last of them."""

    comments: tuple[Comment, ...] = ()
    apart: bool = False


def gaps(tokens: Tokens) -> Iterator[Gap]:
    """The gap before each token, and last the one before the end of the file. The text must scan without errors."""
    text, end = tokens.source.text, 0
    for index, token in enumerate(tokens.all):
        yield _gap(text, end, token.start_pos or 0, index == 0) if tokens.breaks[index] or not index else NO_GAP
        end = token.end_pos or 0
    yield _gap(text, end, len(text), not tokens.all)


NO_GAP = Gap()


def _gap(text: str, start: int, end: int, first: bool) -> Gap:
    found: list[Comment] = []
    lines = 1 if first else 0
    for part in _PART.finditer(text, start, end):
        if part[0] == "\n":
            lines += 1
            continue
        found.append(Comment(part[0].rstrip(), lines > 0, lines > 1))
        lines = 0
    return Gap(tuple(found), lines > 1)
