"""What to say of cells that are not numbers, and of rows that are longer or shorter than the header: what they may have
been meant for, and the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import isfinite

from ..wording import clipped, counted
from .checks import Findings, remedy
from .dates import is_date, order_of
from .layout import lines_above
from .notation import NO_NUMBER, Notation, is_number
from .sheet import Sheet
from .spelling import MOST, is_common, notation_for, spelling

CORRECT = "correct it in the table"
DROP = "`missing = drop` in the reader drops rows that miss a cell"
IMPUTE = f"{DROP}, `mean` or `median` imputes numbers"
"""What to do about cells that are missing: labels, and numbers."""


def report(sheet: Sheet, column: int, bad: list[tuple[int, str]], numbers: Sequence[float], findings: Findings) -> None:
    """What is wrong with the cells of one column: all of it text or dates, or single cells. `bad`: each with its line;
    `numbers`: all cells of the column, NaN where they are none."""
    if not bad:
        return
    found = _whole_column(sheet, column, [cell.strip() for _, cell in bad]) if len(bad) == len(numbers) else None
    if found is not None:
        what, message, help = found
        help = remedy(sheet.span, help, "the net was trained on numbers in this column")
        findings.add("E0416", what, sheet.place(bad[0][0], column), message, help)
        return
    wanted = _wanted([cell for _, cell in bad], numbers, sheet.notation)
    alone = len(bad) == 1 < len(numbers)
    other = edge(bad[0][1], sheet.line, not isfinite(numbers[0]), not isfinite(numbers[-1])) if alone else ""
    for line, cell in bad:
        what, message, help = _single_cell(cell, sheet, wanted, other)
        findings.add("E0416", what, sheet.place(line, column), message, help)


def _whole_column(sheet: Sheet, column: int, cells: Sequence[str]) -> tuple[str, str, str] | None:
    """What to say of a column without a number, if its cells are alike: a plural, a message about the first, and the
    remedy in a `.net` file."""
    name, first = clipped(sheet.names[column]), clipped(cells[0])
    order = order_of({*cells})
    if order is not None and all(map(is_date, cells)):
        told = "" if order == "ymd" else f" with `dates = {order or 'dmy'}`" + " or `mdy`" * (not order)
        help = f'parts of it are numbers{told}: `"{name}.days"`, `"{name}.month"` ... in `columns`'
        return "columns of dates", f"`{first}` is a date, like the whole column, but numbers are needed", help
    if all(map(_is_text, cells)):
        help = (
            f'`onehot = ["{name}"]` encodes it with one number per word, which `?` in the type counts; a target of '
            f'words is `class(?)`; `without = "{name}"` leaves the column out'
        )
        return "columns of text", f"`{first}` is text, like the whole column, but numbers are needed", help
    return None


def _single_cell(cell: str, sheet: Sheet, wanted: Notation, other: str) -> tuple[str, str, str]:
    """What to say of a cell that is no number: a plural, a message, the remedy. `wanted`: the notation that it may be
    written in; `other`: the remedy for a line that may be none of the table's."""
    shown, misspelt = clipped(cell.strip()), _misspelt(cell, sheet, wanted)
    if not shown:
        return "empty cells", "the cell is empty", f"fill it, or {IMPUTE}; nothing is guessed"
    if misspelt:
        what, phrase, help = misspelt
        return what, f"`{shown}` is not a number: {phrase}", help
    missing = f"if it is missing, {IMPUTE}" if cell.strip() in NO_NUMBER else ""
    if is_number(cell):
        return "numbers that are not finite", f"`{shown}` is not a finite number", missing or CORRECT
    help = missing or (f"{CORRECT}; {other}" if other else CORRECT)
    return "cells that are not numbers", f"`{clipped(cell)}` is not a number", help


def edge(cell: str, line: str, first: bool, last: bool) -> str:
    """What to do about a line, as messages call it, above or below all numbers, which may be none of the table's."""
    if spelling(cell) is not None or not (first or last):
        return ""
    return f"if this {line} {'contains units' if first else 'is a note or a total'}, delete it"


def _is_text(cell: str) -> bool:
    return bool(cell.strip()) and not is_number(cell) and spelling(cell) is None and not _in_single_quotes(cell)


def _in_single_quotes(cell: str) -> bool:
    return len(cell) > 2 and cell[0] == cell[-1] == "'" and spelling(cell[1:-1]) is not None


