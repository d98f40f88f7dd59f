"""Saved state: one safetensors file, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import CheckpointError

NAME = "last.safetensors"


def save(path: Path, state: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Write NumPy arrays by name to `path`: to a temporary file beside it, flushed, then renamed. Raises
    CheckpointError where that fails; an earlier file at `path` is whole then."""
    import numpy as np
    from safetensors.numpy import save as to_bytes

    # safetensors writes several entries of metadata in an order of chance: one entry, and equal states are equal files.
    # Its 0.8.0 writes the bytes of any layout as if they were in C order.
    content = to_bytes(
        {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in state.items()},
        {"gpubp": json.dumps(dict(metadata), sort_keys=True)},
    )
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".saving-", delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise CheckpointError(f"cannot save to `{path}`: {(error.strerror or str(error)).lower()}") from None


def require_folder(folder: Path) -> None:
    """Raise CheckpointError where nothing can be saved to `folder`: better before a long training than after it."""
    place = folder
    try:
        while not place.exists():
            place = place.parent
    except OSError as error:
        raise CheckpointError(f"cannot save to `{folder}`: {(error.strerror or str(error)).lower()}") from None
    if not place.is_dir():
        raise CheckpointError(f"cannot save to `{folder}`: `{place}` is not a directory")
    if not os.access(place, os.W_OK | os.X_OK):
        raise CheckpointError(f"cannot save to `{folder}`: permission denied")


def restore(path: Path) -> dict[str, Any]:
    """The arrays of a file that `save` wrote; a folder stands for the file in it. Raises CheckpointError where it
    cannot be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if path.is_dir():
        path = path / NAME
    try:
        return dict(load(path.read_bytes()))
    except OSError as error:
        raise CheckpointError(f"cannot read `{path}`: {(error.strerror or str(error)).lower()}") from None
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"`{path}` is no saved state: {error}") from None
