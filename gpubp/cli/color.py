"""What the terminal can show: colours, and how many columns; text that fits into them."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from dsl.diagnostics import Diagnostic
from dsl.excerpt import COLUMNS
from dsl.render import to_text

_GAP = re.compile(r"\S {2,}(?=\S)")
"""What parts the columns of a table, or a name from what is said of it."""
JOINT = "\0"
"""A blank at which no line is folded: between a name and its number."""
_LEAST = 40
"""Columns that a text is given, on a terminal however narrow."""


def use_color(stream: object) -> bool:
    """Colour on a terminal, unless NO_COLOR is set (no-color.org)."""
    return _is_terminal(stream) and not os.environ.get("NO_COLOR")


def _is_terminal(stream: object) -> bool:
    return bool(getattr(stream, "isatty", lambda: False)())


def columns_of(stream: object) -> int:
    """The width of the terminal that a stream writes to; that of a page where it is none."""
    return shutil.get_terminal_size((COLUMNS, 24)).columns if _is_terminal(stream) else COLUMNS


def findings(found: Iterable[Diagnostic], stream: object) -> str:
    """Errors and warnings as `stream` shows them: in colour, and fitted to its width, if it is a terminal."""
    columns = columns_of(stream) if _is_terminal(stream) else None
    return "\n\n".join(to_text(one, color=use_color(stream), columns=columns) for one in found)


def say(text: str, hang: int | None = None) -> None:
    """Print text, fitted to the width of the terminal."""
    print(fitted(text, sys.stdout, hang))


def fitted(text: str, stream: object, hang: int | None = None) -> str:
    """The text as it is; but a line that is wider than the terminal which `stream` writes to goes on at a blank, `hang`
    columns in. If no `hang` is given, it goes on below the last column of a table that begins in the left half, or a
    little further in than it began. `JOINT` becomes a blank."""
    if _is_terminal(stream):
        width = max(columns_of(stream), _LEAST)
        text = "\n".join(_folded(line, width, hang) if len(line) > width else line for line in text.split("\n"))
    return text.replace(JOINT, " ")


def say_table(text: str) -> None:
    """Print a table. On a terminal that is narrower, the last columns of each row are below the first, a little further
    in."""
    if _is_terminal(sys.stdout):
        rows = _divided(text.split("\n"), max(columns_of(sys.stdout), _LEAST))
        text = "\n".join(line for row in rows for line in row)
    print(text)


def _divided(rows: Sequence[str], width: int) -> list[list[str]]:
    """The lines of each row: all rows are divided before the same column."""
    longest = max(map(len, rows))
    begins = [
        i
        for i in range(3, longest)
        if not any(row[i - 2 : i].strip() for row in rows) and any(row[i : i + 1].strip() for row in rows)
    ]
    if longest <= width or not begins:
        return [[row] for row in rows]
    at = max((i for i in begins if i - 2 <= width), default=begins[0])
    left = _divided([row[at:] for row in rows], width - 2)
    return [
        [row[:at].rstrip(), *(f"  {line}" for line in lines if line)] for row, lines in zip(rows, left, strict=True)
    ]


def _folded(line: str, width: int, hang: int | None) -> str:
    gaps = [gap.end() for gap in _GAP.finditer(line[: width // 2])]
    begun = len(line) - len(line.lstrip())
    if hang is None:
        hang = gaps[-1] if gaps else min(begun + 2, width // 2)
    wrapper = textwrap.TextWrapper(width, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False)
    return "\n".join(wrapper.wrap(line))
