"""Files that the user asked for."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

from ..errors import unsaved
from ..training import write


def ends_otherwise(path: Path, endings: Collection[str]) -> bool:
    """Whether the name of a file to write has none of these endings; a device or a pipe may have any name."""
    return path.suffix.lower() not in endings and (os.path.isfile(path) or not os.path.exists(path))


def write_output(path: Path, content: bytes) -> None:
    """Write what the user asked for: a file whole or not at all; to a device or a pipe, which stays what it is.
    Raises SaveError."""
    try:
        mode = path.stat().st_mode if os.path.lexists(path) else stat.S_IFREG
    except FileNotFoundError:  # a link to a file that is not there yet
        mode = stat.S_IFREG
    except OSError as error:
        raise unsaved(path, error) from None
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        write(path.resolve() if os.path.islink(path) else path, content)
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise unsaved(path, error) from None
