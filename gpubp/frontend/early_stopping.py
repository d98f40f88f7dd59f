"""`early_stop`: which metric it monitors, and whether that exists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Annotated

from dsl.diagnostics import Diagnostic
from dsl.graph import Duration, LayerGraph, Word
from dsl.records import dataclass

from ..errors import NetError
from ..registry import Flag, NonNegative, OptionType, lookup, register
from .figures import figures, higher_is_better, tables
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


def watch_of(net: Net, parts: Iterable[str]) -> Watch | None:
    """What decides on the best state: early stopping, or else the validation loss, or nothing. `parts`: those of the
    data. Raises NetError if the metric belongs to a part that does not exist."""
    choice = net.graph.choice("early_stop")
    if choice is None:
        return Watch("valid.loss", rising=False) if "valid" in parts else None
    watch: Watch = lookup("stop", choice.name).function(**choice.options)
    part = watch.figure.partition(".")[0]
    if part not in parts:
        span = choice.option_spans.get("figure", choice.span)
        message = f"early stopping monitors `{watch.figure}`, but the data has no part `{part}`"
        help = ("`split = split(valid = 20%)` in `data` holds rows back for it",)
        raise NetError([Diagnostic("E0504", message, span, help=help)])
    mode = choice.options["mode"]
    if isinstance(mode, Word) and mode.name == "auto":
        return replace(watch, rising=higher_is_better(net.graph, watch.figure))
    return watch


def check_stop(graph: LayerGraph) -> list[Diagnostic]:
    """The error in the metric that early stopping names, if any."""
    choice = graph.choice("early_stop")
    if choice is None:
        return []
    figure, known = str(choice.options["figure"]), figures(graph)
    if figure in known:
        return []
    span = choice.option_spans.get("figure", choice.span)
    part, _, name = figure.rpartition(".")
    near: Sequence[str] = get_close_matches(figure, known, 1, 0.7)
    if part == "test":
        message = f"`{figure}` is computed once, at the end: what influences the training is not a test"
        near = [f"valid.{name}"] if f"valid.{name}" in known else near
    elif name in tables(graph):
        message, near = f"`{figure}` is a table: only a number can be monitored", []
    elif f"valid.{figure}" in known:
        message, near = f"a metric is named with its part of the data, which `{figure}` lacks", [f"valid.{figure}"]
    else:
        message = f"`{figure}` is not computed after an epoch"
    shown = f"available are {', '.join(f'`{one}`' for one in known)}"
    return [
        Diagnostic(
            "E0504",
            message,
            span,
            notes=(shown,) if near else (),
            help=(f"did you mean `{near[0]}`?",) if near else (shown,),
        )
    ]
