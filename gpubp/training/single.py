"""One net in training: its steps, the sums of its epoch, and its best state so far."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from ..errors import DivergedError
from ..executor import Executor, Rows, Steps, first_non_finite, require_finite_losses
from ..executor.checkpoint import Saved
from ..frontend import STEP, Length, plateau_of
from .best import Best, Sums
from .course import StepRequest
from .plateau import adapt_rate
from .run import epoch_record


class Single:
    """One net in training, for an EpochLoop. `placed`: the parts of the data that are on its device; `all_rows`: how
    many there are with those of the test."""

    def __init__(
        self, executor: Executor, placed: Mapping[str, Rows], all_rows: int, length: Length, best: Best | None
    ) -> None:
        self.executor, self.placed, self.all_rows, self.length, self.best = executor, placed, all_rows, length, best
        self.sums = Sums()  # of the epoch that has not ended
        self._plateau = plateau_of(executor.net.graph)

    @property
    def step(self) -> int:
        """Number of updates so far."""
        return self.executor.step

    @property
    def ended(self) -> bool:
        """Whether the patience of early stopping is exhausted."""
        if self.best is None:
            return False
        step, per_epoch = self.step, self.length.per_epoch
        # Checked between epochs only, so that it does not depend on where a piece or a process ended.
        return step > 0 and step % per_epoch == 0 and self.best.patience_exhausted(step, per_epoch)

    def snapshot(self) -> Callable[[], None]:
        """A function that restores the current state."""
        return self.executor.snapshot()

    def steps(self, first: int, count: int) -> Generator[StepRequest, Steps, list[int]]:
        """Request at most `count` steps from number `first` on, whose batches `add` then adds; returns the rows of
        each. Raises DivergedError."""
        ex, rows = self.executor, self.placed["train"]
        try:
            losses, penalties, sizes = yield StepRequest(ex, rows, self.all_rows, self.length.batch, first, count)
            losses, penalties = map(ex.backend.to_host, (losses, penalties))
            require_finite_losses(losses, penalties, first)
        except DivergedError as error:
            # A step whose loss alone is not finite was applied: the following steps show what is wrong, too.
            epoch = f"epoch {self.length.epoch(first + 1):,}"
            raise DivergedError(f"{epoch}: {error}{first_non_finite(ex, rows, self.length.batch)}") from None
        self._batches = losses.tolist(), penalties.tolist(), sizes
        return sizes

    def add(self, start: int, stop: int) -> None:
        """Add some of the last batches to the sums of the epoch."""
        losses, penalties, sizes = self._batches
        self.sums.add(losses[start:stop], penalties[start:stop], sizes[start:stop])

    @property
    def mean_loss(self) -> float:
        """Over the examples of the epoch so far."""
        return self.sums.loss / self.sums.examples

    def end_epoch(self, step: int) -> dict[str, float]:
        """The record of the epoch that ends with a step: the mean loss of its examples, and the validation metrics."""
        number, figures = self.length.epoch(step), dict[str, float]()
        if "valid" in self.placed:
            figures = self.executor.evaluate(self.placed["valid"], repeats=number - 1)
        record = epoch_record(number, step, self.mean_loss, self.sums.penalty, figures)
        if step % self.length.per_epoch == 0:
            self.sums = Sums()
        if self._plateau is not None:
            adapt_rate(self._plateau, self.executor, record)
        return record

    def saved(self, about: Mapping[str, Any], state: Mapping[str, Any] | None = None) -> Saved:
        """A state, the current one by default, with the metadata `about` and what a resume needs."""
        state = self.executor.state_dict() if state is None else state
        step, best = int(state[STEP]), self.best
        resumed = {
            "step": step,
            "epoch": step / self.length.per_epoch,
            "seed": self.executor.seed,
            "sums": (self.sums if step % self.length.per_epoch else Sums()).state(),
            "result": "best" if best is not None and best.watch.restore else "last",
            "best": None if best is None else best.state(),
        }
        return Saved(state, {**about, **resumed})
