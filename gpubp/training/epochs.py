"""The loop over epochs: a net or several restarts, trained in pieces."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import field
from typing import TypeAlias

from dsl.records import dataclass

from ..errors import DivergedError
from ..executor import Steps
from .course import StepRequest
from .pace import Pace
from .restarts import Race
from .run import Progress
from .single import Single

Trainee: TypeAlias = Single | Race
"""What a loop trains."""


@dataclass(slots=True)
class EpochLoop:
    """Trains to the last step, in pieces that end with an epoch, or after several with `several`. `pace`: how many
    steps a piece has; `progress` is that of `train`."""

    progress: Callable[[Progress], None] | None
    several: bool = False
    pace: Pace = field(default_factory=Pace)

    def goes_on(self, trainee: Trainee) -> bool:
        """Whether there are steps left to take."""
        return trainee.step < trainee.length.total and not trainee.ended

    def piece(self, trainee: Trainee, most: int | None = None) -> Generator[StepRequest, Steps, list[dict[str, float]]]:
        """Take some steps, at most `most`; returns the records of the epochs that ended. Raises DivergedError."""
        first, began, length = trainee.step, time.monotonic(), trainee.length
        count = self.pace.piece(first, length, most, several=self.several)
        restore = trainee.snapshot() if count > length.per_epoch - first % length.per_epoch else None
        try:
            count = len((yield from trainee.steps(first, count)))
        except DivergedError:
            if restore is None:
                raise
            # One epoch at a time, so that earlier epochs are recorded, and the state is that of the failing step.
            restore()
            self.pace.apart = first + count
            return (yield from self.piece(trainee, most))
        start, records = 0, []
        while start < count:
            stop = min(count, start + length.per_epoch - (first + start) % length.per_epoch)
            step = first + stop
            trainee.add(start, stop)
            if stop == count:
                seconds = time.monotonic() - began
                self.pace.took(count, seconds)
                if self.progress is not None:
                    epoch, epochs = map(length.epoch, (step, length.total))
                    rate = count / max(seconds, 1e-9)
                    self.progress(Progress(step, length.total, epoch, epochs, trainee.mean_loss, rate))
            if step % length.per_epoch == 0 or step == length.total:
                records.append(trainee.end_epoch(step))
            start = stop
        return records