def _wanted(bad: Sequence[str], numbers: Sequence[float], notation: Notation) -> Notation:
    """The notation that the bad cells of a column seem to be written in, beside `numbers` that could be read."""
    cells = [cell.strip() for cell in bad if spelling(cell) is not None]
    points = notation.decimal == "." and not all(number.is_integer() for number in numbers if isfinite(number))
    found = notation_for([cells, ["0.5"] * points], notation) if cells else notation
    units = (*notation.units, *(unit for unit in found.units if is_common(unit) or len(cells) >= MOST * len(numbers)))
    return replace(found, units=tuple(dict.fromkeys(units)))


def _misspelt(cell: str, sheet: Sheet, wanted: Notation) -> tuple[str, str, str] | None:
    """What is odd about a number that another country, or a person, would read: a plural, a phrase, the remedy."""
    known, found = sheet.notation, spelling(cell)
    if _in_single_quotes(cell.strip()):
        return "numbers in single quotes", "it is in single quotes", "delete them, or write double quotes"
    if found is None:
        return None
    if known.decimal == "," and is_number(cell) and isfinite(float(cell)):
        return "decimal points", "it has a decimal point, where the table has commas", "write it with a comma"
    if known.number(cell) is not None and not known.plain:
        return "other units", "its unit differs from that of the cells above", "a column has one unit"
    more = [option for option in wanted.options() if option not in known.options()]
    if not more or wanted.number(cell) is None:
        if len(found.readings) < 2 or known.decimal == "," or known.thousands:
            return None
        either = '`thousands = ","` reads it as a thousands separator, `decimal = ","` as a decimal comma'
        help = f"{either}; the column does not say which"
        return "commas", "it has a comma", remedy(sheet.span, help, "write it without the comma, or with a point")
    if wanted.decimal != known.decimal:
        what, phrase = "decimal commas", "it has a decimal comma"
    elif found.accounting:
        what, phrase = "negative numbers in accounting notation", "it is a negative number in accounting notation"
    elif found.unit not in ("", *known.units):
        what, phrase = "such units", f"it has the unit `{clipped(found.unit)}`"
    else:
        what, phrase = "thousands separators", "it has thousands separators"
    options = f"`{', '.join(more)}`"
    learned = f"the net was trained on a table without {what}: write numbers as that table does"
    return what, phrase, remedy(sheet.span, f"{options} reads such numbers", learned)


# Rows of another length


class RowLengths:
    """Looks at the rows of a sheet one after the other."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet, self._width = sheet, len(sheet.names)
        self._odd: list[tuple[int, int]] = []
        """Line and length of each row of another length."""
        self._last = 0
        """The line of the last row that is as long as the header."""
        self._single = False
        """Whether a cell in single quotes was cut in a row of another length."""

    def fits(self, line: int, cells: Sequence[str]) -> bool:
        """Whether the row is as long as the header."""
        if len(cells) == self._width:
            self._last = line
            return True
        self._odd.append((line, len(cells)))
        ends = [(cell.strip().startswith("'"), cell.strip().endswith("'")) for cell in cells]
        self._single |= ((True, False), (False, True)) in pairwise(ends)
        return False

    def report(self, findings: Findings) -> None:
        """Put rows of another length among the findings."""
        there = "the header" if self._sheet.header else "the first row"
        help = self._help() if self._odd else ""
        for line, length in self._odd:
            message = f"{counted(length, 'cell')}, where {there} has {self._width}"
            findings.add("E0417", "rows of another length", self._sheet.place(line), message, help)

    def _help(self) -> str:
        first, length = self._odd[0]
        if self._width == 1 or lines_above(self._sheet, ()):
            return _title(self._sheet)
        if self._single:
            return "cells that contain the delimiter are in single quotes, which do not quote: write double quotes"
        if self._sheet.header and not self._last and {length for _, length in self._odd} == {self._width + 1}:
            return "the header has one name too few: add it"
        if first > self._last > 0:
            return f"delete {self._sheet.line}s below the table, such as notes or a source"
        if not self._last and {length for _, length in self._odd} == {1} and b'"' in self._sheet.raw:
            return "each row is one quoted cell: delete the quotes around it"
        return (
            "quote cells that contain the delimiter"
            if length > self._width
            else "every row needs a cell for each column"
        )


def _title(sheet: Sheet) -> str:
    """What to do about lines above a table."""
    lines = lines_above(sheet, ())
    told = f"`skip = {lines or 'N'}` leaves out {counted(lines, sheet.line) if lines else f'N {sheet.line}s'}"
    help = f"delete {sheet.line}s above the table, such as a title"
    return remedy(sheet.span, f"{told} above the table, such as a title", help)
