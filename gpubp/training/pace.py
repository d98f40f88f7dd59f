"""Pacing: how many steps to run per call, and when to save."""

from __future__ import annotations

import math

from dsl.records import dataclass

from ..frontend import Length, Net, plateau_of

SMALL = 1 << 20
"""Maximum number of parameters, over all restarts, of a net that may run several epochs per call: its state is copied
before, and a step of a larger one takes longer than the overhead of an epoch."""


@dataclass(slots=True)
class Pace:
    """How many steps to run per call, and when to save, from the measured time of both.

    Neither affects the results. `apart`: up to this step, epochs run one at a time.
    """

    PIECE = 0.2
    """Seconds between two checks of the clock, the keyboard and the screen."""
    SHARE = 0.04
    """Maximum share of time spent on saving."""
    LONGEST = 60.0
    """Seconds without a checkpoint in the middle of an epoch, if the share allows it."""

    steps: int = 1
    cost: float = 0.02
    last: float = 0.0
    apart: int = 0

    def piece(self, step: int, length: Length, most: int | None = None, *, several: bool) -> int:
        """The number of steps of the next call, from `step` on, at most `most`. It ends with the epoch, or with
        `several`, at `most` or after as many whole epochs as fit."""
        until = length.total - step if most is None else min(most, length.total - step)
        left = length.per_epoch - step % length.per_epoch
        if self.steps <= left:
            return min(self.steps, until)
        if not several or step < self.apart:
            return min(left, until)
        return min(left + (self.steps - left) // length.per_epoch * length.per_epoch, until)

    def took(self, steps: int, seconds: float) -> None:
        """`steps` took that long: the next call should take PIECE, and at most four times as many steps."""
        fitting = self.PIECE * steps / seconds if seconds > 0 else math.inf
        self.steps = max(1, int(min(fitting, 4 * max(steps, self.steps))))

    def due(self, now: float, epoch_ends: bool, turns: int) -> bool:
        """Whether to save; `turns`: how many trainings take turns, each of which saves its own state."""
        since = now - self.last
        return since * self.SHARE >= turns * self.cost and (epoch_ends or since >= self.LONGEST)

    def saved(self, began: float, ended: float) -> None:
        """Record the duration of a save."""
        self.cost, self.last = ended - began, ended


def may_run_ahead(net: Net) -> bool:
    """Whether a training that monitors no metric does not need the state between epochs, and is faster without."""
    return net.size * int(net.option("restarts", 1)) <= SMALL and plateau_of(net.graph) is None
