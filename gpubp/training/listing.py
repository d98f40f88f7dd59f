"""Listing the runs in a folder, and comparing two of them."""

from __future__ import annotations

import difflib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from dsl.records import dataclass

from ..errors import CheckpointError
from ..executor.checkpoint import ABOUT
from ..frontend import MAIN
from . import history
from .environment import different
from .folder import FOLD, METRICS, SEED, WRITTEN, saved_runs

_KINDS = {
    str: ("name", "base", "base_from_here", "started", "precision"),
    int: ("epochs", "steps", "seed", "first_step"),
    dict: ("asked", "params", "rows", "net", "data", "environment"),
}
"""Keys of `env.json`."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A saved run without its weights. `figures`: the metrics of the finished run, or else of its last epoch."""

    path: Path
    name: str
    started: str
    epochs: int
    of: int
    done: bool
    figures: dict[str, float]
    about: dict[str, Any]


def listed(path: Path) -> Listed:
    """The summary of a run's folder. Raises CheckpointError if it is not a run, or is invalid."""
    about = history.about(path)
    for kind, keys in _KINDS.items():
        for key in keys:
            if not isinstance(about.get(key, kind()), kind):
                raise CheckpointError(f"`{path / ABOUT}` is damaged: its `{key}` is not what a run wrote")
    records = history.records(path)
    epochs = history.of_epochs(records)
    last = {k: v for k, v in epochs[-1].items() if k not in ("epoch", "step")} if epochs else {}
    ended = history.conclusion(records).get("metrics")
    figures: dict[str, Any] = last if ended is None else ended
    for name, value in figures.items():
        if not isinstance(value, int | float):
            raise CheckpointError(f"`{path / METRICS}` is damaged: its `{name}` is no number")
    return Listed(
        path,
        str(about.get("name", "?")),
        str(about.get("started", "?")),
        int(epochs[-1]["epoch"]) if epochs else 0,
        int(about.get("epochs", 0)),
        ended is not None,
        figures,
        about,
    )


def all_runs(folder: Path) -> tuple[list[Listed], list[str]]:
    """The runs in `folder` and in its subfolders, two levels deep, including those of each fold or seed, and `folder`
    itself if it is one, oldest first; and errors for those that cannot be read. Raises CheckpointError if the folder
    does not exist."""
    if not folder.is_dir():
        raise CheckpointError(f"there is no folder `{folder}`")
    runs, wrong = [], []
    depths = ("", "*/", "*/*/", *(f"*/*/{kind}-*/" for kind in (FOLD, SEED)))
    found = (path.parent for depth in depths for path in folder.glob(f"{depth}{ABOUT}"))
    # Other programs write files of this name, too.
    for place in sorted(path for path in found if (path / WRITTEN).is_file()):
        try:
            runs.append(listed(place))
        except CheckpointError as error:
            wrong.append(str(error))
    return sorted(runs, key=_when), wrong


def _when(run: Listed) -> float:
    """The start time of a run as a number: texts with different UTC offsets do not sort by time."""
    try:
        return datetime.fromisoformat(run.started).timestamp()
    except ValueError:
        return 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """The differences between two runs: a unified diff of their texts; by key, the two values of settings, of the
    data's hashes and of the environment; and of the metrics."""

    text: list[str]
    settings: dict[str, tuple[Any, Any]]
    figures: dict[str, tuple[Any, Any]]


def compare(a: Path, b: Path) -> Difference:
    """The differences between two runs; of several seeds or folds, between the first of them, with the means of their
    metrics. Raises CheckpointError if one is not a run."""
    first, second = _first(a), _first(b)
    text = list(difflib.unified_diff(_text(first.path), _text(second.path), str(a), str(b), n=1, lineterm=""))
    before, now = _flat(first.about), _flat(second.about)
    settings = {key: (before.get(key), now.get(key)) for key in different(before, now)}
    figures = {key: (first.figures.get(key), second.figures.get(key)) for key in {**first.figures, **second.figures}}
    return Difference(text, settings, figures)


def _flat(about: dict[str, Any]) -> dict[str, Any]:
    """All settings, by names such as `optimizer`, `params.width`, `data.a.csv`; hashes of texts are covered by the text
    diff."""
    found: dict[str, Any] = {}
    # The file first: what overrides it is in force.
    for key, value in sorted(about.items(), key=lambda item: item[0] != "net"):
        if key in ("name", "started", "base", "base_from_here", "first_step", "steps", "rows"):
            continue
        inner = value if isinstance(value, dict) else {"": value}
        prefix = {"net": "", "environment": ""}.get(key, f"{key}.")
        found |= {f"{prefix}{name}".rstrip("."): one for name, one in inner.items() if name not in ("model", "loss")}
    return found


def _first(place: Path) -> Listed:
    """A run; of a study the first, with the mean of each metric that all of its finished runs have."""
    runs = [listed(path) for path in saved_runs(place)] or [listed(place)]
    done = [run for run in runs if run.done] or runs[:1]
    names = [name for name in done[0].figures if all(name in run.figures for run in done)]
    return replace(runs[0], figures={name: fmean(run.figures[name] for run in done) for name in names})


def _text(run: Path) -> list[str]:
    for name in (WRITTEN, MAIN):
        try:
            return (run / name).read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
    return []
