"""`early_stop`: which metric it monitors, and whether that exists."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Annotated

from dsl.diagnostics import Diagnostic
from dsl.graph import Duration, LayerGraph, Word
from dsl.records import dataclass

from ..registry import Flag, NonNegative, OptionType, lookup, register
from .figures import check_monitored, higher_is_better, require_part
from .net import Net

Figure = Annotated[str, OptionType(("path",))]
Patience = Annotated[Duration, OptionType(("duration",))]
Direction = Annotated[Word | str, OptionType(("word",), words=("auto", "min", "max"))]


@dataclass(frozen=True, slots=True)
class Watch:
    """The metric that decides which state is best: `valid.loss`, `valid.accuracy`. `rising`: higher is better. A state
    must improve by more than `min_delta`. `patience`: training stops that long after the best state, None means never.
    `restore`: the best state is the result."""

    figure: str
    rising: bool
    min_delta: float = 0.0
    patience: Duration | None = None
    restore: bool = False


@register("stop", "early_stop")
def early_stop(
    *, figure: Figure, patience: Patience, min_delta: NonNegative = 0.0, mode: Direction = "auto", restore: Flag = True
) -> Watch:
    """End the training when `figure`, evaluated after each epoch, has not improved by more than `min_delta` for
    `patience`. `mode`: whether lower (`min`) or higher (`max`) is better; `auto` knows this for the built-in metrics.
    `restore`: the result is the best state, not the last."""
    word = mode.name if isinstance(mode, Word) else mode
    return Watch(figure, word == "max", float(min_delta), patience, bool(restore))


def watch_of(net: Net, parts: Collection[str]) -> Watch | None:
    """What decides on the best state: early stopping, or else the validation loss, or nothing. `parts`: those of the
    data. Raises NetError if the metric belongs to a part that does not exist."""
    choice = net.graph.choice("early_stop")
    if choice is None:
        return Watch("valid.loss", rising=False) if "valid" in parts else None
    watch: Watch = lookup("stop", choice.name).function(**choice.options)
    require_part(choice, parts, "early stopping", "E0504")
    mode = choice.options["mode"]
    if isinstance(mode, Word) and mode.name == "auto":
        return replace(watch, rising=higher_is_better(net.graph, watch.figure))
    return watch


def check_stop(graph: LayerGraph) -> list[Diagnostic]:
    """The error in the metric that early stopping names, if any."""
    choice = graph.choice("early_stop")
    return [] if choice is None else check_monitored(graph, choice, "E0504")
