"""Columns of dates and times, whose parts may be named as columns: `"when.month"` of the column `when`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass
from dsl.source import Span

from .cell_arrays import Cells, Labels
from .checks import Findings, clipped, remedy
from .date_text import all_iso, is_date, moment, order_of
from .misread import MISSING
from .tables import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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

    def cells(
        self, numeric: Sequence[int], labels: Sequence[int], missing: Collection[str], *, alone: bool = False
    ) -> Cells:
        own = len(self.table.names)
        asked = {i: self.parts[i - own] for i in (*numeric, *labels) if i >= own}
        # Before the texts of a column are asked for, all rows are read: only then they are known to have it.
        read = [i for i in numeric if i < own], [i for i in labels if i < own], missing
        found = self.table.cells(*read, alone=alone and not asked)
        whens = {base: self._moments(base, missing) for base in sorted({base for base, _ in asked.values()})}
        columns = {i: _part(whens[base][part == "days"], part) for i, (base, part) in asked.items()}
        numbers = {**found.numbers, **{i: columns[i] for i in numeric if i in columns}}
        return Cells(found.rows, numbers, {**found.labels, **{i: Labels(columns[i]) for i in labels if i in columns}})

    def texts(self, column: int) -> list[str]:
        own = len(self.table.names)
        if column < own:
            return self.table.texts(column)
        numbers = self.cells([column], [], MISSING).numbers[column]
        return ["" if number != number else f"{number:.10g}" for number in numbers.tolist()]

    def _moments(self, column: int, missing: Collection[str]) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
        """A column as datetime64, "not a time" where a cell is missing: by the clock of each cell, and by UTC, which is
        the same where no time zone is given. Raises DiagnosticError."""
        import numpy as np

        cells = [cell.strip() for cell in self.table.texts(column)]
        if all_iso(cells):
            with suppress(ValueError):  # for a 30th of February the place is wanted
                clock = np.array(cells, dtype="datetime64[us]")
                return clock, clock
        found = [None if cell in MISSING else moment(cell, self.order) for cell in cells]
        empty = [row for row, cell in enumerate(cells) if cell in MISSING]
        wrong = [row for row, cell in enumerate(cells) if found[row] is None and cell not in MISSING]
        zoned = [row for row, one in enumerate(found) if one is not None and one[1] is not None]
        odd = []
        if zoned and len(zoned) + len(empty) + len(wrong) < len(cells):
            odd = [row for row, one in enumerate(found) if one is not None and one[1] is None]
        form = _form(self.span, [cells[row] for row in wrong], self.order)
        tell = "fill it, or `missing = drop` leaves out rows that miss a cell"
        zone = "give all cells a time zone, as in 2024-03-01T12:30+01:00, or none"
        findings = Findings(self.span)
        for rows, what, says, help in (
            (wrong, "cells that are no dates", "`{}` is no date", form),
            (odd, "times without a zone", "`{}` has no time zone, but other cells have one", zone),
            ([] if missing else empty, "empty cells", "the cell is empty", tell),
        ):
            places = ((self.at(row, column), says.format(clipped(cells[row]))) for row in rows)
            findings.add_all("E0416", what, places, len(rows), help)
        findings.raise_all()
        clock = np.array([None if one is None else one[0] for one in found], dtype="datetime64[us]")
        if not zoned:
            return clock, clock
        ahead = np.array([0 if one is None else one[1] for one in found], dtype="timedelta64[us]")
        return clock, clock - ahead


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
    return Dated(table, tuple(parts), order) if parts else table


def _part(when: NDArray[np.datetime64], part: str) -> NDArray[np.float64]:
    import numpy as np

    return np.where(np.isnat(when), np.nan, PARTS[part](when).astype(np.float64))
