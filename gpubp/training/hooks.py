"""What a caller wants to hear of a training, and how it stops one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dsl.records import dataclass

from ..health import Finding
from .run import Progress, Run

Callback = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Hooks:
    """The functions that `train` takes; see there. `begun` is called before the first files of a run are written."""

    callbacks: Sequence[Callback] = ()
    recorded: Sequence[Callback] = ()
    progress: Callable[[Progress], None] | None = None
    stopping: Callable[[], bool] | None = None
    notice: Callable[[Finding], None] | None = None
    begun: Callable[[], None] | None = None

    def epoch_ended(self, run: Run) -> None:
        """Call what is called after each epoch."""
        for callback in (*self.recorded, *self.callbacks):
            callback(run)
