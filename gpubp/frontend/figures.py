"""Names of loss and metric values, such as `valid.loss` and `train.penalty`, properties of the metrics, and errors in
what an entry of `train` monitors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from dsl.diagnostics import Diagnostic
from dsl.graph import Choice, LayerGraph
from dsl.source import Span

from ..errors import NetError
from ..registry import ENTRIES, Entry


def figures(graph: LayerGraph) -> list[str]:
    """The scalar values computed after each epoch, if there is a validation part."""
    metrics = [name for name in _metrics(graph) if name not in tables(graph)]
    return [*(f"valid.{name}" for name in ("loss", *metrics, "penalty")), "train.loss", "train.penalty"]


def tables(graph: LayerGraph) -> frozenset[str]:
    """The metrics that are tables, not scalars."""
    return frozenset(name for name, entry in _metrics(graph).items() if entry is not None and entry.table)


def higher_is_better(graph: LayerGraph, figure: str) -> bool:
    """Whether higher is better, according to the metric's definition."""
    entry = _metrics(graph).get(figure.partition(".")[2])
    return entry is not None and entry.rising


def check_monitored(graph: LayerGraph, choice: Choice, code: str) -> list[Diagnostic]:
    """The error in the metric that an entry of `train` monitors, its option `figure`, if any."""
    figure, known = str(choice.options["figure"]), figures(graph)
    if figure in known:
        return []
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
    help = f"did you mean `{near[0]}`?" if near else shown
    return [Diagnostic(code, message, _place(choice), notes=(shown,) if near else (), help=(help,))]


def require_part(choice: Choice, parts: Collection[str], what: str, code: str) -> None:
    """Raise NetError if `what`, an entry of `train`, monitors a part of the data that does not exist."""
    figure = str(choice.options["figure"])
    part = figure.partition(".")[0]
    if part not in parts:
        message = f"{what} monitors `{figure}`, but the data has no part `{part}`"
        help = ("`split = split(valid = 20%)` in `data` holds rows back for it",)
        raise NetError([Diagnostic(code, message, _place(choice), help=help)])


def _place(choice: Choice) -> Span:
    return choice.option_spans.get("figure", choice.span)


def _metrics(graph: LayerGraph) -> dict[str, Entry | None]:
    """The file's metrics by name, with their definitions; None for a plain value."""
    return {name: ENTRIES.get((node.part, node.kind)) for name, node in graph.metrics}
