"""Training: epochs of mini-batches, validation, test."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..data import Dataset
from ..data import load as load_data
from ..errors import CheckpointError, DivergedError, GpubpError
from ..executor import Executor
from ..frontend import Net
from .checkpoint import NAME, require_folder, restore, save

Callback = Callable[["Run"], None]


@dataclass(eq=False, repr=False)
class Run:
    """A training in progress or done. `epochs`: how many it is to have in all; `first_step`: where it began (not 0
    after a resume). `history`: one record per epoch (`epoch`, `step`, `train.loss`,
    `train.penalty`, `valid.loss`, ...); `metrics`: the figures of the finished run over each part of the data
    (`test.accuracy`, `valid.loss`, ...)."""

    executor: Executor
    dataset: Dataset
    epochs: int
    first_step: int
    history: list[dict[str, float]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
        return f"<Run of {self.executor.net!r}: {len(self.history):,} epochs{', ' if figures else ''}{figures}>"


def train(
    net: Net,
    device: str = "auto",
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    callbacks: Sequence[Callback] = (),
    *,
    epochs: int | None = None,
    seed: int | None = None,
    precision: str | None = None,
) -> Run:
    """Train a net as its file says; `epochs`, `seed` and `precision` replace the file's.

    `out`: a folder for the final state; `resume`: a folder or file to continue from, with its seed, to the number of
    epochs in all.
    Each callback is called with the run after each epoch. Raises NetError (DataError for the data) for what is wrong
    with the file, DeviceError, CheckpointError, and DivergedError where the loss is no longer a finite number.
    """
    if epochs is not None and (not isinstance(epochs, int) or epochs < 1):
        raise GpubpError(f"epochs must be a whole number of at least 1, not {epochs!r}")
    net.require_training(epochs)
    if out is not None:
        require_folder(Path(out))
    executor = Executor(net, device, precision, seed)
    if resume is not None:
        executor.load_state_dict(restore(Path(resume)))
        if seed is not None and executor.seed != seed:
            raise CheckpointError(f"`{resume}` was trained with the seed {executor.seed} and cannot go on with {seed}")
    # After the state, whose seed draws the split: rows once held back for testing stay so.
    dataset = load_data(net.graph, net.base, executor.seed)
    rows = dataset.part("train")
    if resume is None:
        executor.fit(rows)
    batch = int(net.option("batch", 32))
    per_epoch = -(-len(next(iter(rows.values()))) // batch)
    steps = net.option("steps")
    total = int(steps) if steps is not None and epochs is None else int(epochs or net.option("epochs")) * per_epoch
    run = Run(executor, dataset, -(-total // per_epoch), executor.step)
    placed = executor.place(rows)
    valid = dataset.part("valid") if "valid" in dataset.parts else None
    while executor.step < total:
        first = executor.step
        # To the end of the epoch, which a resumed run may be in the middle of.
        count = min(per_epoch - first % per_epoch, total - first)
        run.history.append(_epoch(executor, placed, first, count, batch, per_epoch))
        if valid is not None:
            run.history[-1] |= {f"valid.{name}": value for name, value in executor.evaluate(valid).items()}
        for callback in callbacks:
            callback(run)
    executor.require_finite()
    for part in dataset.parts:
        figures = executor.evaluate(dataset.part(part))
        for name, value in figures.items():
            if not math.isfinite(value):
                raise DivergedError(f"`{part}.{name}` is {value} after the last step: the outputs are no use")
        run.metrics |= {f"{part}.{name}": value for name, value in figures.items() if name != "penalty"}
    if out is not None:
        save(Path(out) / NAME, executor.state_dict(), {"format": "gpubp-1", "precision": executor.dtype})
    return run


def _epoch(
    executor: Executor, placed: tuple[list[Any], int], first: int, count: int, batch: int, per_epoch: int
) -> dict[str, float]:
    """Train to the end of an epoch. The loss is the mean over the examples, not of batch means."""
    try:
        losses, penalties, sizes = executor.run_steps(placed, count, batch)
    except DivergedError as error:
        raise DivergedError(f"epoch {first // per_epoch + 1:,}: {error}") from None
    host = [float(v) for v in executor.backend.to_host(losses)]
    extra = [float(v) for v in executor.backend.to_host(penalties)]
    for i, (loss, penalty) in enumerate(zip(host, extra, strict=True)):
        if not math.isfinite(loss + penalty):
            step, epoch = first + i + 1, (first + i) // per_epoch + 1
            if step == 1:
                raise DivergedError(
                    f"the loss is {loss + penalty} at step 1, before any update: the data or a formula of the model "
                    "gives it (a division by 0, the logarithm of a negative number, numbers that are too large)"
                )
            raise DivergedError(
                f"the loss is {loss + penalty} at step {step:,} (epoch {epoch:,}): training stopped; a smaller "
                "learning rate usually mends this"
            )
    examples = sum(sizes)
    return {
        "epoch": float((first + count - 1) // per_epoch + 1),
        "step": float(first + count),
        "train.loss": sum(loss * n for loss, n in zip(host, sizes, strict=True)) / examples,
        "train.penalty": extra[-1],
    }
