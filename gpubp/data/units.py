"""Units of columns of numbers: where a reader is told several, new rows have those of the rows that were learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .checks import clipped, problem
from .notation import PARTS_OF_ONE, Notation
from .tables import Dated, Table, TextTable


def column_units(table: Table, columns: Iterable[int], notation: Notation) -> dict[int, str]:
    """The unit of each of these columns of numbers that has one. Nothing where no more than one is told, which no other
    can be taken for."""
    inner = table.table if isinstance(table, Dated) else table
    if not isinstance(inner, TextTable) or len({*notation.units} - {*PARTS_OF_ONE}) < 2:
        return {}
    left, found = {i for i in columns if i < len(inner.names)}, dict[int, str]()
    for _, cells in inner.sheet.rows():
        for i in [*left]:
            unit = notation.unit(cells[i])
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
