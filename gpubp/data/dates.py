"""Columns of dates and times, whose parts may be named as columns: `"when.month"` of the column `when`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass
from dsl.source import Span

from .cells import Cells, Labels
from .checks import FIRST, Findings, clipped
from .misread import MISSING
from .tables import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?", re.ASCII)
"""ISO 8601 without a time zone."""

PARTS: Mapping[str, Callable[[Any], Any]] = {
    "days": lambda when: when.astype("int64") / 86_400e6,
    "year": lambda when: when.astype("datetime64[Y]").astype("int64") + 1970,
    "month": lambda when: when.astype("datetime64[M]").astype("int64") % 12 + 1,
    "day": lambda when: (when.astype("datetime64[D]") - when.astype("datetime64[M]")).astype("int64") + 1,
    "weekday": lambda when: (when.astype("datetime64[D]").astype("int64") + 3) % 7 + 1,
    "hour": lambda when: when.astype("datetime64[h]").astype("int64") % 24,
}
"""Each part of moments, microseconds since 1970-01-01 as NumPy's datetime64."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A table with the parts of some of its columns as more columns behind its own. `parts`: the column and the part
    that each of them is."""

    table: Table
    parts: tuple[tuple[int, str], ...]

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

    def at(self, row: int, column: int | None = None) -> str:
        own = len(self.table.names)
        return self.table.at(row, column if column is None or column < own else self.parts[column - own][0])

    def cells(
        self, numeric: Sequence[int], labels: Sequence[int], missing: Collection[str], *, alone: bool = False
    ) -> Cells:
        own = len(self.table.names)
        asked = {i: self.parts[i - own] for i in (*numeric, *labels) if i >= own}
        # Before the texts of a column are asked for, all rows are read: only then they are known to have it.
        read = [i for i in numeric if i < own], [i for i in labels if i < own], missing
        found = self.table.cells(*read, alone=alone and not asked)
        whens = {base: self._moments(base, missing) for base in sorted({base for base, _ in asked.values()})}
        columns = {i: _part(whens[base], part) for i, (base, part) in asked.items()}
        numbers = {**found.numbers, **{i: columns[i] for i in numeric if i in columns}}
        return Cells(found.rows, numbers, {**found.labels, **{i: Labels(columns[i]) for i in labels if i in columns}})

    def texts(self, column: int) -> list[str]:
        own = len(self.table.names)
        if column < own:
            return self.table.texts(column)
        numbers = self.cells([column], [], MISSING).numbers[column]
        return ["" if number != number else f"{number:.10g}" for number in numbers.tolist()]

    def _moments(self, column: int, missing: Collection[str]) -> NDArray[np.datetime64]:
        """A column as datetime64, "not a time" where a cell is missing. Raises DiagnosticError."""
        import numpy as np

        cells = [cell.strip() for cell in self.table.texts(column)]
        empty = [row for row, cell in enumerate(cells) if cell in MISSING]
        wrong = [row for row, cell in enumerate(cells) if cell not in MISSING and not is_date(cell)]
        findings = Findings(self.span)
        form = "dates are written as 2024-03-01, with a time as 2024-03-01 12:30"
        tell = "fill it, or `missing = drop` leaves out rows that miss a cell"
        for rows, what, says, help in (
            (wrong, "cells that are no dates", "`{}` is no date", form),
            ([] if missing else empty, "empty cells", "the cell is empty", tell),
        ):
            for row in rows[:FIRST]:
                findings.add("E0416", what, self.at(row, column), says.format(clipped(cells[row])), help)
            if len(rows) > FIRST:
                findings.add("E0416", what, "", "", count=len(rows) - FIRST)
        findings.raise_all()
        for row in empty:
            cells[row] = "NaT"
        return np.array(cells, dtype="datetime64[us]")


def with_dates(table: Table, named: Sequence[str]) -> Table:
    """The table, with a column for each of the names `named` that is a part of one of its columns."""
    parts = []
    for name in dict.fromkeys(named):
        base, dot, part = name.rpartition(".")
        if dot and part in PARTS and name not in table.names and base in table.names:
            parts.append((table.names.index(base), part))
    return Dated(table, tuple(parts)) if parts else table


def is_date(cell: str) -> bool:
    """Whether a cell is a date, or a date and a time, as they are read here."""
    import numpy as np

    if not _DATE.fullmatch(cell):
        return False
    try:
        np.datetime64(cell)
    except ValueError:  # the 30th of February
        return False
    return True


def _part(when: NDArray[np.datetime64], part: str) -> NDArray[np.float64]:
    import numpy as np

    return np.where(np.isnat(when), np.nan, PARTS[part](when).astype(np.float64))
