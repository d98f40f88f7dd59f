"""The lines of a text that some spans touch, with the spans underlined and labelled.

Everything is counted in columns of a terminal: a tab is four, a wide character two, a combining one none.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

from .records import dataclass
from .source import Source, Span

COLUMNS = 120
"""The width of messages where the terminal does not report its own."""
_LEAST = 20
"""Columns that a line is given, on a terminal however narrow."""
_TAB = 4
_CUT = "..."
_WORD = re.compile(r"(?:`[^`]*`|\S)+")
"""What is not parted at the end of a line: a word, or code, with what touches it."""

Pieces = list[tuple[str, str]]
"""Runs of text with their style: `plain`, `primary` (the place itself), `frame` (secondary places)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A span to underline, and its label."""

    span: Span
    text: str
    primary: bool


@dataclass(frozen=True, slots=True)
class _Bar:
    """An underline in one line, from column `start` to `end` (not included), both from 0."""

    start: int
    end: int
    text: str
    primary: bool

    @property
    def style(self) -> str:
        return "primary" if self.primary else "frame"


def visible(text: str) -> str:
    """A text without control characters; tabs become spaces."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


_visible_line = lru_cache(maxsize=16)(visible)


def _shown(character: str) -> str:
    if character == "\t":
        return " " * _TAB
    if character == "\n":
        return " "
    if character == "\ufeff":
        return ""
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    return "\ufffd"


def _width(character: str) -> int:
    if character == "\t":
        return _TAB
    if character == "\ufeff" or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrapped(text: str, columns: int, hang: int = 0) -> str:
    """A text in lines of so many columns, all but the first of them `hang` columns in, which take the place of blanks;
    code in backticks stays whole if it fits into a line."""
    whole = _WORD.findall(text)
    words = [word for each in whole for word in ([each] if _columns(each) <= columns - hang else each.split())]
    lines, left = [""], 0
    for word in words:
        needed = _columns(word)
        if lines[-1] and needed >= left:
            lines.append("")
        left = (left - 1 if lines[-1] else columns - hang) - needed
        lines[-1] += f" {word}" if lines[-1] else word
    return f"\n{' ' * hang}".join(lines)


def excerpt(source: Source, marks: list[Mark], columns: int) -> list[tuple[int | None, Pieces]]:
    """Rows to print, none wider than `columns`: a line's number with its text, 0 with underlines and labels, None for
    lines left out. A line that is too long is cut on either side of what it is about."""
    columns = max(columns, _LEAST)
    bars: dict[int, list[_Bar]] = {}
    for mark in marks:
        for number, bar in _bars(source, mark):
            bars.setdefault(number, []).append(bar)
    rows: list[tuple[int | None, Pieces]] = []
    previous = 0
    for number in sorted(bars):
        if previous and number == previous + 2:
            rows.append((previous + 1, [("plain", _window(visible(source.line(previous + 1)), [], columns)[0])]))
        elif previous and number > previous + 2:
            rows.append((None, []))
        text, moved = _window(_visible_line(source.line(number)), bars[number], columns)
        rows.append((number, [("plain", text.rstrip())]))
        rows += [(0, pieces) for pieces in _underlines(moved, columns)]
        previous = number
    return rows


def _bars(source: Source, mark: Mark) -> list[tuple[int, _Bar]]:
    """The underlines of a mark: one, or one in its first and one in its last line, which has the words."""
    length = len(source.text)
    start, end = min(mark.span.start, length), min(max(mark.span.end, mark.span.start), length)
    while end > start and source.text[end - 1] in "\r\n":
        end -= 1
    first, column = source.position(start)
    last, end_column = source.position(end)
    if first == last:
        return [(first, _bar(source.line(first), column - 1, end_column - 1, mark.text, mark.primary))]
    line = source.line(first)
    ending = source.line(last)
    indent = len(ending) - len(ending.lstrip())
    return [
        (first, _bar(line, column - 1, len(line), "", mark.primary)),
        (last, _bar(ending, min(indent, end_column - 2), end_column - 1, mark.text, mark.primary)),
    ]


