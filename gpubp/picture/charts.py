"""Charts by matplotlib, an optional package: as files, and as SVG that stands inside a page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING, Any

from ..errors import GpubpError
from .panel import EPOCH, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#0072b2", "#d55e00", "#009e73", "#b8578f", "#8a6d00", "#6b6bd6")
"""Told apart by the colour-blind, and on white and on black: the first three are those of Okabe & Ito (2008), the
others are darker than theirs. Parts of the data have a dash of their own, too, and further runs a mark."""

DASHES: Mapping[str, Any] = {"train": "-", "valid": (0, (5, 2)), "test": (0, (1, 1.5)), "": "-"}
MARKS = ("", "o", "s", "^", "D", "v")
MOST_INSIDE = 4
"""Names of curves that stand within their axes; more stand beside them, one below the other."""
INK = "#010203"
"""Stands for the colour of the text around an SVG inside a page; black in a file."""

HEAT = "cividis"
"""A colour map made for the colour-blind (Nunez, Anderton & Renslow 2018): lightness rises with the number."""

SIDES = "PuOr_r"
"""From purple for one side over white to orange for the other (Brewer)."""


def require_matplotlib() -> None:
    """Raise GpubpError where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise GpubpError(
            "drawing needs matplotlib, which is not installed: `pip install 'gpubp[plot]'` brings it"
        ) from None


@contextmanager
def figure(columns: int, rows: int, width: float, height: float) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure of so many panels and inches."""
    require_matplotlib()
    import matplotlib
    from matplotlib.figure import Figure

    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "gpubp", "font.family": "sans-serif"}
    settings |= {"font.size": 10, "axes.titlesize": 11, "axes.spines.top": False, "axes.spines.right": False}
    settings |= {"axes.grid": True, "grid.alpha": 0.2, "grid.color": INK, "lines.linewidth": 1.8}
    settings |= dict.fromkeys(
        ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor", "axes.titlecolor"), INK
    )
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # Texts of an SVG are drawn by who shows it, with fonts of its own.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        made = Figure(figsize=(width, height), layout="constrained")
        yield made, list(made.subplots(rows, columns, squeeze=False).flat)


def draw_curves(made: Figure, axes: Sequence[Axes], panels: Sequence[Panel]) -> None:
    """Each panel on one of the axes. With one run a colour is a part of the data, with several a run."""
    from matplotlib.ticker import MaxNLocator

    runs = list(dict.fromkeys(curve.run for panel in panels for curve in panel.curves))
    for place, panel in zip(axes, panels):
        for curve in panel.curves:
            part = list(DASHES).index(curve.part) % 3
            number = runs.index(curve.run) if len(runs) > 1 else part
            label = plain(", ".join((*((curve.run,) if len(runs) > 1 else ()), *((curve.part,) if curve.part else ()))))
            place.plot(
                *zip(*curve.points),
                color=COLORS[number % len(COLORS)],
                linestyle=DASHES[curve.part],
                marker=MARKS[number // len(COLORS) % len(MARKS)] or ("o" if len(curve.points) == 1 else ""),
                markersize=5,
                markevery=max(len(curve.points) // 10, 1),
                label=label,
            )
            if curve.spread:
                low, high = zip(*curve.spread)
                color = COLORS[number % len(COLORS)]
                place.fill_between([x for x, _ in curve.points], low, high, color=color, alpha=0.15, linewidth=0)
        values = {y for curve in panel.curves for y in curve.values}
        if panel.by_powers:
            place.set_yscale("log")
        elif len(values) == 1 and (value := max(values)) > 0:
            place.set_ylim(0, 1.3 * value)
        place.set_title(plain(panel.title), loc="left")
        place.set_xlabel(panel.over)
        if panel.over == EPOCH:
            place.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        else:
            place.set_xscale("log")
        if any(curve.part for curve in panel.curves) or len(runs) > 1:
            beside: Any = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if len(panel.curves) > MOST_INSIDE else {}
            place.legend(frameon=False, fontsize=9, **beside)
    for place in axes[len(panels) :]:
        made.delaxes(place)


def curves_file(panels: Sequence[Panel], kind: str) -> bytes:
    """The panels as the bytes of a file: `png` or `svg`."""
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    names = max(len(panel.curves) for panel in panels)
    with figure(
        columns, rows, (5.6 if names <= MOST_INSIDE else 7.4) * columns, max(3.6, 0.19 * names + 0.5) * rows
    ) as (made, axes):
        draw_curves(made, axes, panels)
        if kind == "svg":
            told = "\n".join(f"{panel.title}: {line}" for panel in panels for line in panel.told())
            return as_svg(made, "curves of a training", told, "white").encode()
        file = io.BytesIO()
        made.savefig(file, format=kind, dpi=150, facecolor="white", metadata={"Software": None})
        return file.getvalue()


def plain(text: str) -> str:
    """A text that matplotlib shows as it is: it would set what stands between dollars as mathematics, and leave out of
    a legend what begins with a line."""
    shown = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def as_svg(made: Figure, title: str, told: str, ground: str = "none") -> str:
    """A figure as an SVG element with a text alternative, which names nothing outside of it; on no ground of its own it
    takes the colour of the text around it."""
    file = io.StringIO()
    made.savefig(file, format="svg", facecolor=ground, metadata={"Date": None}, transparent=ground == "none")
    text = file.getvalue()
    key = "c" + sha256((text + title + told).encode()).hexdigest()[:10]
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{key}-', text)
    text = re.sub(r"url\(#", f"url(#{key}-", text)
    text = re.sub(r'xlink:href="#', f'xlink:href="#{key}-', text)
    text = text.replace(INK, "currentColor" if ground == "none" else "#1b1b1f")
    named = f'class="chart" role="img" aria-labelledby="{key}t {key}d" '
    head, _, body = text.partition(">")
    return (
        f"{head.replace('<svg ', f'<svg {named}')}>\n"
        f'<title id="{key}t">{escape(title)}</title>\n<desc id="{key}d">{escape(told)}</desc>{body}'
    )
