"""A table whose columns have names, whatever file it stands in, and the one that stands in delimited text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from dsl.diagnostics import DiagnosticError
from dsl.records import dataclass
from dsl.source import Span

from .cell_arrays import Cells
from .cells import read_cells
from .checks import clipped, problem
from .sheet import Sheet


class Table(Protocol):
    """An opened table. `header`: whether the file names its columns, which are "1", "2", ... otherwise."""

    @property
    def path(self) -> str:
        """The file as the `.net` file names it."""

    @property
    def span(self) -> Span | None:
        """What messages about this file point at."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of its columns, in order."""

    @property
    def header(self) -> bool: ...

    def at(self, row: int, column: int) -> str:
        """In words where a row (from 0) and a column stand, in the file's own count."""

    def cells(
        self, numeric: Sequence[int], labels: Sequence[int], missing: Collection[str], *, alone: bool = False
    ) -> Cells:
        """Columns as arrays, as `read_cells` does it. Raises DiagnosticError."""

    def texts(self, column: int) -> list[str]:
        """The cells of a column of a table whose `cells` could be read, as they stand in the file. Raises
        DiagnosticError for what is no text."""


@dataclass(frozen=True, slots=True)
class TextTable:
    """A delimited text file."""

    sheet: Sheet

    @property
    def path(self) -> str:
        return self.sheet.path

    @property
    def span(self) -> Span | None:
        return self.sheet.span

    @property
    def names(self) -> tuple[str, ...]:
        return self.sheet.names

    @property
    def header(self) -> bool:
        return self.sheet.header

    @property
    def first(self) -> tuple[str, ...]:
        """The cells of the first row."""
        return self.sheet.first

    def at(self, row: int, column: int | None = None) -> str:
        return self.sheet.place(self.sheet.line_of(row), column)

    def cells(
        self, numeric: Sequence[int], labels: Sequence[int], missing: Collection[str], *, alone: bool = False
    ) -> Cells:
        return read_cells(self.sheet, numeric, labels, missing, alone=alone)

    def texts(self, column: int) -> list[str]:
        return self.sheet.column(column)


def none_left(table: Table, each: str, why: Sequence[str]) -> DiagnosticError:
    """What to say where all rows are left out, or whatever `each` is called: that each misses a cell, or `why`."""
    message = f"no {each} can be used" if why else f"no {each} is left, for each misses a cell"
    return problem("E0414", f"`{table.path}`: {message}", table.span, notes=why)


def row_place(path: str, row: int, column: str | None = None) -> str:
    """Where a row (from 0) stands in a file that has no lines."""
    where = f"`{path}`, row {row + 1:,}"
    return where if column is None else f"{where}, column `{clipped(column)}`"
