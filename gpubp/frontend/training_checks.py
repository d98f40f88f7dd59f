"""Options of a training that contradict each other, or the rows that there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from typing import NamedTuple

from dsl.diagnostics import Diagnostic, Label
from dsl.graph import Train

from ..data.batches import optimizer_of
from ..errors import NetError
from .early_stopping import Watch, watch_of
from .net import Net
from .plateau import require_figure
from .states import accumulated


class Length(NamedTuple):
    """The rows of a batch, the steps of an epoch, whose last batch may be smaller, and the steps of a training in
    all."""

    batch: int
    per_epoch: int
    total: int

    def epoch(self, step: int) -> int:
        """The epoch, counted from 1, that a step is of; steps are counted from 1, too."""
        return -(-step // self.per_epoch)


def against_lengths(train: Train) -> Iterator[Diagnostic]:
    """The error of a length that is given twice."""
    if train.options.get("epochs") is not None and train.options.get("steps") is not None:
        labels = (Label(train.spans["epochs"], "this many epochs"),)
        message, span = "`train` has both `epochs` and `steps`", train.spans["steps"]
        yield Diagnostic("E0502", message, span, "this many steps", labels, help=("keep one of them",))


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


def length_of(net: Net, rows: int) -> Length:
    """The length of a training on so many rows."""
    batch, steps = net.batch_size(rows), net.option("steps")
    per_epoch = -(-rows // batch)
    return Length(batch, per_epoch, int(net.option("epochs") or 0) * per_epoch if steps is None else int(steps))


def require_parts(net: Net, parts: Mapping[str, Sized]) -> Watch | None:
    """What decides on the best state of a training on these parts of the data. Raises NetError if the file monitors
    another part, or if it would never update anything."""
    watch = watch_of(net, parts)
    require_figure(net.graph, parts)
    steps = length_of(net, len(parts["train"])).total
    if net.graph.train is not None and steps:
        _require_update(net.graph.train, steps)
    return watch


def _require_update(train: Train, steps: int) -> None:
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
