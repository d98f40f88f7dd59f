"""The figure of a result: how many times longer each peer takes, a row a case, on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .suite import Case
from .timing import Spread

# Colours of Okabe & Ito (2008), told apart by the colour-blind and on white and black; each peer has a shape as well.
LOOKS = {
    "torch": ("PyTorch", "#d55e00", "o"),
    "jax": ("JAX", "#0087c8", "s"),
    "sklearn": ("scikit-learn", "#009e73", "^"),
    "tinygrad": ("tinygrad", "#cc79a7", "D"),
}
INK = "#808080"
"""Of text and lines: its contrast is about 4 to 1 on white and on black."""


def draw(lines: Sequence[tuple[Case, Mapping[str, Spread]]], path: Path) -> None:
    """Write the figure; its background is left out. The same result gives the same bytes of an SVG."""
    import matplotlib

    matplotlib.use("Agg")
    settings = {"svg.fonttype": "none", "svg.hashsalt": "gpubp", "font.family": "sans-serif", "font.size": 9}
    settings |= dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor"), INK)
    with matplotlib.rc_context(settings):
        _draw([(case, ratios) for case, ratios in lines if ratios], path)


def _draw(lines: Sequence[tuple[Case, Mapping[str, Spread]]], path: Path) -> None:
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter

    figure, axes = pyplot.subplots(figsize=(7.5, 1.2 + 0.27 * len(lines)), layout="constrained")
    places = range(len(lines))
    for peer, (name, colour, shape) in LOOKS.items():
        found = [(y, ratios[peer]) for y, (_, ratios) in zip(places, lines, strict=True) if peer in ratios]
        if found:
            x, y = [s.median for _, s in found], [y for y, _ in found]
            spread = [[s.median - s.low for _, s in found], [s.high - s.median for _, s in found]]
            axes.errorbar(x, y, xerr=spread, fmt=shape, color=colour, label=name, markersize=6, linewidth=1)
    axes.set_xscale("log")
    axes.axvline(1.0, color=INK, linewidth=1)
    axes.set_yticks(list(places), [case.title for case, _ in lines])
    axes.invert_yaxis()
    axes.grid(axis="x", color=INK, alpha=0.25, linewidth=0.5)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.set_xlabel("times as long as gpubp with compiled kernels (right of the line: gpubp is faster)")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper center", ncols=len(LOOKS), frameon=False)
    kind = {"metadata": {"Date": None}} if path.suffix == ".svg" else {"dpi": 120}
    figure.savefig(path, transparent=True, **kind)
    pyplot.close(figure)
