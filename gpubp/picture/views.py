"""The charts of a report: each a figure with a title and a description in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from ..training import LoadedRun
from ..wording import counted
from .charts import COLORS, HEAT, INK, SIDES, as_svg, draw_curves, figure, plain
from .panel import Panel
from .predictions import Classes, Numbers, Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_WORDS = 30
"""Maximum classes that are named beside a confusion matrix."""
MAX_NUMBERS = 15
"""Maximum classes for which its cells show counts."""
WORST = 12
_SHAPES = "os^DvP"
_SIDE_MARKS = ("#3b1a66", "#7f3b08")
"""Of the rows of two classes, darker than the ground."""

_GRID = 110
"""Grid points along each axis for a decision boundary."""


@dataclass(frozen=True, slots=True)
class View:
    """A chart as SVG, and its description in words."""

    title: str
    svg: str
    description: str


def _view(fig: Any, title: str, lines: Sequence[str]) -> View:
    description = "\n".join(lines)
    return View(title, as_svg(fig, title, description), description)


def curves(panel: Panel) -> View:
    """The curves of a panel."""
    with figure(1, 1, 4.6, 3.2) as (fig, axes):
        draw_curves(fig, axes, [panel])
        return _view(fig, f"{panel.title} by epoch", panel.description())


def gradients(records: Sequence[Mapping[str, Any]]) -> View | None:
    """The root mean square of what comes back to each layer, by step, as colours on a scale of powers of ten; a column
    for each step that was measured. None where there is no such number above zero."""
    import numpy as np

    steps = sorted({record["step"] for record in records})
    layers = list(dict.fromkeys(record["layer"] for record in records))
    at = {step: i for i, step in enumerate(steps)}
    grid = np.full((len(layers), len(steps)), np.nan)
    for record in records:
        value = record["gradient"]
        if isinstance(value, int | float) and math.isfinite(value) and value > 0:
            grid[layers.index(record["layer"]), at[record["step"]]] = math.log10(value)
    if np.isnan(grid).all():
        return None
    with figure(1, 1, 9.0, 1.6 + 0.24 * len(layers)) as (fig, (axes,)):
        image = axes.imshow(grid, aspect="auto", interpolation="nearest", cmap=HEAT)
        axes.grid(False)
        axes.set_yticks(range(len(layers)), [plain(name) for name in layers], fontsize=9)
        shown = range(0, len(steps), -(-len(steps) // 8))
        axes.set_xticks(shown, [f"{steps[i]:,}" for i in shown])
        axes.set_xlabel("step")
        bar = fig.colorbar(image, ax=axes, label="log10 of rms")
        bar.outline.set_visible(False)
        lines = []
        for name, row in zip(layers, grid, strict=True):
            measured = np.flatnonzero(~np.isnan(row))
            if len(measured):
                first, last = measured[0], measured[-1]
                ends = f"{10 ** row[first]:.3g} at step {steps[first]:,}, {10 ** row[last]:.3g} at step {steps[last]:,}"
                lines.append(f"{name}: {ends}; least {10 ** np.nanmin(row):.3g}, most {10 ** np.nanmax(row):.3g}")
            else:
                lines.append(f"{name}: no gradient")
        about = "root mean squares (rms) of the gradients, by layer and measured step; empty where there is none"
        return _view(fig, about, lines)


def confusion(found: Classes) -> View:
    """A confusion matrix; colours are fractions of the true class."""
    table = found.table()
    share = table / table.sum(1, keepdims=True).clip(1)
    count = len(found.words)
    side = min(2.2 + 0.36 * count, 9.0)
    with figure(1, 1, side + 0.8, side) as (fig, (axes,)):
        image = axes.imshow(share, cmap=HEAT, vmin=0, vmax=1, interpolation="nearest")
        axes.grid(False)
        if count <= MAX_WORDS:
            words = [plain(word) for word in found.words]
            axes.set_xticks(range(count), words, rotation=0 if max(map(len, words)) <= 3 else 60)
            axes.set_yticks(range(count), words)
        for i in range(count) if count <= MAX_NUMBERS else ():
            for j in range(count):
                color = "#000000" if share[i, j] > 0.5 else "#ffffff"
                axes.text(j, i, f"{table[i, j]}", ha="center", va="center", color=color, fontsize=9)
        axes.set_xlabel(f"predicted {plain(found.target)}")
        axes.set_ylabel(f"true {plain(found.target)}")
        fig.colorbar(image, ax=axes, label="fraction of the true class", shrink=0.8).outline.set_visible(False)
        right = int(table.trace())
        lines = [f"{right:,} of {int(table.sum()):,} {'rows' if found.places is None else 'positions'} are right."]
        wrong = sorted(((int(table[i, j]), i, j) for i in range(count) for j in range(count) if i != j), reverse=True)
        times = ((counted(n, "time"), found.words[i], found.words[j]) for n, i, j in wrong[:WORST] if n)
        lines += [f"{true} predicted as {taken}: {often}" for often, true, taken in times]
        return _view(fig, f"confusion matrix of {found.target}", lines)


def against(found: Numbers) -> View:
    """Predicted against true numbers, with the line of equality."""
    import numpy as np

    true, predicted = found.true.reshape(-1)[:20_000], found.predicted.reshape(-1)[:20_000]
    low, high = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    with figure(1, 1, 4.8, 4.4) as (fig, (axes,)):
        axes.plot([low, high], [low, high], color=INK, linewidth=1, alpha=0.6, zorder=1)
        # Thousands of marks are one picture, or the page would be large.
        many = len(true) > 1000
        axes.scatter(true, predicted, s=14, color=COLORS[0], alpha=0.5, linewidths=0, rasterized=many)
        axes.set_xlabel(f"true {plain(found.target)}")
        axes.set_ylabel(f"predicted {plain(found.target)}")
        error = predicted - true
        sizes = f"root mean square error {np.sqrt((error**2).mean()):.4g}, largest {np.abs(error).max():.4g}"
        line = f"{len(true):,} numbers; mean error {error.mean():.4g}, {sizes}."
        return _view(fig, f"predicted against true {found.target}", [line])


def boundary(run: LoadedRun, rows: Rows, found: Classes) -> View | None:
    """What the net makes of every point of the plane, for nets with one input of two numbers; the rows as marks. None
    for others."""
    import numpy as np

    (name, points), *more = rows.inputs.items()
    if more or points.shape[1:] != (2,) or found.places is not None:
        return None
    points = points[found.rows]
    low, high = points.min(0), points.max(0)
    edge = 0.08 * np.where(high > low, high - low, 1.0)
    x, y = (np.linspace(a, b, _GRID) for a, b in zip(low - edge, high + edge))
    plane = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    outputs = run.executor.predict({name: plane})
    value = run.executor.backend.to_host(outputs[found.output] if isinstance(outputs, Mapping) else outputs)
    two = value.reshape(len(value), -1).shape[1] == 1
    with figure(1, 1, 5.6, 4.6) as (fig, (axes,)):
        axes.grid(False)
        if two:
            levels, ground = np.linspace(0, 1, 11), value.reshape(_GRID, _GRID).clip(0, 1)
            filled = axes.contourf(x, y, ground, levels=levels, cmap=SIDES, alpha=0.8)
            fig.colorbar(filled, ax=axes, label=plain(found.output))
            axes.contour(x, y, ground, levels=[0.5], colors="#000000", linewidths=1.2)
        else:
            ground = value.argmax(1).reshape(_GRID, _GRID)
            colors = [COLORS[k % len(COLORS)] for k in range(len(found.words))]
            axes.contourf(x, y, ground, levels=np.arange(len(found.words) + 1) - 0.5, colors=colors, alpha=0.3)
        for k, word in enumerate(found.words):
            x_own, y_own = points[found.true == k].T
            color = _SIDE_MARKS[k] if two else COLORS[k % len(COLORS)]
            look: Any = {"marker": _SHAPES[k % len(_SHAPES)], "edgecolors": "white", "linewidths": 0.5}
            look["s"] = 60 if len(points) < 50 else 20
            axes.scatter(x_own, y_own, color=color, label=plain(word), **look)
        if len(found.words) <= MAX_NUMBERS:
            legend = axes.legend(title=plain(found.target), fontsize=9, facecolor="white", labelcolor="black")
            legend.get_title().set_color("black")
        axes.set_xlabel(f"{plain(name)}[0]")
        axes.set_ylabel(f"{plain(name)}[1]")
        taken = (ground > 0.5).astype(int) if two else ground
        shares = ", ".join(f"{word} {(taken == k).mean():.0%}" for k, word in enumerate(found.words))
        lines = [f"The share of the plane shown that is predicted as each class: {shares}."]
        return _view(fig, f"predicted {found.target} over the plane of {name}", lines)


def worst(found: Classes | Numbers) -> tuple[NDArray[Any], str]:
    """The numbers of the rows that the net is most wrong about, the worst first, and by what they were chosen."""
    import numpy as np

    if isinstance(found, Classes):
        return np.argsort(found.probability, kind="stable")[:WORST], "the lowest probability of the true class"
    error = np.abs(found.predicted - found.true).mean(1)
    return np.argsort(-error, kind="stable")[:WORST], "the largest distance between output and target"


def images(values: NDArray[Any], titles: Sequence[str]) -> View | None:
    """Inputs that are pictures, (rows, height, width) or with one or three channels behind. None for others."""
    if values.ndim == 3 and min(values.shape[1:]) > 3:
        values = values[..., None]
    if values.ndim != 4 or values.shape[3] not in (1, 3):
        return None
    columns = 6
    rows = -(-len(values) // columns)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0  # pixels, shown as they are
    with figure(columns, rows, 1.5 * columns, 1.95 * rows) as (fig, axes):
        for place, value, title in zip(axes, values, titles):
            shown = (value - low) / ((high - low) or 1.0)
            place.imshow(
                shown[..., 0] if value.shape[2] == 1 else shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest"
            )
            place.set_title(plain(title), fontsize=9, loc="center")
            place.grid(False)
            place.set_axis_off()
        for place in axes[len(values) :]:
            fig.delaxes(place)
        return _view(fig, "the worst examples", titles)
