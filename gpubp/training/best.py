"""The best state so far, by a metric evaluated after each epoch, and the patience of early stopping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from dsl.records import dataclass

from ..executor.checkpoint import Saved
from ..frontend import Watch


@dataclass(slots=True)
class Best:
    """The best state according to `watch`: the metric's value at `epoch`, after `step` updates. `saved`: that state, if
    it is kept; `fresh`: not written to the run's folder yet."""

    watch: Watch
    value: float | None = None
    step: int = 0
    epoch: int = 0
    saved: Saved | None = None
    fresh: bool = False

    def improves(self, record: Mapping[str, float]) -> bool:
        """Record the metric of an epoch if it is an improvement; a non-finite value never is."""
        value = record[self.watch.figure]
        if not math.isfinite(value):
            return False
        if self.value is not None:
            gain = value - self.value if self.watch.rising else self.value - value
            if not gain > self.watch.min_delta:
                return False
        self.value, self.step, self.epoch = value, int(record["step"]), int(record["epoch"])
        return True

    def patience_exhausted(self, step: int, per_epoch: int) -> bool:
        """Whether the patience is exhausted after `step` updates. Without a value yet, it counts from the beginning."""
        patience = self.watch.patience
        if patience is None:
            return False
        steps = patience.amount * (per_epoch if patience.unit == "epochs" else 1)
        return step - self.step >= max(steps, 1)

    def state(self) -> dict[str, Any]:
        """The state to save for a resume."""
        return {"figure": self.watch.figure, "value": self.value, "step": self.step, "epoch": self.epoch}

    def resume(self, known: Mapping[str, Any], saved: Saved | None) -> None:
        """Restore what `state` returned, if it is about the same metric."""
        if known.get("figure") == self.watch.figure and known.get("value") is not None:
            self.value, self.step, self.epoch = float(known["value"]), int(known["step"]), int(known["epoch"])
            self.saved = saved


@dataclass(slots=True)
class Sums:
    """Running sums of an unfinished epoch: the losses of its examples, summed batch by batch, so that an epoch run in
    pieces gives the same bits."""

    loss: float = 0.0
    examples: int = 0
    penalty: float = 0.0

    def add(self, losses: list[float], penalties: list[float], sizes: list[int]) -> None:
        """Add the batches of a piece."""
        for loss, size in zip(losses, sizes, strict=True):
            self.loss += loss * size
            self.examples += size
        self.penalty = penalties[-1]

    def state(self) -> dict[str, float]:
        """The state to save for a resume."""
        return asdict(self)
