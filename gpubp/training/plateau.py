"""The schedule `plateau`: lowers the learning rate after epochs without improvement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..frontend import BEST, BEST_STEP, EPOCH_STEPS, RATE_SCALE, STEP, Stand
from ..frontend.plateau import Plateau


class HasCounters(Protocol):
    """An executor, or one of several restarts."""

    @property
    def counters(self) -> Mapping[str, float]:
        """The scalars of training state."""

    def set_counters(self, values: Mapping[str, float]) -> None:
        """Write some of them."""


def adapt_rate(plateau: Plateau, executor: HasCounters, figures: Mapping[str, float]) -> None:
    """Adapt the learning rate to the metrics of an epoch. The memory of the plateau consists of counters of the
    executor, so that it can be resumed. Raises KeyError if the monitored metric is not among them."""
    kept = executor.counters
    stand = Stand(kept[BEST], int(kept[BEST_STEP]), kept[RATE_SCALE])
    now = plateau.after(stand, figures, int(kept[STEP]), kept[EPOCH_STEPS])
    executor.set_counters({BEST: now.best, BEST_STEP: now.since, RATE_SCALE: now.scale})
