"""Cross-validation: one training for each fold of the rows, which is held out for validation."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dsl.records import dataclass

from ..errors import CheckpointError, InputError, positive
from ..frontend import Net, required, with_fold
from ..health import Finding
from .folder import FOLD, FOLDS, holds_folds
from .hooks import Callback, Hooks
from .run import Progress, Run
from .study import Member, Study, conduct, place_of


@dataclass(frozen=True, slots=True)
class Fold:
    """The training that held out a fold. `number`, from 1; `rows`: how many it held out; `metrics` and `tables` as in a
    Run, where `valid` is the fold; `epochs`: how many it took; `seconds`: training time of the last process; `folder`:
    where it is saved, if anywhere."""

    number: int
    rows: int
    metrics: dict[str, float]
    tables: dict[str, list[list[int]]]
    epochs: int
    seconds: float
    folder: str | None


class CrossValidation(Study[Fold]):
    """The folds held out so far.

    - `folds`: of each that was held out its `number` (from 1), its `rows`, the `metrics` and `tables` of its training
      as of a Run, where `valid` is the fold, its `epochs`, the `seconds` of training, and its `folder`; `of`: how many
      there are to be.
    - `mean`, `std`: the mean and the sample standard deviation (n - 1) of every metric, `valid.accuracy` and so on,
      over the folds that did not diverge; `tables`: the sums over the folds.
    - `diverged`: those whose training diverged, by number, with the message.
    - `stopped`: why it ended before the last, or ""; `folder`: where it is saved, if anywhere.
    """

    __slots__ = ()
    kind = FOLD
    file = FOLDS

    @property
    def folds(self) -> list[Fold]:
        """Those that did not diverge."""
        return self.outcomes

    @property
    def part(self) -> str:
        return "valid"

    def outcome(self, number: int, run: Run, epochs: int, seconds: float) -> Fold:
        place, held_out = None if run.folder is None else str(run.folder), len(run.dataset.parts["valid"])
        return Fold(number, held_out, run.metrics, run.tables, epochs, seconds, place)


def cross_validate(
    net: Net,
    folds: int = 5,
    device: str = "auto",
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    callbacks: Sequence[Callback] = (),
    *,
    data: Mapping[str, Any] | None = None,
    start: Mapping[str, Any] | None = None,
    stratify: str | None = None,
    ended: Callable[[Fold, Run], None] | None = None,
    diverged: Callable[[int, str], None] | None = None,
    recorded: Sequence[Callback] = (),
    epochs: int | None = None,
    seed: int | None = None,
    precision: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    stopping: Callable[[], bool] | None = None,
    notice: Callable[[Finding], None] | None = None,
    backend: str = "auto",
) -> CrossValidation:
    """Train a net once for each of `folds` folds of its rows: `valid` is the fold, `train` all others; test rows are
    those of the file's `split`. Stone (1974) on cross-validation; Kohavi (1995) on stratification. The windows of a
    `series` are not shuffled: `valid` is a stretch of them, `train` all earlier ones.

    The seed assigns rows to folds whose sizes differ by at most one; so do the counts of each label, if `split` says
    `stratify` or the argument names an input or a target. All folds start from the same weights. Early stopping,
    `plateau` and the choice among restarts use the held-out fold, so its metrics are then slightly optimistic.

    - `data`: arrays instead of the file's, by name, not in parts.
    - `stratify`: an input or a target whose labels are divided evenly.
    - `start`: as of `train`, the same for all folds. If these weights were trained on the rows, metrics of a held-out
      fold are too good. With `resume` those that have begun go on with their own weights.
    - `ended`: called after each fold with its entry in `folds` and its Run, whose executor predicts.
    - `diverged`: called with the number of a fold that diverged, and the message; the others are still trained.
    - `out`: a folder with a run for each fold, `fold-1` and so on, and `folds.json`; `load_ensemble` loads it.
    - `resume`: such a folder, whose finished folds are not trained again.
    - All other arguments are those of `train`.

    Returns a CrossValidation. Raises InputError for an invalid number of folds, DataError if the rows cannot be divided
    into that many, DivergedError if all folds diverged, and whatever `train` raises.

    >>> result = gpubp.cross_validate(gpubp.load("models/iris.net"), folds=3, device="cpu")
    >>> [fold.rows for fold in result.folds], result.mean["valid.accuracy"] > 0.9
    ([35, 35, 35], True)
    """
    folds = positive(folds, "folds", least=2)
    if resume is None:
        required(net).require_training(epochs, given=data is not None)
    if isinstance(data, Mapping) and any(isinstance(rows, Mapping) for rows in data.values()):
        raise InputError("`data` of a cross-validation is not given by parts: the folds are its parts")
    result = CrossValidation(folds, place_of("a cross-validation", out, resume))
    if resume is not None and not holds_folds(Path(resume)):
        raise CheckpointError(f"`{resume}` contains no cross-validation to continue")
    members = [Member(k, with_fold(net, k, folds, stratify), seed) for k in range(1, folds + 1)]
    hooks = Hooks(callbacks, recorded, progress, stopping, notice)
    where, given = (device, backend), {"data": data, "start": start, "epochs": epochs, "precision": precision}
    result.stopped = conduct(result, members, where, hooks, ended, diverged, given, resumed=resume is not None)
    if result.folder is not None and not result.stopped:
        result.save()
    return result


def folds_in(net: Net) -> int:
    """The number of folds of the cross-validation that a saved fold's net belongs to. Raises CheckpointError."""
    split = None if net.graph.data is None else net.graph.data.split
    folds = None if split is None else split.options.get("folds")
    if not isinstance(folds, int):
        raise CheckpointError(f"`{Path(net.graph.source.name).parent}` is not a fold of a cross-validation")
    return folds
