"""Files that the user asked for."""

from __future__ import annotations

from pathlib import Path

from ..errors import SaveError
from ..training import write


def write_output(path: Path, content: bytes) -> None:
    """Write what the user asked for: a file whole or not at all; to a device or a pipe, which stays what it is.
    Raises SaveError."""
    if not path.exists() or path.is_file() or path.is_dir():
        write(path.resolve() if path.is_symlink() else path, content)
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise SaveError(f"cannot save `{path}`: {(error.strerror or str(error)).lower()}") from None
