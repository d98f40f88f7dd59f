"""The schedule `plateau`: after each epoch the learning rate may fall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..frontend import BEST, BEST_STEP, EPOCH_STEPS, RATE_SCALE, STEP, Net, Stand, plateau_of


class Trained(Protocol):
    """An executor, or one restart of several."""

    @property
    def net(self) -> Net:
        """What is trained."""

    @property
    def counters(self) -> Mapping[str, float]:
        """The scalars that the training keeps."""

    def set_counters(self, values: Mapping[str, float]) -> None:
        """Write some of them."""


def look(executor: Trained, figures: Mapping[str, float]) -> None:
    """Adapt the learning rate to the figures of an epoch, where the file asks for it. All that is remembered are
    counters of the executor, with which a resume goes on. Raises KeyError where the figure is not among them."""
    plateau = plateau_of(executor.net.graph)
    if plateau is None:
        return
    kept = executor.counters
    stand = Stand(kept[BEST], int(kept[BEST_STEP]), kept[RATE_SCALE])
    now = plateau.after(stand, figures, int(kept[STEP]), kept[EPOCH_STEPS])
    executor.set_counters({BEST: now.best, BEST_STEP: now.since, RATE_SCALE: now.scale})
