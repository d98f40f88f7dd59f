"""A training in progress or finished, as callers see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from statistics import median
from typing import Any

from dsl.records import dataclass

from ..data import Dataset, Encoder
from ..executor import Executor
from ..health import Finding
from ..wording import counted
from .prediction import Predictor


@dataclass(eq=False, repr=False)
class Run(Predictor):
    """A training in progress or finished, as `train` returns it and callbacks see it.

    - `executor`: the trained net on its device; `dataset`: its rows, by part.
    - `history`: one record per epoch: `epoch`, `step`, `train.loss`, `train.penalty`, `valid.loss` ...
    - `metrics`: of the finished run over each part of the data: `test.accuracy`, `valid.loss` ...; `tables`: those that
      are not scalars, `test.confusion`.
    - `epochs`: planned in total; `total`: the same in steps; `first_step`: where it started (not 0 after a resume).
    - `stopped`: why it ended before `total`, or ""; `best_epoch`: the epoch whose state the executor holds, if the best
      one was restored.
    - `folder`: where it is saved, if anywhere; `warnings`: what a resume may change.
    - `restarts`: of each restart its `seed`, the `figure` it was ranked by (None if it diverged), its `epochs` and why
      it `stopped`; `judged_by`: the name of that figure.
    - `health`: problems with activations and gradients, at the end.
    """

    executor: Executor
    dataset: Dataset
    epochs: int
    total: int
    first_step: int
    folder: Path | None = None
    warnings: list[str] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    tables: dict[str, list[list[int]]] = field(default_factory=dict)
    stopped: str = ""
    best_epoch: int | None = None
    restarts: list[dict[str, Any]] = field(default_factory=list)
    judged_by: str = ""
    health: list[Finding] = field(default_factory=list)

    @property
    def columns(self) -> Mapping[str, Encoder]:
        """The encoders of each input and target."""
        return self.dataset.encoders

    def __repr__(self) -> str:
        figures = "".join(f", {name} {value:.4g}" for name, value in self.metrics.items())
        return f"<Run of {self.executor.net!r}: {counted(len(self.history), 'epoch')}{figures}>"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run: `step` updates of `total`, `loss` the mean over the examples of the epoch so far, `rate`
    in steps per second."""

    step: int
    total: int
    epoch: int
    epochs: int
    loss: float
    rate: float


def epoch_record(epoch: int, step: int, loss: float, penalty: float, valid: Mapping[str, float]) -> dict[str, float]:
    """The record of an epoch in `history`; `valid`: the metrics of the validation rows."""
    train = {"epoch": float(epoch), "step": float(step), "train.loss": loss, "train.penalty": penalty}
    return train | {f"valid.{name}": value for name, value in valid.items()}


def spread(restarts: list[dict[str, Any]], figure: str) -> str:
    """The spread of the restarts, in one line."""
    figures = [restart["figure"] for restart in restarts if restart["figure"] is not None]
    diverged = len(restarts) - len(figures)
    reach = f"from {min(figures):.4g} to {max(figures):.4g}, median {median(figures):.4g}"
    return f"{len(restarts):,} restarts: {figure} {reach}" + (f"; {diverged:,} diverged" if diverged else "")
