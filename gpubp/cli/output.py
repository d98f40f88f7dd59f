"""Files that the user asked for."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

from dsl.excerpt import visible

from ..errors import SaveError, reason
from ..training import write


def ends_otherwise(path: Path, endings: Collection[str]) -> bool:
    """Whether the name of a file to write has none of these endings; a device or a pipe may have any name."""
    return path.suffix.lower() not in endings and (path.is_file() or not path.exists())


def write_output(path: Path, content: bytes) -> None:
    """Write what the user asked for: a file whole or not at all; to a device or a pipe, which stays what it is.
    Raises SaveError."""
    try:
        mode = path.stat().st_mode if os.path.lexists(path) else stat.S_IFREG
    except FileNotFoundError:  # a link to a file that is not there yet
        mode = stat.S_IFREG
    except OSError as error:
        raise _unsaved(path, error) from None
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        write(path.resolve() if path.is_symlink() else path, content)
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise _unsaved(path, error) from None


def _unsaved(path: Path, error: OSError) -> SaveError:
    return SaveError(f"cannot save `{visible(str(path))}`: {reason(error)}")
