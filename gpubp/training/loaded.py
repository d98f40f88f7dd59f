"""A run that was saved: its net and weights, its history, and what it makes of new data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from ..data import Encoder, NewRows, from_json, read_table
from ..errors import CheckpointError, InputError
from ..executor import CHUNK, Executor
from ..frontend import MAIN, Net, foretold, load
from . import history
from .folder import ABOUT, fold_folder, holds_folds
from .resume import result_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class LoadedRun:
    """A run read back. `executor` holds its result: the best state where its early stop restores it, else the last.
    `history` and `metrics` are those of the training; `about` is what the checkpoint says of itself, `words` the
    classes of each name that has some."""

    path: Path
    net: Net
    executor: Executor
    history: list[dict[str, float]]
    metrics: dict[str, float]
    about: Mapping[str, Any]
    columns: Mapping[str, Encoder]
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<LoadedRun {self.path}: {self.net!r}, step {self.executor.step:,}>"

    def predict(self, inputs: Any, batch: int = CHUNK) -> Any:
        """The outputs for rows of inputs, as `Executor.predict` gives them. A text or path names a table, whose columns
        are those that the run was trained on, by name; others are not looked at. Raises InputError or DataError, for
        rows of a table that miss a cell too."""
        if isinstance(inputs, str | os.PathLike):
            rows = self.rows(inputs, targets=False)
            if rows.gaps:
                raise InputError(
                    f"row {rows.gaps[0] + 1} of `{inputs}` misses a cell ({len(rows.gaps):,} rows do): "
                    "`run.rows(path, targets=False)` leaves them out and says which, in `gaps`"
                )
            inputs = rows.arrays
        return self.executor.predict(inputs, batch)

    def evaluate(self, data: Any, batch: int = CHUNK) -> dict[str, float]:
        """The loss, the penalties and the metrics over rows of inputs and targets: a mapping of arrays, or a table's
        path, whose rows that miss a cell are left out where the training did so. Raises InputError or DataError."""
        if isinstance(data, str | os.PathLike):
            data = self.rows(data, targets=True).arrays
        return self.executor.evaluate(data, batch)

    def rows(self, path: str | os.PathLike[str], *, targets: bool, keep: Sequence[str] = ()) -> NewRows:
        """The rows of a table as the net takes them, encoded as those that the run was trained on, and its columns
        `keep` as texts; where the training left out rows that miss a cell, `gaps` has their numbers. Raises
        DataError."""
        return read_table(path, {name: self.columns[name] for name in _names(self.net, targets=targets)}, keep)

    def labels(self, outputs: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """For each target of classes that an output stands for, or labels made of one or of an input, by name, the most
        probable class of every row, as words."""
        import numpy as np

        found = {}
        for output, (name, of) in foretold(self.net).items():
            best = self.executor.backend.to_host(outputs[output]).argmax(axis=-1)
            found[name] = np.array(self.words[of], dtype=object)[best]
        return found


def _names(net: Net, *, targets: bool) -> list[str]:
    return [n.label or n.name for n in (*net.graph.inputs, *(net.graph.targets if targets else ()))]


def net_of(place: Path) -> Net:
    """The net of a run, or of a checkpoint in its folder. Raises CheckpointError where there is no run, NetError."""
    folder = place if place.is_dir() else place.parent
    if not (folder / MAIN).is_file():
        why = f"it has no `{MAIN}`" if place.is_dir() else "it is a file in no run's folder"
        if holds_folds(place):
            why = f"it holds those of a cross-validation, `{fold_folder(place, 1)}` and so on"
        raise CheckpointError(f"`{place}` is no run: {why if place.exists() else 'no such file or directory'}")
    about = history.about(folder) if (folder / ABOUT).is_file() else {}
    # Paths of data start where they did when it was trained.
    return replace(load(folder / MAIN), base=Path(str(about.get("base", folder))))


def asked_of(place: Path) -> tuple[str, str]:
    """The device and the backend that were asked for, of a run or of a checkpoint in its folder."""
    folder = place if place.is_dir() else place.parent
    told = history.about(folder).get("asked") if (folder / ABOUT).is_file() else None
    told = told if isinstance(told, Mapping) else {}
    return str(told.get("device", "auto")), str(told.get("backend", "auto"))


def load_run(path: str | os.PathLike[str], device: str = "auto") -> LoadedRun:
    """Read a run's folder back, or one checkpoint in it. Raises CheckpointError where it is not whole, NetError where
    its net names what this installation does not have, DeviceError."""
    place = Path(path)
    net, saved = net_of(place), result_of(place)
    executor = Executor(net, device, saved.about.get("precision"), saved.about.get("seed"))
    executor.load_state_dict(saved.state)
    folder = place if place.is_dir() else place.parent
    records = history.records(folder)
    columns = from_json(saved.about.get("columns", {}))
    return LoadedRun(
        folder,
        net,
        executor,
        [record for record in records if "epoch" in record],
        next((record["metrics"] for record in reversed(records) if "metrics" in record), {}),
        saved.about,
        columns,
        {name: one.vocabulary for name, one in columns.items() if one.classes is not None},
    )
