"""Texts and spans. Every later stage keeps spans, so that a message can point into the text."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from functools import cached_property
from pathlib import PurePath

from .records import dataclass


@dataclass(frozen=True)
class Source:
    """One file's text under the name that messages show (a path as the user gave it, or `<string>`)."""

    name: str
    text: str

    @property
    def path(self) -> str:
        """The name as a normal path with slashes, on Windows too."""
        return posixpath.normpath(PurePath(self.name).as_posix())

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offset of the first character of each line."""
        return (0, *(match.end() for match in re.finditer("\n", self.text)))

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line (counted from 1) without its line break."""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] - 1 if number < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """The characters `start` to `end` (not included) of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of `other`, in the same source."""
        return Span(self.source, self.start, other.end)
