"""Curves as text: eight points per character, by Unicode braille patterns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from .panel import EPOCH, Curve, Panel

COLORS = (34, 33, 32, 35, 36, 31)
"""Blue, yellow, green, magenta, cyan, red, as terminals number them; each curve is named beside its colour, too."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800
"""The code point of the blank pattern; the bits added to it are the dots."""

_HEIGHT, _LABEL = 12, 10
"""Lines of a panel, and characters of the numbers beside it."""

_DOWN = 4 * _HEIGHT - 1
"""The lowest row of dots, from 0."""


def as_text(panels: Sequence[Panel], columns: int, color: bool) -> str:
    """The panels below each other, in so many columns. Without colour every curve has a panel of its own, on the same
    axes."""
    out = []
    for panel in panels:
        if color or len(panel.curves) == 1:
            out.append(_panel(panel, panel, columns, color))
        else:
            out += [_panel(replace(panel, curves=(curve,)), panel, columns, color) for curve in panel.curves]
    return "\n\n".join(out)


def _panel(panel: Panel, axes: Panel, columns: int, color: bool) -> str:
    """One panel, on the axes of `axes`, which may have more curves."""
    width = max(columns - _LABEL - 3, 10)
    points = [point for curve in axes.curves for point in curve.points]
    scale_x = float if axes.over == EPOCH else math.log10
    low_x, high_x = min(scale_x(x) for x, _ in points), max(scale_x(x) for x, _ in points)
    scale = math.log10 if axes.by_powers else float
    low, high = min(scale(y) for _, y in points), max(scale(y) for _, y in points)
    if flat := low == high:
        low, high = low - (0.1 * abs(low) or 1.0), high + (0.1 * abs(high) or 1.0)
    across = 2 * width - 1
    cells: dict[tuple[int, int], tuple[int, int]] = {}
    for number, curve in enumerate(panel.curves):
        dots = [
            (
                round(across * (scale_x(x) - low_x) / ((high_x - low_x) or 1.0)),
                round(_DOWN * (high - scale(y)) / (high - low)),
            )
            for x, y in curve.points
        ]
        for x, y in _joined(dots):
            mask, _ = cells.get((y // 4, x // 2), (0, number))
            cells[y // 4, x // 2] = mask | _DOTS[y % 4][x % 2], number
    names = "   ".join(_painted(_name(curve), number, color) for number, curve in enumerate(panel.curves))
    lines = [f"{panel.title}{', by powers of ten' if axes.by_powers else ''}   {names}"]
    # A value that never changes is named beside its line.
    marks = {row: (low + high) / 2 for row, _ in cells} if flat else _marks(low, high, axes.by_powers)
    for row in range(_HEIGHT):
        label = f"{10 ** marks[row] if axes.by_powers else marks[row]:.4g}" if row in marks else ""
        text = "".join(
            _painted(chr(_BLANK + cells[row, x][0]), cells[row, x][1], color) if (row, x) in cells else " "
            for x in range(width)
        )
        lines.append(f"{label.rjust(_LABEL)} │{text}".rstrip())
    ends = (end(x for x, _ in points) for end in (min, max))
    first, last = (f"{x:g}" if axes.over == EPOCH else f"{x:.2g}" for x in ends)
    lines.append(f"{' ' * _LABEL} └{'─' * width}")
    room = width - len(first) - len(last)
    name = axes.over if len(axes.over) + 2 <= room else " "
    lines.append(f"{' ' * _LABEL}  {first}{name.center(room)}{last}")
    return "\n".join(lines)


def _marks(low: float, high: float, by_powers: bool) -> dict[int, float]:
    """The numbers beside an axis from `low` to `high`, by line: its ends, and between them each power of ten, if the
    axis is by these, else every third line."""
    if by_powers:
        powers = range(math.ceil(low), math.ceil(high))
        between: dict[int, float] = {round(_DOWN * (high - power) / (high - low)) // 4: power for power in powers}
    else:
        between = {row: high - (high - low) * (4 * row + 1.5) / _DOWN for row in range(3, _HEIGHT - 1, 3)}
    return between | {0: high, _HEIGHT - 1: low}


def _joined(dots: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """The dots, joined by straight lines."""
    found = set(dots)
    for (x, y), (to_x, to_y) in pairwise(dots):
        steps = max(abs(to_x - x), abs(to_y - y), 1)
        found |= {(x + round((to_x - x) * i / steps), y + round((to_y - y) * i / steps)) for i in range(steps)}
    return found


def _name(curve: Curve) -> str:
    return f"{curve.part} ({curve.run})" if curve.part else curve.run


def _painted(text: str, number: int, color: bool) -> str:
    return f"\x1b[{COLORS[number % len(COLORS)]}m{text}\x1b[0m" if color else text
