"""What the terminal can show: colours, and how many columns."""

from __future__ import annotations

import os
import shutil

from dsl.excerpt import COLUMNS


def use_color(stream: object) -> bool:
    """Colour on a terminal, unless NO_COLOR is set (no-color.org)."""
    return bool(getattr(stream, "isatty", lambda: False)()) and not os.environ.get("NO_COLOR")


def columns_of(stream: object) -> int:
    """The width of the terminal that a stream writes to; that of a page where it is none."""
    if not getattr(stream, "isatty", lambda: False)():
        return COLUMNS
    return shutil.get_terminal_size((COLUMNS, 24)).columns
