"""The files that a net's data is read from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dsl.graph import Choice, Static

from .net import Net

FOLDERS = ("path", "masks", "test")
"""Options of readers that may name a folder of data."""


def data_files(net: Net) -> dict[str, Path]:
    """The files that the data is read from, by their names as written: every string option of a reader that is the path
    of a file; and folders, if the option is one of `FOLDERS`."""
    found: dict[str, Path] = {}
    for entry in net.graph.rows.entries if net.graph.rows is not None else ():
        for option, value in entry.value.options.items() if isinstance(entry.value, Choice) else ():
            for text in _strings(value):
                place = net.base / text
                try:
                    if place.is_file() or (option in FOLDERS and place.is_dir()):
                        found[text] = place
                except (OSError, ValueError):  # not a path
                    continue
    return found


def _strings(value: Static) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Choice):
        for option in value.options.values():
            yield from _strings(option)
    elif isinstance(value, tuple):
        for item in value:
            yield from _strings(item)
