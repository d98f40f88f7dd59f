"""What the optimizer of a training requires of its mini-batches."""

from __future__ import annotations

from dsl.graph import Choice, Train

from ..registry import Entry, lookup


def optimizer_of(train: Train | None) -> Entry | None:
    """The optimizer of a training; None where there is neither."""
    choice = None if train is None else train.options.get("optimizer")
    return lookup("optimizer", choice.name) if isinstance(choice, Choice) else None


def takes_all_rows(train: Train | None) -> bool:
    """Whether a mini-batch is of all rows to train on: the optimizer requires them in every update, and the file says
    nothing else."""
    optimizer = optimizer_of(train)
    full = optimizer is not None and optimizer.full_batch
    return full and train is not None and train.spans.keys().isdisjoint(("batch", "accumulate"))
