"""Paths as a file or a command names them."""

from __future__ import annotations

import os
from pathlib import Path


def relative(path: Path, start: Path = Path()) -> Path:
    """The path as seen from the folder `start`; an absolute one where it is on another drive of Windows."""
    try:
        return Path(os.path.relpath(path, start))
    except ValueError:
        return path.resolve()
