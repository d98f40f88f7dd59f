"""Charts by matplotlib, an optional package: as files, and as SVG inside a page."""

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
MAX_INSIDE = 4
"""Maximum curves whose legend is inside the axes; a longer one is beside them."""
INK = "#010203"
"""Placeholder for the text colour: `currentColor` in a page, black in a file."""

HEAT = "cividis"
"""A colour map made for the colour-blind (Nunez, Anderton & Renslow 2018): lightness rises with the number."""

SIDES = "PuOr_r"
"""A diverging colour map from purple over white to orange (Brewer)."""


def require_matplotlib() -> None:
    """Raise GpubpError if matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise GpubpError(
            "drawing needs matplotlib, which is not installed: `pip install 'gpubp[plot]'` brings it"
        ) from None


@contextmanager
def figure(columns: int, rows: int, width: float, height: float) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure with `columns` by `rows` panels, of a size in inches."""
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
        # Text in an SVG is rendered by the viewer, with its own fonts.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        fig = Figure(figsize=(width, height), layout="constrained")
        yield fig, list(fig.subplots(rows, columns, squeeze=False).flat)


def draw_curves(fig: Figure, axes: Sequence[Axes], panels: Sequence[Panel]) -> None:
    """Draw each panel on one of the axes. Colours tell parts of the data apart, or runs if there are several."""
    from matplotlib.ticker import MaxNLocator

    runs = list(dict.fromkeys(curve.run for panel in panels for curve in panel.curves))
    for ax, panel in zip(axes, panels):
        for curve in panel.curves:
            part = list(DASHES).index(curve.part) % 3
            number = runs.index(curve.run) if len(runs) > 1 else part
            label = plain(", ".join((*((curve.run,) if len(runs) > 1 else ()), *((curve.part,) if curve.part else ()))))
            ax.plot(
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
                ax.fill_between([x for x, _ in curve.points], low, high, color=color, alpha=0.15, linewidth=0)
        values = {y for curve in panel.curves for y in curve.values}
        if panel.by_powers:
            ax.set_yscale("log")
        elif len(values) == 1 and (value := max(values)) > 0:
            ax.set_ylim(0, 1.3 * value)
        ax.set_title(plain(panel.title), loc="left")
        ax.set_xlabel(panel.over)
        if panel.over == EPOCH:
            ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        else:
            ax.set_xscale("log")
        if any(curve.part for curve in panel.curves) or len(runs) > 1:
            beside: Any = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if len(panel.curves) > MAX_INSIDE else {}
            ax.legend(frameon=False, fontsize=9, **beside)
    for ax in axes[len(panels) :]:
        fig.delaxes(ax)


def curves_file(panels: Sequence[Panel], kind: str) -> bytes:
    """The panels as the content of a file of that kind: `png` or `svg`."""
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    names = max(len(panel.curves) for panel in panels)
    with figure(
        columns, rows, (5.6 if names <= MAX_INSIDE else 7.4) * columns, max(3.6, 0.19 * names + 0.5) * rows
    ) as (fig, axes):
        draw_curves(fig, axes, panels)
        if kind == "svg":
            description = "\n".join(f"{panel.title}: {line}" for panel in panels for line in panel.description())
            return as_svg(fig, "curves of a training", description, "white").encode()
        file = io.BytesIO()
        fig.savefig(file, format=kind, dpi=150, facecolor="white", metadata={"Software": None})
        return file.getvalue()


def plain(text: str) -> str:
    """A text that matplotlib shows as it is: it would set what stands between dollars as mathematics, and leave out of
    a legend what begins with a line."""
    shown = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def as_svg(fig: Figure, title: str, description: str, ground: str = "none") -> str:
    """A figure as an SVG element with a text alternative, which names nothing outside of it; on no ground of its own it
    takes the colour of the text around it."""
    file = io.StringIO()
    fig.savefig(file, format="svg", facecolor=ground, metadata={"Date": None}, transparent=ground == "none")
    text = file.getvalue()
    key = "c" + sha256((text + title + description).encode()).hexdigest()[:10]
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{key}-', text)
    text = re.sub(r"url\(#", f"url(#{key}-", text)
    text = re.sub(r'xlink:href="#', f'xlink:href="#{key}-', text)
    text = text.replace(INK, "currentColor" if ground == "none" else "#1b1b1f")
    named = f'class="chart" role="img" aria-labelledby="{key}t {key}d" '
    head, _, body = text.partition(">")
    return (
        f"{head.replace('<svg ', f'<svg {named}')}>\n"
        f'<title id="{key}t">{escape(title)}</title>\n<desc id="{key}d">{escape(description)}</desc>{body}'
    )
