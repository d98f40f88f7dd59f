"""The metrics of a finished training."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..errors import DivergedError
from ..executor import Executor, Rows
from .best import Best
from .run import Run


def measure(run: Run, executor: Executor, best: Best | None, placed: Mapping[str, Rows], per_epoch: int) -> None:
    """Evaluate the executor, in the best state if early stopping restores it, on each part of the data. `placed`: the
    parts that are on the device already. Raises DivergedError if a number is not finite."""
    executor.require_finite()
    if best is not None and best.watch.restore and best.saved is not None:
        executor.load_state_dict(best.saved.state)
        run.best_epoch = best.epoch
    for part in run.dataset.parts:
        rows = placed.get(part) or executor.place(run.dataset.part(part))
        # As in the epoch of this step.
        repeats = max(executor.step - 1, 0) // per_epoch if part == "valid" else 0
        for name, value in (figures := executor.evaluate(rows, repeats=repeats)).items():
            if not math.isfinite(value):
                raise DivergedError(f"`{part}.{name}` is {value} after the last step: the outputs are no use")
        run.metrics |= {f"{part}.{name}": value for name, value in figures.items() if name != "penalty"}
        run.tables |= {f"{part}.{name}": table for name, table in executor.tables(rows).items()}
