"""Options of a training that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from dsl.diagnostics import Diagnostic
from dsl.graph import LayerGraph, Train

from ..data.batches import optimizer_of
from ..errors import NetError
from .states import accumulated


def against_optimizer(train: Train) -> Iterator[Diagnostic]:
    """The options of a training that contradict how its optimizer finds a step."""
    optimizer = optimizer_of(train)
    if optimizer is None:
        return
    against: dict[str, str] = {}
    if optimizer.line_search:
        against["rates"] = "computes one step for all parameters, but `rates` gives each layer its own length"
        against["clip"] = "follows the gradients of the loss, but `clip` changes them"
    if optimizer.least_squares:
        against["accumulate"] = "computes a step from all rows at once, but `accumulate` divides them"
    if "lr" not in (name for name, _, _ in optimizer.options):
        against["schedule"] = "has no learning rate, which `schedule` changes"
    for key, what in against.items():
        if train.options.get(key) and key in train.spans:
            message = f"`{optimizer.name}` {what}"
            yield Diagnostic("E0523", message, train.spans[key], help=(f"leave `{key}` out",))


def require_update(graph: LayerGraph, steps: int) -> None:
    """Raise NetError if a training of so many batches would never update anything."""
    train = graph.train
    if train is None:
        return
    window = accumulated(train)
    if window > steps:
        message = f"`accumulate` combines {window:,} batches into one update, but the training has only {steps:,}"
        raise NetError(
            [
                Diagnostic(
                    "E0523",
                    message,
                    train.spans.get("accumulate"),
                    help=(f"gather fewer, or train longer: `accumulate = {max(1, steps)}`",),
                )
            ]
        )
