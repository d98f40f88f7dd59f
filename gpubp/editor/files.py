"""The files that a name of another file may be used in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from dsl import syntax
from dsl.diagnostics import DiagnosticError
from dsl.reading import read_text

from ..paths import net_files
from .document import Document

MAX_FILES = 2_000
"""So many files of each folder are looked at."""


class Files:
    """The texts that an editor has open, saved or not, and the other `.net` files of its folders."""

    def __init__(self, shown: Iterable[Document], folders: Iterable[Path] = ()) -> None:
        self._known: dict[str, Document | None] = {os.path.realpath(each.path): each for each in shown}
        self._folders = tuple(folders)

    def at(self, path: Path) -> Document | None:
        """The text of a path, None where there is none; for one path always the same object."""
        real = os.path.realpath(path)
        if real not in self._known:
            self._known[real] = _read(Path(real))
        return self._known[real]

    def imported(self, document: Document, alias: str, offset: int) -> Document | None:
        """The file that a text imports under a name."""
        found = document.lookup(alias, offset)
        path = document.import_path(found) if found is not None else None
        return self.at(path) if path is not None else None

    def importing(self, document: Document) -> Iterator[Document]:
        """The files that import one."""
        for path in sorted(self._known.keys() | self._paths()):
            other = self.at(Path(path))
            if other is None or other is document or document.path.name not in other.source.text:
                continue
            imports = [each.path.value for each in other.file.statements if isinstance(each, syntax.Import)]
            if any(self.at(other.path.parent / path) is document for path in imports):
                yield other

    def _paths(self) -> set[str]:
        return {os.path.realpath(path) for each in self._folders for path in islice(net_files(str(each)), MAX_FILES)}


def _read(path: Path) -> Document | None:
    try:
        return Document(path, read_text(path))
    except (DiagnosticError, OSError, ValueError):
        return None
