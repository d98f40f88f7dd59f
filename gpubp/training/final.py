"""The metrics of a finished training."""

from __future__ import annotations

import math

from ..errors import DivergedError
from .run import Run
from .single import Single


def measure(run: Run, single: Single) -> None:
    """Evaluate the net, in the best state if early stopping restores it, on each part of the data. Raises DivergedError
    if a number is not finite."""
    executor, best = single.executor, single.best
    executor.require_finite()
    if best is not None and best.watch.restore and best.saved is not None:
        executor.load_state_dict(best.saved.state)
        run.best_epoch = best.epoch
    for part in run.dataset.parts:
        rows = single.placed.get(part) or executor.place(run.dataset.part(part))
        # As in the epoch of this step.
        repeats = max(executor.step - 1, 0) // single.length.per_epoch if part == "valid" else 0
        for name, value in (figures := executor.evaluate(rows, repeats=repeats)).items():
            if not math.isfinite(value):
                raise DivergedError(f"`{part}.{name}` is {value} after the last step: the outputs are no use")
        run.metrics |= {f"{part}.{name}": value for name, value in figures.items() if name != "penalty"}
        run.tables |= {f"{part}.{name}": table for name, table in executor.tables(rows).items()}
