"""Cross-validation: one training for each fold of the rows, which is held out for validation."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, field
from functools import partial
from pathlib import Path
from typing import Any

from dsl.records import dataclass

from ..errors import CheckpointError, DivergedError, InputError, positive
from ..frontend import Net, in_fold, required
from ..health import Finding
from . import history
from .checkpoint import LAST, write
from .folder import ABOUT, fold_folder, holds_folds, saved_folds
from .hooks import Callback
from .loaded import net_of
from .run import Progress, Run
from .trainer import train

SUMMARY = "folds.json"


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


@dataclass(slots=True)
class CrossValidation:
    """The folds held out so far, `of` so many; `diverged`: those whose training diverged, by number, with the message;
    `stopped`: why it ended before the last, or ""."""

    of: int
    folder: Path | None
    folds: list[Fold] = field(default_factory=list)
    diverged: dict[int, str] = field(default_factory=dict)
    stopped: str = ""

    def __repr__(self) -> str:
        std = self.std
        figures = [
            f"{name} {mean:.4g}" + (f" +- {std[name]:.2g}" if std else "")
            for name, mean in self.mean.items()
            if name.startswith("valid.") and "penalty" not in name
        ]
        return f"<CrossValidation, {len(self.folds)} of {self.of} folds{': ' if figures else ''}{', '.join(figures)}>"

    @property
    def mean(self) -> dict[str, float]:
        """The mean of every metric, `valid.accuracy` and so on, over the folds that did not diverge."""
        import statistics

        return self._over(statistics.fmean)

    @property
    def std(self) -> dict[str, float]:
        """The sample standard deviation (n - 1) of every metric over the same folds; empty with fewer than two."""
        import statistics

        return self._over(statistics.stdev) if len(self.folds) > 1 else {}

    @property
    def tables(self) -> dict[str, list[list[int]]]:
        """The tables over all held-out rows, `valid.confusion` and so on: the sums over the folds."""
        if not self.folds:
            return {}
        names = [name for name in self.folds[0].tables if name.startswith("valid.")]
        rows = {name: zip(*(fold.tables[name] for fold in self.folds), strict=True) for name in names}
        return {name: [list(map(sum, zip(*row, strict=True))) for row in rows[name]] for name in names}

    def _over(self, work: Callable[[list[float]], float]) -> dict[str, float]:
        names = self.folds[0].metrics if self.folds else ()
        return {name: work([fold.metrics[name] for fold in self.folds]) for name in names}


def cross_validate(
    net: Net,
    folds: int = 5,
    device: str = "auto",
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    callbacks: Sequence[Callback] = (),
    *,
    data: Mapping[str, Any] | None = None,
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
    `plateau` and the choice among restarts use the held-out fold, so its metrics are then slightly optimistic. `ended`
    is called after each fold with it and its run, whose executor predicts; `diverged` with the number of a fold that
    diverged, and the message: the others are still trained.

    `out`: a folder with a run for each fold, `fold-1` and so on, and `folds.json`; `resume`: such a folder, whose
    finished folds are not trained again. All other arguments are those of `train`.

    Raises InputError for an invalid number of folds, DataError if the rows cannot be divided into that many,
    DivergedError if all folds diverged, and whatever `train` raises.
    """
    folds = positive(folds, "folds", least=2)
    if resume is None:
        required(net).require_training(epochs, given=data is not None)
    if isinstance(data, Mapping) and any(isinstance(rows, Mapping) for rows in data.values()):
        raise InputError("`data` of a cross-validation is not given by parts: the folds are its parts")
    if None not in (out, resume) and out != resume:
        raise InputError("a cross-validation goes on in its own folder: leave `out` out")
    place = resume if out is None else out
    told = CrossValidation(folds, None if place is None else Path(place))
    if resume is not None and not holds_folds(Path(resume)):
        raise CheckpointError(f"`{resume}` holds no cross-validation to go on with")
    if told.folder is not None and (told.folder / ABOUT).exists():
        raise CheckpointError(f"`{told.folder}` holds a run already: save to another folder; nothing is written over")
    one = partial(
        train,
        device=device,
        callbacks=callbacks,
        recorded=recorded,
        epochs=epochs,
        seed=seed,
        precision=precision,
        progress=progress,
        stopping=stopping,
        notice=notice,
        backend=backend,
    )
    for k in range(1, folds + 1):
        began, folder = time.perf_counter(), None if told.folder is None else fold_folder(told.folder, k)
        before = folder if folder is not None and resume is not None and (folder / LAST).exists() else None
        try:
            run = one(in_fold(net, k, folds, stratify), out=folder, resume=before, data=data)
        except DivergedError as error:
            told.diverged[k] = str(error)
            if len(told.diverged) == folds:
                raise DivergedError(f"all {folds:,} folds diverged; fold 1: {told.diverged[1]}") from None
            if diverged is not None:
                diverged(k, told.diverged[k])
            continue
        if run.stopped != "interrupted":
            seconds, held_out = round(time.perf_counter() - began, 3), len(run.dataset.parts["valid"])
            where = None if folder is None else str(folder)
            told.folds.append(Fold(k, held_out, run.metrics, run.tables, _epochs(run), seconds, where))
            if ended is not None:
                ended(told.folds[-1], run)
        if run.stopped == "interrupted" or (k < folds and stopping is not None and stopping()):
            told.stopped = "interrupted"
            return told
    if told.folder is not None:
        write(told.folder / SUMMARY, (json.dumps(as_json(told), indent=2) + "\n").encode())
    return told


def as_json(told: CrossValidation) -> dict[str, Any]:
    """The results of a cross-validation as JSON-serialisable data."""
    diverged = {"diverged": told.diverged} if told.diverged else {}
    folds = [asdict(fold) for fold in told.folds]
    return {"mean": told.mean, "std": told.std, "tables": told.tables, "folds": folds, **diverged}


def _epochs(run: Run) -> int:
    """The number of epochs of a training, including those before a resume."""
    records = run.history or ([] if run.folder is None else history.records(run.folder))
    return int(max((record["epoch"] for record in records if "epoch" in record), default=0))


def folds_of(place: Path) -> tuple[Net, int]:
    """The net of a cross-validation in a folder, and the number of its folds. Raises CheckpointError, NetError."""
    net = net_of(saved_folds(place)[0])
    split = None if net.graph.data is None else net.graph.data.split
    folds = 0 if split is None else split.options.get("folds")
    assert isinstance(folds, int)
    return net, folds
