"""Paths as a file or a command names them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

_RUN = {"env.json", "written.net"}
"""Files by which the folder of a run is known: what it records stays as it is."""


def relative(path: Path, start: Path = Path()) -> Path:
    """The path as seen from the folder `start`; an absolute one where it is on another drive of Windows."""
    try:
        return Path(os.path.relpath(path, start))
    except ValueError:
        return path.resolve()


def recorded(base: Path, folder: Path) -> dict[str, str]:
    """What a run or a search in `folder` records of the folder `base` of its `.net` file: where it is, and the way to
    it, for the case that both are moved together."""
    base = base.resolve()
    return {"base": str(base), "base_from_here": relative(base, folder.resolve()).as_posix()}


def base_of(folder: Path, record: Mapping[str, Any]) -> Path:
    """The folder of the `.net` file that the run or the search in `folder` was made from, by its `record`."""
    base = Path(str(record.get("base", folder)))
    moved = folder / str(record.get("base_from_here", base))
    return moved.resolve() if moved.is_dir() and not base.is_dir() else base


def net_files(folder: str, onerror: Callable[[OSError], object] | None = None) -> Iterator[str]:
    """The `.net` files in a folder and those below it, but for hidden ones and those of runs; `onerror` as in
    os.walk."""
    for base, folders, files in os.walk(folder, onerror=onerror):
        run = _RUN.issubset(files)
        folders[:] = [name for name in folders if not (run or name.startswith("."))]
        yield from (os.path.join(base, name) for name in files if name.endswith(".net") and not run)
