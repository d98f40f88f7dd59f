"""The schedule `plateau`: which metric it monitors, and how it changes the learning rate."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from dsl.diagnostics import Diagnostic
from dsl.graph import Choice, Duration, LayerGraph
from dsl.records import dataclass

from .figures import check_monitored, higher_is_better, require_part


@dataclass(frozen=True, slots=True)
class Plateau:
    """The file's settings. `figure`: the name of the monitored metric; `rising`: higher is better. `patience` counts
    epochs or, if `in_epochs` is false, steps."""

    figure: str
    rising: bool
    factor: float
    patience: float
    in_epochs: bool
    least: float

    def after(self, stand: Stand, figures: Mapping[str, float], step: int, epoch_steps: float) -> Stand:
        """The state after an epoch that ended at `step` with these metrics; `epoch_steps`: the batches of an epoch.
        Raises KeyError if the monitored metric is not among them."""
        figure = figures[self.figure]
        patience = self.patience * (epoch_steps if self.in_epochs else 1)
        return stand.after(
            -figure if self.rising else figure, step, factor=self.factor, patience=patience, least=self.least
        )


@dataclass(frozen=True, slots=True)
class Stand:
    """The state of a plateau: the best value so far, lower being better; the step at which it was reached or the rate
    last fell; the learning-rate factor."""

    best: float = math.inf
    since: int = 0
    scale: float = 1.0

    def after(self, figure: float, step: int, *, factor: float, patience: float, least: float) -> Stand:
        """The state after a new value. If there is no improvement for `patience` steps, the rate is multiplied by
        `factor`, down to `least`, and the patience restarts. NaN is never an improvement."""
        if figure < self.best:
            return Stand(figure, step, self.scale)
        if step - self.since < patience:
            return self
        return Stand(self.best, step, max(self.scale * factor, min(least, self.scale)))


def plateau_choice(graph: LayerGraph) -> Choice | None:
    """The file's `plateau` option, also inside another schedule."""
    found = graph.choice("schedule")
    while found is not None and found.name != "plateau":
        found = next((value for value in found.options.values() if isinstance(value, Choice)), None)
    return found


def plateau_of(graph: LayerGraph) -> Plateau | None:
    """The file's settings, if it uses a plateau."""
    choice = plateau_choice(graph)
    if choice is None:
        return None
    options = choice.options
    figure, patience = str(options["figure"]), options["patience"]
    assert isinstance(patience, Duration)
    factor, least = options["factor"], options["least"]
    assert isinstance(factor, int | float)
    assert isinstance(least, int | float)
    return Plateau(figure, higher_is_better(graph, figure), factor, patience.amount, patience.unit == "epochs", least)


def check_plateau(graph: LayerGraph) -> list[Diagnostic]:
    """The error in the monitored metric, if any."""
    choice = plateau_choice(graph)
    return [] if choice is None else check_monitored(graph, choice, "E0522")


def require_figure(graph: LayerGraph, parts: Collection[str]) -> None:
    """Raise NetError if the plateau monitors a part of the data that does not exist."""
    choice = plateau_choice(graph)
    if choice is not None:
        require_part(choice, parts, "`plateau`", "E0522")
