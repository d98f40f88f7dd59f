"""Resuming: whether a run may continue from a saved state, and what it has recorded so far."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import CheckpointError
from ..executor.checkpoint import ABOUT, BEST, UNDECIDED, Saved
from ..executor.run_states import FREE, state_of
from ..frontend import Length, Net, changed_parts, identity
from . import history
from .dataset import GIVEN
from .environment import different
from .folder import folder_of, holds_folds, holds_seeds, saved_runs

RANKED_BY = frozenset({"early_stop", "metrics"})
"""Those that may not change before one of several restarts is chosen."""


def same_place(out: Path, source: Path | None) -> bool:
    """Whether a run is resumed in its own folder."""
    return source is not None and os.path.realpath(out) == os.path.realpath(source)


def require_file_data(place: Path, saved: Saved) -> None:
    """Raise CheckpointError for a run that was trained on arrays, which no file names."""
    if any(name.startswith(GIVEN) for name in saved.about.get("data", {})):
        call = f'train(net, data=..., resume="{place}")'
        if holds_folds(place.parent):
            call = f'cross_validate(net, folds, data=..., resume="{place.parent}")'
        elif holds_seeds(place.parent):
            call = f'replicate(net, data=..., resume="{place.parent}")'
        raise CheckpointError(
            f"`{place}` was trained on arrays that Python handed over, and continues with the same ones: `gpubp.{call}`"
        )


def require_start(place: Path, start: Mapping[str, Any] | None) -> None:
    """Raise CheckpointError for a study that began with weights in memory, if `start` does not give them to those of
    its trainings that have not begun."""
    runs = saved_runs(place)
    if start is None and runs and "start" in history.about(runs[0]):
        call = "replicate(net" if holds_seeds(place) else "cross_validate(net, folds"
        raise CheckpointError(
            f"`{place}` began with weights that Python handed over, and the trainings that are left begin with "
            f'the same ones: `gpubp.{call}, start=..., resume="{place}")`'
        )


@contextmanager
def continuing(source: Path | None, net: Net) -> Iterator[None]:
    """A CheckpointError raised inside says that the state at `source` does not fit the net."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"`{source}` cannot continue as `{net.graph.source.name}`: {error}") from None


def require_same(place: Path, saved: Saved, net: Net, metadata: Mapping[str, Any]) -> list[str]:
    """Compare the saved experiment with the current one, of this `metadata`; returns warnings if a schedule may depend
    on what changed. Raises CheckpointError if resuming would give the result of neither."""
    before: Mapping[str, str] = saved.about.get("net", {})
    now, parts = identity(net), changed_parts(before, net)
    free = FREE - RANKED_BY if UNDECIDED in saved.about else FREE
    wrong = [key for key in parts if key not in free]
    if wrong:
        raise CheckpointError(
            f"`{place}` is of another experiment: {'; '.join(_change(key, before, now) for key in wrong)}. "
            f'To start a new training with its weights: `start = load("{place}")` in `train`'
        )
    if "start" in metadata and metadata["start"] != saved.about.get("start"):
        raise CheckpointError(f"`{place}` began with other weights than those of `start`")
    files = different(saved.about.get("data", {}), metadata["data"])
    if files:
        raise CheckpointError(
            f"`{place}` was trained on other data: `{files[0]}` has changed since, and rows that were held back for "
            "testing may be among those to train on"
        )
    lasts = any(key in parts for key in ("epochs", "steps"))
    if lasts and now.get("schedule", "none") != "none":
        return ["the length of the training has changed, and its schedule may depend on it"]
    return []


def _change(key: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    old, new = before.get(key, "none"), now.get(key, "none")
    if key in ("model", "loss") or len(old) + len(new) > 200:
        return f"the {key} has changed"
    return f"`{key}` was `{old}` and is `{new}`"


def changes_bytes(saved: Saved, now: Mapping[str, str]) -> list[str]:
    """Warnings if the state comes from another machine, device or version: training continues, but not with the same
    bytes."""
    before: Mapping[str, str] = saved.about.get("environment", {})
    others = different(before, now)
    if not others:
        return []
    changes = "; ".join(f"{key} {before.get(key, 'none')}, now {now.get(key, 'none')}" for key in others)
    return [f"the saved state was computed elsewhere ({changes}): the result may differ in its last digits"]


def best_before(place: Path) -> Saved | None:
    """The best state so far of the run that is resumed, if it has saved one. Raises CheckpointError."""
    folder = folder_of(place)
    return state_of(folder, name=BEST) if _is_run(folder) and (folder / BEST).exists() else None


def records_before(place: Path, step: int, length: Length) -> list[dict[str, Any]]:
    """The lines of metrics before the step at which a run is resumed: whole epochs, and a partial one only if it is the
    last."""
    folder = folder_of(place)
    found = history.of_epochs(history.records(folder)) if _is_run(folder) else []
    return [r for r in found if r["step"] <= step and (r["step"] % length.per_epoch == 0 or r["step"] == length.total)]


def measured_before(place: Path, step: int) -> list[dict[str, Any]]:
    """The lines of `health.jsonl` before the step at which a run is resumed: it measures that step itself."""
    folder = folder_of(place)
    return [r for r in history.health_records(folder) if r["step"] < step] if _is_run(folder) else []


def _is_run(folder: Path) -> bool:
    """Whether a folder is that of a run: a checkpoint may have been copied to any other."""
    return (folder / ABOUT).is_file()
