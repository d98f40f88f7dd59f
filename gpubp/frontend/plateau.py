"""The schedule `plateau`: which figure it looks at, and what it makes of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from dsl.diagnostics import Diagnostic
from dsl.graph import Choice, Duration, LayerGraph, Static
from dsl.records import dataclass

from ..errors import NetError
from .figures import figures, rises


@dataclass(frozen=True, slots=True)
class Plateau:
    """What the file asks for. `figure`: its name among the figures of an epoch; `rising`: more of it is better.
    `patience` counts epochs or, where `in_epochs` is false, steps."""

    figure: str
    rising: bool
    factor: float
    patience: float
    in_epochs: bool
    least: float

    def after(self, stand: Stand, figures: Mapping[str, float], step: int, epoch_steps: float) -> Stand:
        """Where it stands after the figures of an epoch that ended at a step; `epoch_steps`: the batches of an epoch.
        Raises KeyError where its figure is not among them."""
        figure = figures[self.figure]
        patience = self.patience * (epoch_steps if self.in_epochs else 1)
        return stand.after(
            -figure if self.rising else figure, step, factor=self.factor, patience=patience, least=self.least
        )


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a plateau stands: the best figure so far, less being better; the step it was of or at which the rate last
    fell; the factor of the rate."""

    best: float = math.inf
    since: int = 0
    scale: float = 1.0

    def after(self, figure: float, step: int, *, factor: float, patience: float, least: float) -> Stand:
        """Where it stands after a figure. One that has not become better for `patience` steps multiplies the rate by
        `factor`, down to `least`, and the patience begins anew. A NaN is no better than anything."""
        if figure < self.best:
            return Stand(figure, step, self.scale)
        if step - self.since < patience:
            return self
        return Stand(self.best, step, max(self.scale * factor, min(least, self.scale)))


def plateau_choice(graph: LayerGraph) -> Choice | None:
    """The word `plateau` of the file, also inside another schedule."""
    found: Static = graph.train.options.get("schedule") if graph.train is not None else None
    while isinstance(found, Choice) and found.name != "plateau":
        found = next((value for value in found.options.values() if isinstance(value, Choice)), None)
    return found if isinstance(found, Choice) else None


def plateau_of(graph: LayerGraph) -> Plateau | None:
    """What the file asks for, if it does."""
    choice = plateau_choice(graph)
    if choice is None or graph.train is None:
        return None
    options = choice.options
    figure, patience = str(options["figure"]), options["patience"]
    assert isinstance(patience, Duration)
    factor, least = options["factor"], options["least"]
    assert isinstance(factor, int | float)
    assert isinstance(least, int | float)
    return Plateau(figure, rises(graph, figure), factor, patience.amount, patience.unit == "epochs", least)


def check_plateau(graph: LayerGraph) -> list[Diagnostic]:
    """What is wrong with the figure that the plateau names."""
    choice = plateau_choice(graph)
    if choice is None:
        return []
    figure, known = str(choice.options["figure"]), figures(graph)
    if figure in known:
        return []
    span = choice.option_spans.get("figure", choice.span)
    help = (f"the figures are {', '.join(f'`{name}`' for name in known)}",)
    return [Diagnostic("E0522", f"there is no figure `{figure}` after an epoch", span, help=help)]


def require_figure(graph: LayerGraph, parts: Collection[str]) -> None:
    """Raise NetError where the plateau looks at a part of the data that is not there."""
    choice = plateau_choice(graph)
    part = str(choice.options["figure"]).partition(".")[0] if choice is not None else ""
    if choice is not None and part not in parts:
        help = ("`split = split(valid = 20%)` in `data` holds rows back for it",)
        message = f"`plateau` looks at `{choice.options['figure']}`, and the data has no part `{part}`"
        raise NetError([Diagnostic("E0522", message, choice.option_spans.get("figure", choice.span), help=help)])
