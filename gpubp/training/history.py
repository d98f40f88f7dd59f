"""Reading back what a run's folder says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import CheckpointError
from .checkpoint import reason
from .folder import ABOUT, METRICS

MOST = 64 << 20
"""Bytes that such a file may have."""


def about(folder: Path) -> dict[str, Any]:
    """What `env.json` says. Raises CheckpointError where it is not there or is none."""
    text = _text(folder / ABOUT)
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("not an object")
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"`{folder / ABOUT}` cannot be read: {error}") from None
    return found


def records(folder: Path) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl` up to the first that is no whole record: a process that was killed may have left
    half of one."""
    found: list[dict[str, Any]] = []
    for line in _text(folder / METRICS).splitlines():
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
    except OSError as error:
        raise CheckpointError(f"cannot read `{path}`: {reason(error)}") from None
