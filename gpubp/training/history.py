"""Reading the files of a run's folder."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, reason
from ..executor.checkpoint import ABOUT
from ..strict_json import number
from .folder import HEALTH, METRICS, no_run

MOST = 64 << 20
"""Maximum size of such a file in bytes."""


def about(folder: Path) -> dict[str, Any]:
    """The contents of `env.json`. Raises CheckpointError if it is missing or invalid, or the folder does not exist."""
    if not folder.is_dir():
        why = "it is a file" if folder.exists() else "no such file or directory"
        raise CheckpointError(f"`{folder}` is not a run: {why}")
    text = _text(folder / ABOUT)
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("not an object")
    except (ValueError, RecursionError):
        raise CheckpointError(f"`{folder / ABOUT}` is damaged: it contains no complete JSON object") from None
    return found


def records(folder: Path) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl` up to the first incomplete one: a process that was killed may have left half of
    one."""
    found = itertools.takewhile(_is_record, _lines(folder / METRICS))
    return [{key: number(value) for key, value in record.items()} for record in found]


def of_epochs(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records of epochs."""
    return [dict(record) for record in records if "epoch" in record]


def conclusion(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The record of a finished run, with its `metrics` and `health`; empty for one that is not finished."""
    return next((record for record in reversed(records) if "metrics" in record), {})


def _is_record(record: dict[str, Any]) -> bool:
    if "epoch" in record:
        figures = map(number, record.values())
        whole = all(_is_count(record.get(key)) for key in ("epoch", "step")) and "train.loss" in record
        return whole and all(isinstance(one, int | float) for one in figures)
    findings = record.get("health", [])
    return (
        isinstance(record.get("metrics", {}), dict)
        and isinstance(findings, list)
        and all(isinstance(one, dict) and isinstance(one.get("help", []), list) for one in findings)
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def health_records(folder: Path) -> list[dict[str, Any]]:
    """The lines of `health.jsonl` up to the first incomplete one; empty if the file does not exist."""
    found = _lines(folder / HEALTH) if (folder / HEALTH).exists() else []
    return list(itertools.takewhile(_is_size, found))


def _is_size(record: dict[str, Any]) -> bool:
    numbers = [record.get(key) for key in ("activation", "dead", "saturated")]
    if record.get("gradient", 0.0) is not None:
        numbers.append(record.get("gradient"))
    whole = all(type(record.get(key)) is int for key in ("step", "number")) and isinstance(record.get("layer"), str)
    return whole and all(isinstance(n, float) or n in ("inf", "-inf", "nan") for n in numbers)


def _lines(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in _text(path).splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not isinstance(record, dict):
            break
        found.append(record)
    return found


def _text(path: Path) -> str:
    try:
        if path.is_file() and path.stat().st_size > MOST:
            raise CheckpointError(f"`{path}` is too large: {path.stat().st_size:,} bytes")
        return path.read_text("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError) as error:
        # A folder of something else, or of a run that ended before it had begun.
        said = no_run(path.parent, path.name) if path.parent.is_dir() else reason(error)
        raise CheckpointError(f"`{path.parent}` is not a run: {said}") from None
    except OSError as error:
        raise CheckpointError(f"cannot read `{path}`: {reason(error)}") from None
