"""How many steps a training takes before it looks up, and when it saves."""

from __future__ import annotations

import math

from dsl.records import dataclass

from ..frontend import Net, plateau_of

SMALL = 1 << 20
"""Parameters, of all restarts together, of a net that may take several epochs in a piece: its state is kept meanwhile,
and a step of a larger one takes longer than all that an epoch costs beside."""


@dataclass(slots=True)
class Pace:
    """How many steps to take before looking up, and when to save: from what both have cost so far.

    Neither changes what is computed. `apart`: up to this step epochs are taken one at a time.
    """

    PIECE = 0.2
    """Seconds between two looks at the clock, the keyboard and the screen."""
    SHARE = 0.04
    """Part of the time that saving may take."""
    LONGEST = 60.0
    """Seconds without a checkpoint in the middle of an epoch, where the share allows it."""

    steps: int = 1
    cost: float = 0.02
    last: float = 0.0
    apart: int = 0

    def piece(self, step: int, per_epoch: int, total: int, most: int | None = None, *, several: bool) -> int:
        """Steps of the next piece, from `step` on, at most `most`. It ends where the epoch does; where there may be
        `several` epochs, after as many whole ones as fit."""
        fitting = self.steps if most is None else min(self.steps, most)
        left = per_epoch - step % per_epoch
        if fitting > left:
            more = fitting - left if several and step >= self.apart else 0
            fitting = left + more // per_epoch * per_epoch
        return min(fitting, total - step)

    def took(self, steps: int, seconds: float) -> None:
        """`steps` took so long: the next piece is to take PIECE, and at most four times as many steps."""
        fitting = self.PIECE * steps / seconds if seconds > 0 else math.inf
        self.steps = max(1, int(min(fitting, 4 * max(steps, self.steps))))

    def due(self, now: float, epoch_ends: bool) -> bool:
        """Whether to save."""
        since = now - self.last
        return since * self.SHARE >= self.cost and (epoch_ends or since >= self.LONGEST)

    def saved(self, began: float, ended: float) -> None:
        """A save took from one time to the other."""
        self.cost, self.last = ended - began, ended


def unseen(net: Net) -> bool:
    """Whether a training that watches no figure needs the state between two epochs for nothing, and gains by it."""
    return net.size * int(net.option("restarts", 1)) <= SMALL and plateau_of(net.graph) is None
