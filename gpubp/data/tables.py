"""A table whose columns have names, whatever file it stands in: that of delimited text, and one with parts of dates as
further columns, `"when.month"` of the column `when`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from dsl.diagnostics import DiagnosticError
from dsl.records import dataclass
from dsl.source import Span

from ..wording import clipped
from .cell_arrays import CellQuery, Cells, Labels
from .cells import read_cells
from .checks import Findings, problem, remedy
from .dates import PARTS, Times, is_date, order_of, part_of, times_of
from .misread import DROP
from .notation import MISSING, PARTS_OF_ONE, Notation
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

    def cells(self, query: CellQuery) -> Cells:
        """The columns that are asked for. Raises DiagnosticError."""

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

    def cells(self, query: CellQuery) -> Cells:
        return read_cells(self.sheet, query)

    def texts(self, column: int) -> list[str]:
        return self.sheet.column(column)


@dataclass(frozen=True, slots=True)
class DatedTable:
    """A table with the parts of some of its columns as more columns behind its own. `parts`: the column and the part
    that each of them is. `order`: of day, month and year where the year stands last, the `dates` of a notation."""

    table: Table
    parts: tuple[tuple[int, str], ...]
    order: str

    @property
    def path(self) -> str:
        return self.table.path

    @property
    def span(self) -> Span | None:
        return self.table.span

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.table.names, *(f"{self.table.names[column]}.{part}" for column, part in self.parts))

    @property
    def header(self) -> bool:
        return self.table.header

    @property
    def bases(self) -> frozenset[int]:
        """The columns that hold dates."""
        return frozenset(column for column, _ in self.parts)

    def at(self, row: int, column: int) -> str:
        own = len(self.table.names)
        return self.table.at(row, column if column < own else self.parts[column - own][0])

    def cells(self, query: CellQuery) -> Cells:
        own, numeric, labels = len(self.table.names), query.numeric, query.labels
        asked = {i: self.parts[i - own] for i in (*numeric, *labels) if i >= own}
        # Before the texts of a column are asked for, all rows are read: only then they are known to have it.
        alone = query.alone and not asked
        inner = CellQuery([i for i in numeric if i < own], [i for i in labels if i < own], query.missing, alone)
        found = self.table.cells(inner)
        whens = {base: self._times(base, query.missing) for base in sorted({base for base, _ in asked.values()})}
        columns = {i: part_of(whens[base], part) for i, (base, part) in asked.items()}
        numbers = {**found.numbers, **{i: columns[i] for i in numeric if i in columns}}
        return Cells(found.rows, numbers, {**found.labels, **{i: Labels(columns[i]) for i in labels if i in columns}})

    def texts(self, column: int) -> list[str]:
        own = len(self.table.names)
        if column < own:
            return self.table.texts(column)
        numbers = self.cells(CellQuery([column], missing=MISSING)).numbers[column]
        return ["" if number != number else f"{number:.10g}" for number in numbers.tolist()]

    def _times(self, column: int, missing: Collection[str]) -> Times:
        """The moments of a column. Raises DiagnosticError for cells that are none."""
        cells = [cell.strip() for cell in self.table.texts(column)]
        when = times_of(cells, self.order)
        form = _form(self.span, [cells[row] for row in when.wrong], self.order)
        zone = "give all cells a time zone, as in 2024-03-01T12:30+01:00, or none"
        findings = Findings(self.span)
        for rows, what, says, help in (
            (when.wrong, "cells that are no dates", "`{}` is no date", form),
            (when.zoneless, "times without a zone", "`{}` has no time zone, but other cells have one", zone),
            ([] if missing else when.empty, "empty cells", "the cell is empty", f"fill it, or {DROP}"),
        ):
            places = ((self.at(row, column), says.format(clipped(cells[row]))) for row in rows)
            findings.add_all("E0416", what, places, len(rows), help)
        findings.raise_all()
        return when


def _form(span: Span | None, wrong: Sequence[str], order: str) -> str:
    """How dates are to be written, where some are not."""
    own = {"ymd": "2024-03-01", "dmy": "01.03.2024", "mdy": "03/01/2024"}[order]
    form = f"dates are written as {own}, with a time as {own} 12:30"
    meant = order == "ymd" and 2 * sum(map(is_date, wrong)) > len(wrong)
    other = order_of(wrong) if meant else None
    if other:
        return remedy(span, f"`dates = {other}` reads such dates", form)
    if other is None:
        return form
    help = f"`dates = dmy` takes the first number of `{wrong[0]}` for the day, `dates = mdy` for the month: the column "
    return remedy(span, f"{help}does not say which", form)


def with_dates(table: Table, named: Sequence[str], order: str) -> Table:
    """The table, with a column for each of the names `named` that is a part of one of its columns. `order`: the `dates`
    of its notation."""
    parts = []
    for name in dict.fromkeys(named):
        base, dot, part = name.rpartition(".")
        if dot and part in PARTS and name not in table.names and base in table.names:
            parts.append((table.names.index(base), part))
    return DatedTable(table, tuple(parts), order) if parts else table


def text_of(table: Table) -> Sheet | None:
    """The sheet of a table that is delimited text."""
    inner = table.table if isinstance(table, DatedTable) else table
    return inner.sheet if isinstance(inner, TextTable) else None


def none_left(table: Table, each: str, why: Sequence[str]) -> DiagnosticError:
    """What to say where all rows are left out, or whatever `each` is called: that each misses a cell, or `why`."""
    message = f"no {each} can be used" if why else f"no {each} is left, for each misses a cell"
    return problem("E0414", f"`{table.path}`: {message}", table.span, notes=why)


def row_place(path: str, row: int, column: str | None = None) -> str:
    """Where a row (from 0) stands in a file that has no lines."""
    where = f"`{path}`, row {row + 1:,}"
    return where if column is None else f"{where}, column `{clipped(column)}`"


def column_units(table: Table, columns: Iterable[int], notation: Notation) -> dict[int, str]:
    """The unit of each of these columns of numbers that has one. Nothing where no more than one is told, which no other
    can be taken for."""
    sheet = text_of(table)
    if sheet is None or len({*notation.units} - {*PARTS_OF_ONE}) < 2:
        return {}
    left, found = {i for i in columns if i < len(sheet.names)}, dict[int, str]()
    for _, cells in sheet.rows():
        for i in [*left]:
            unit = notation.unit(cells[i]) if i < len(cells) else ""  # rows may be judged later
            if unit and unit not in PARTS_OF_ONE:
                found[i] = unit
                left.remove(i)
        if not left:
            break
    return found


def check_units(table: Table, known: Mapping[int, str], notation: Notation, learned: str) -> None:
    """Raises DiagnosticError (E0416) where a column has another unit than `known`, that of what is `learned`."""
    for i, unit in column_units(table, known, notation).items():
        if known[i] and unit != known[i]:
            message = f"`{table.path}`, column `{clipped(table.names[i])}`: its numbers are in `{clipped(unit)}`"
            raise problem("E0416", f"{message}, those of {learned} in `{clipped(known[i])}`", table.span)
