"""Wording shared by several syntax errors."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache

from .diagnostics import Diagnostic
from .source import Span

SECTION_NAMES = ("data", "model", "train")

MODEL = "`model { ... }` with the lines `input x: [2]` and `output p = x -> dense(1)` in it"
"""A minimal valid file."""


@lru_cache
def nearest(word: str, choices: tuple[str, ...]) -> str:
    """The choice nearest in spelling to a word, "" if there is none."""
    return next(iter(get_close_matches(word, choices, 1)), "")


def short(text: str, most: int = 24) -> str:
    """A text shortened for a message."""
    return text if len(text) <= most else f"{text[: most - 4]}..."


def quoted(text: str, most: int = 60) -> str:
    """A text as quoted by a remedy: verbatim if it is short and on one line, else `...`."""
    return text if len(text) <= most and "\n" not in text else "..."


def reserved(place: Span) -> Diagnostic:
    """The error for a keyword used as a name."""
    remedy = f"another name: `{place.text}_`"
    return Diagnostic("E0110", f"`{place.text}` is a reserved word and cannot be a name", place, help=(remedy,))
