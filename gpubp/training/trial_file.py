"""The file that holds the trials of a search, a line each."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from ..errors import CheckpointError, reason, unsaved
from ..strict_json import has_types
from .trials import Trial

TRIALS = "trials.jsonl"
_TRIAL = {
    **dict.fromkeys(("number", "epochs"), int),
    **dict.fromkeys(("value", "std"), int | float | None),
    "params": dict,
    "seconds": int | float,
    "failed": str,
}
"""The fields of a trial."""


def read_trials(path: Path, space: Collection[str]) -> tuple[list[Trial], int]:
    """The trials that were written, and the number of bytes that they take: a process that was killed may have left
    half of a line behind them. `space`: the names of the params."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise CheckpointError(f"cannot read `{path}`: {reason(error)}") from None
    found: list[Trial] = []
    size = 0
    for line in raw.splitlines(keepends=True):
        try:
            trial = Trial(**json.loads(line))
        except (ValueError, TypeError, RecursionError):
            break
        if not (line.endswith(b"\n") and _is_whole(trial, space)):
            break
        found.append(trial)
        size += len(line)
    return found, size


def _is_whole(trial: Trial, space: Collection[str]) -> bool:
    """Whether a trial that was read is one that a search over these params wrote."""
    return (
        has_types(asdict(trial), _TRIAL)
        and trial.number > 0
        and (trial.value is None or math.isfinite(trial.value))
        and has_types(trial.params, dict.fromkeys(space, str))
    )


def append(path: Path, line: str, at: int | None = None) -> None:
    """Write a line behind the others, or behind the first `at` bytes, to the disk. Raises SaveError."""
    try:
        with path.open("ab") as file:
            if at is not None:
                file.truncate(at)
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unsaved(path, error) from None
