"""The models that ship with gpubp: their names, and copies of them with their data."""

from __future__ import annotations

from pathlib import Path

from ..frontend import data_files, load

_PACKAGE = Path(__file__).resolve().parent.parent
FOLDER = next((path for path in (_PACKAGE / "models", _PACKAGE.parent / "models") if path.is_dir()), _PACKAGE)
"""Where they lie: in an installed package inside of it, in a working copy beside it."""


def examples() -> dict[str, str]:
    """What each example shows, by its name."""
    found = {}
    for path in sorted(FOLDER.glob("*.net")):
        first = path.read_text("utf-8").partition("\n")[0]
        found[path.stem] = first.removeprefix("#").strip().removeprefix(f"{path.name}:").strip()
    return found


def files_of(name: str) -> dict[str, bytes]:
    """The file of an example and those of its data, by their paths from its folder."""
    path = FOLDER / f"{name}.net"
    found = {path.name: path.read_bytes()}
    return found | {written: place.read_bytes() for written, place in data_files(load(path)).items()}
