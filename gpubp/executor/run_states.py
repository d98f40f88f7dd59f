"""The states in a run's folder: the last, and that which is its result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import CheckpointError
from ..frontend import MAIN
from .checkpoint import ABOUT, BEST, LAST, UNDECIDED, Saved, leader_of, read

FREE = frozenset({"epochs", "steps", "early_stop", "metrics", "start", "seed", "precision", "health"})
"""Parts of an experiment that may change in a resume: its length and what is reported. Seed and precision are those of
the state."""


def require_checkpoint(folder: Path) -> None:
    """Raise CheckpointError for a run that ended before its first checkpoint."""
    begun = any((folder / name).is_file() for name in (ABOUT, MAIN))
    if begun and not (folder / LAST).exists():
        raise CheckpointError(f"`{folder}` has no checkpoint: it ended before the first one was saved; run it again")


def state_of(place: Path, memory: int | None = None, name: str = LAST) -> Saved:
    """The last state of a run's folder, or its file `name`; a file is itself. Raises CheckpointError."""
    if not place.is_dir():
        return read(place, memory)
    saved = read(place / name, memory)
    _require_own(place, saved)
    return saved


def result_of(place: Path, memory: int | None = None) -> Saved:
    """The state that is a run's result: the best if its early stopping restores it, else the last, or of several
    restarts the one that leads so far; a file is itself. Raises CheckpointError."""
    if place.is_dir():
        require_checkpoint(place)
    last = state_of(place, memory)
    if UNDECIDED in last.about:
        return leader_of(last)
    if place.is_dir() and last.about.get("result") == "best" and (place / BEST).exists():
        return state_of(place, memory, BEST)
    return last


def _require_own(folder: Path, saved: Saved) -> None:
    """Raise CheckpointError if the state in a run's folder was copied from a run with other settings or other data, to
    which the rest of the folder does not belong."""
    about = _about(folder)
    if _part(about, "environment").get("gpubp") != _part(saved.about, "environment").get("gpubp"):
        return  # another version may write the same settings in other words
    own, found = ({**_part(one, "net"), **_part(one, "data")} for one in (about, saved.about))
    # A resume that was stopped before it saved has changed what is free.
    settled = own.keys() & found.keys() - (FREE - {"seed", "precision"})
    if wrong := [f"`{key}`" for key in sorted(settled) if own[key] != found[key]]:
        raise CheckpointError(
            f"the weights in `{folder}` are those of another run, which differs in {', '.join(wrong)}. Copy a run's "
            "folder as a whole, or name the checkpoint in its own"
        )


def _about(folder: Path) -> Mapping[str, Any]:
    """What a run's folder says of it; nothing where it is no more than checkpoints."""
    try:
        return _object(json.loads((folder / ABOUT).read_text("utf-8", "replace")))
    except (OSError, ValueError, RecursionError):
        return {}


def _part(about: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return _object(about.get(key))


def _object(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