def _bar(line: str, start: int, end: int, text: str, primary: bool) -> _Bar:
    edges = _edges(line)
    left, right = edges[max(0, min(start, len(line)))], edges[max(0, min(end, len(line)))]
    return _Bar(left, max(right, left + 1), visible(text), primary)


@lru_cache(maxsize=16)
def _edges(line: str) -> Sequence[int]:
    """The column where each character of a line begins, and the one where the line ends. A long line that has many
    mistakes is measured once."""
    if line.isascii() and line.isprintable():
        return range(len(line) + 1)
    return tuple(accumulate(map(_width, line), initial=0))


def _columns(text: str) -> int:
    return _edges(text)[-1]


def _window(text: str, bars: list[_Bar], columns: int) -> tuple[str, list[_Bar]]:
    """A long line shortened to the part around its bars, the primary one first, and the bars at their new columns."""
    edges = _edges(text)
    total, widest = edges[-1], columns - 2 * len(_CUT)
    if total <= columns:
        return text, bars
    chosen = next((bar for bar in bars if bar.primary), bars[0] if bars else None)
    low = max(0, min((chosen.start if chosen else 0) - widest // 3, total - widest))
    high = low + widest
    if low == 0 or high == total:  # there is nothing to leave out on this side
        low, high = max(0, low - len(_CUT)), min(total, high + len(_CUT))
    kept = []
    for i in range(max(0, bisect_left(edges, low) - 1), min(bisect_right(edges, high), len(text))):
        at, end = edges[i], edges[i + 1]
        if low <= at and end <= high:
            kept.append(text[i])
        elif low <= end and at < high:
            kept.append(" " * max(0, min(end, high) - max(at, low)))
    before, after = (_CUT if low else ""), (_CUT if high < total else "")
    shift = low - len(before)
    moved = []
    for bar in bars:
        start = min(max(bar.start, low), high - 1)
        moved.append(_Bar(start - shift, max(min(bar.end, high), start + 1) - shift, bar.text, bar.primary))
    return before + "".join(kept) + after, moved


def _underlines(bars: list[_Bar], columns: int) -> list[Pieces]:
    """The rows below a line: the underlines with the last one's words behind, then the other words, hung on a `|`.
    Words that would end beyond `columns` begin further left."""
    ordered = sorted(bars, key=lambda bar: (bar.start, bar.end, bar.primary))
    canvas: dict[int, tuple[str, str]] = {}
    for bar in sorted(ordered, key=lambda bar: (bar.primary, bar.start - bar.end)):
        for column in range(bar.start, bar.end):
            canvas[column] = ("^" if bar.primary else "-", bar.style)
    worded = [bar for bar in ordered if bar.text]
    rightmost = max(bar.end for bar in ordered)
    alone = worded and worded[-1].end == rightmost and sum(bar.start == worded[-1].start for bar in worded) == 1
    if alone and rightmost + 1 + _columns(worded[-1].text) <= columns:
        bar = worded.pop()
        _write(canvas, bar.text, bar.style, rightmost + 1)
    rows = [_pieces(canvas)]
    while worded:
        hooks = {bar.start: ("|", bar.style) for bar in worded}
        rows.append(_pieces(hooks))
        bar = worded.pop()
        lines = wrapped(bar.text, columns).split("\n")
        column = max(0, min(bar.start, columns - max(map(_columns, lines))))
        for line in lines:
            hooks = {other.start: ("|", other.style) for other in worded}
            _write(hooks, line, bar.style, column)
            rows.append(_pieces(hooks))
    return rows


def _write(canvas: dict[int, tuple[str, str]], text: str, style: str, column: int) -> None:
    """Write a label at a column, one cell for each character."""
    for character in text:
        canvas[column] = (character, style)
        column += 1


def _pieces(canvas: dict[int, tuple[str, str]]) -> Pieces:
    pieces: Pieces = []
    for column in range(max(canvas) + 1):
        character, style = canvas.get(column, (" ", "plain"))
        if pieces and pieces[-1][0] == style:
            pieces[-1] = (style, pieces[-1][1] + character)
        else:
            pieces.append((style, character))
    return pieces
