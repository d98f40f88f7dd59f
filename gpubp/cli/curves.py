"""Curves in the terminal or in a file, as `plot` and `range` show them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from dsl.excerpt import visible

from ..errors import GpubpError
from ..picture import Panel, as_text, curves_file
from .color import columns_of, use_color
from .output import write_output


def picture_path(name: str | None) -> Path | None:
    """The file to draw curves to, None for the terminal. Raises GpubpError for one of another kind."""
    path = None if name is None else Path(name)
    if path is not None and path.suffix.lower() not in (".png", ".svg"):
        raise GpubpError(f"`{visible(str(path))}` is neither a .png nor an .svg file")
    return path


def draw(curves: Sequence[Panel], path: Path | None) -> None:
    """Write curves to a file, or print them. Raises GpubpError."""
    if path is not None:
        write_output(path, curves_file(curves, path.suffix.lower().removeprefix(".")))
        return
    text = as_text(curves, columns_of(sys.stdout), use_color(sys.stdout))
    require_signs(text, sys.stdout.encoding)
    print(text)


def require_signs(text: str, encoding: str | None) -> None:
    """Raises GpubpError where the output has no signs to draw with: escapes in their place are no picture."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        help = "`-o curves.svg` writes a picture, `PYTHONIOENCODING=utf-8` makes it UTF-8"
        raise GpubpError(f"the encoding of the output, {encoding}, has no signs to draw curves with: {help}") from None
