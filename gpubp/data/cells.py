"""The cells of a sheet as arrays: by numpy's own reader, or row by row where that is too lax or to find errors."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from .checks import Findings, clipped, counted, remedy
from .sheet import Sheet, is_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MISSING = frozenset(("", "?", "NA", "N/A", "n/a", "nan", "NaN", "NAN", "null", "NULL"))
"""Cells that are missing, where `missing = ...` says what is to be done about them."""
NO_NUMBER = MISSING | {"-", "--", ".", "None", "none", "#N/A", "<NA>"}
"""Those in a column of numbers; among words these may be words."""


@dataclass(frozen=True, slots=True)
class Labels:
    """One column of labels: the numbers themselves, or, with `words`, places in that list."""

    values: NDArray[np.float64]
    words: tuple[str, ...] | None = None

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where the cell is missing."""
        import numpy as np

        gone: NDArray[np.bool_] = np.isnan(self.values) if self.words is None else self.values < 0
        return gone

    def of(self, rows: NDArray[np.int64]) -> Labels:
        """Those of some rows, whose words are all there is: a class of the rows that are left out is none."""
        import numpy as np

        values = self.values[rows]
        if self.words is None:
            return Labels(values)
        used = np.unique(values[values >= 0]).astype(np.int64)
        place = np.full(len(self.words) + 1, -1.0)  # the last one for -1, a cell that is missing
        place[used] = np.arange(len(used))
        return Labels(place[values.astype(np.int64)], tuple(self.words[i] for i in used))


@dataclass(frozen=True, slots=True)
class Cells:
    """What was read of a table, by column number. `kept`: which of its rows, if some were left out, `left_out` of them.

    Numbers are finite, or NaN where a cell is missing.
    """

    rows: int
    numbers: dict[int, NDArray[np.float64]]
    labels: dict[int, Labels]
    kept: NDArray[np.int64] | None = None
    left_out: int = 0

    def row(self, row: int) -> int:
        """The number in the file (from 0) of a row that was read."""
        return row if self.kept is None else int(self.kept[row])


def read_cells(
    sheet: Sheet, numeric: Sequence[int], labels: Sequence[int], missing: bool = False, *, alone: bool = False
) -> Cells:
    """The columns `numeric` as float64 (n,) and `labels` as numbers or words.

    `missing`: cells of NO_NUMBER are NaN, those of MISSING place -1 or NaN among the labels; otherwise they are errors.
    `alone`: other columns need not be looked at. Raises DiagnosticError for rows of another length than the header's,
    for cells of `numeric` that are no finite numbers, and for empty labels, each with its row and column.
    """
    found = _fast(sheet, numeric, labels, alone=alone)
    if found is None and missing and len(sheet.names) > 1 and b'"' not in sheet.raw:
        found = _fast(_spelt_out(sheet), numeric, labels, missing=True)
    return found or _precise(sheet, numeric, labels, missing)


def _spelt_out(sheet: Sheet) -> Sheet:
    """The sheet with `nan` in cells that are missing: numpy's reader takes no other spelling. Cells with white space
    around the mark are left as they are, for the precise way."""
    part = sheet.delimiter.encode()
    raw = sheet.raw if sheet.raw.endswith((b"\n", b"\r")) else sheet.raw + b"\n"
    for mark in (mark.encode() for mark in MISSING if mark.lower() != "nan"):
        if mark and mark not in raw:
            continue
        # A mark has a delimiter on one side at least; two that touch share it, so one way through finds every other.
        for before, after in ((part, part), (part, part), (part, b"\n"), (part, b"\r"), (b"\n", part), (b"\r", part)):
            raw = raw.replace(before + mark + after, before + b"nan" + after)
    return replace(sheet, raw=raw)


def _fast(
    sheet: Sheet, numeric: Sequence[int], labels: Sequence[int], missing: bool = False, alone: bool = False
) -> Cells | None:
    """All at once through `numpy.loadtxt`; None where it refuses, or would be less strict than `_precise`."""
    import numpy as np

    if sheet.decimal != ".":
        return None
    blank: frozenset[str] = MISSING if missing else frozenset()
    text = [i for i, cell in enumerate(sheet.first) if not is_number(cell) and cell.strip() not in blank]
    if len(sheet.first) != len(sheet.names) or set(text) & set(numeric):
        return None
    lines = sheet.lines()
    for _ in range(sheet.skip):
        lines.readline()
    if len(sheet.names) == 1 and _blank_inside(sheet.raw):
        return None
    books: dict[int, dict[str, int]] = {i: {} for i in text if i in set(labels)}
    taken = sorted({*numeric, *labels}) if alone else list(range(len(sheet.names)))
    converters: dict[int | str, Callable[[str], Any]] = {
        i: _numbering(books[i]) if i in books else _ignored for i in text if i in taken
    }
    try:
        table = np.loadtxt(
            lines,
            delimiter=sheet.delimiter,
            comments=None,
            quotechar='"' if b'"' in sheet.raw else None,
            converters=converters or None,
            usecols=taken if alone else None,
            ndmin=2,
            dtype=np.float64,
            encoding=None,
        )
    except ValueError:
        return None
    # loadtxt glues on what follows a closing quote; going through the records once more finds such places.
    if table.shape[1] != len(taken) or (b'"' in sheet.raw and not _well_quoted(sheet, len(table))):
        return None
    columns = dict(zip(taken, table.T, strict=True))
    numbers = {i: columns[i] for i in numeric}
    for column in numbers.values():
        wrong = ~np.isfinite(column)
        if wrong.any() and not (missing and np.isnan(column[wrong]).all()):
            return None
    found = {i: Labels(columns[i], tuple(books[i]) if i in books else None) for i in labels}
    return Cells(len(table), numbers, found)


def _blank_inside(raw: bytes) -> bool:
    body = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip()
    return b"\n\n" in body


def _well_quoted(sheet: Sheet, rows: int) -> bool:
    return sum(1 for _ in sheet.rows()) == rows


def _ignored(cell: str) -> float:
    return 0.0


def _numbering(book: dict[str, int]) -> Callable[[str], float]:
    """A converter that numbers words as they come and notes them in `book`."""

    def convert(cell: str) -> float:
        cell = cell.strip()
        place = book.get(cell)
        if place is None:
            if not cell or is_number(cell):
                raise ValueError("for the precise pass to judge")
            place = book[cell] = len(book)
        return place

    return convert


def _precise(sheet: Sheet, numeric: Sequence[int], labels: Sequence[int], missing: bool = False) -> Cells:
    import numpy as np

    width = len(sheet.names)
    findings = Findings(sheet.span)
    numbers = {i: array("d") for i in numeric}
    words: dict[int, list[str | None]] = {i: [] for i in labels}
    wrong: dict[int, list[tuple[int, str]]] = {i: [] for i in numeric}
    rows = 0
    for line, cells in sheet.rows():
        if len(cells) != width:
            message = (
                f"{counted(len(cells), 'cell')}, where {'the header' if sheet.header else 'the first row'} has {width}"
            )
            findings.add("E0417", "rows of another length", sheet.place(line), message, _one_more(cells, width))
            continue
        rows += 1
        for i, column in numbers.items():
            cell = cells[i]
            number = float(sheet.number(cell) or "nan")
            if not isfinite(number):
                number = float("nan")
                if not missing or cell.strip() not in NO_NUMBER:
                    wrong[i].append((line, cell))
            column.append(number)
        for i, found in words.items():
            cell = cells[i].strip()
            if missing and cell in MISSING:
                found.append(None)
                continue
            if not cell:
                help = remedy(sheet.span, "`missing = drop` leaves out rows that miss a cell", "fill it")
                findings.add("E0419", "labels that are empty", sheet.place(line, i), "the label is empty", help)
            found.append(cell)
    for i, bad in wrong.items():
        _report(sheet, i, bad, rows, findings)
    findings.raise_all()
    columns = {i: np.frombuffer(column, dtype=np.float64) for i, column in numbers.items()}
    return Cells(rows, columns, {i: numbered(found) for i, found in words.items()})


def numbered(cells: Sequence[str | None]) -> Labels:
    """A column of labels as it stands in a file; None, where one is missing, becomes NaN or the place -1."""
    import numpy as np

    book: dict[str, int] = {}
    places = np.array([-1 if cell is None else book.setdefault(cell, len(book)) for cell in cells], dtype=np.int64)
    if all(map(is_number, book)):
        values = np.array([*(float(cell) for cell in book), np.nan], dtype=np.float64)
        return Labels(values[places])
    return Labels(places.astype(np.float64), tuple(book))


DECIMAL_COMMA = re.compile(r"\s*[-+]?(\d{1,3}([. ]\d{3})+|\d+),\d+\s*", re.ASCII)
_THOUSANDS = re.compile(r"\s*[-+]?\d{1,3}([,' ]\d{3})+(\.\d*)?\s*", re.ASCII)
_TELL = (
    "tell the reader: `csv(..., missing = drop)` leaves such rows out, `mean` or `median` in place of `drop` fills the "
    "cells"
)
_WHOLE = "the net was trained on rows without gaps"


def _one_more(cells: Sequence[str], width: int) -> str:
    """What may have made a row too long or too short."""
    if len(cells) > width:
        return "a cell that holds the delimiter stands in quotes"
    return "every row has a cell for each column"


def _report(sheet: Sheet, column: int, bad: list[tuple[int, str]], rows: int, findings: Findings) -> None:
    """What is wrong with the cells of one column: all of it text, or single cells."""
    name = clipped(sheet.names[column])
    if bad and len(bad) == rows and all(_is_text(cell, sheet) for _, cell in bad):
        line, cell = bad[0]
        message = f"`{clipped(cell)}` is text, and so is the whole column, where numbers are wanted"
        help = (
            f'`onehot = ["{name}"]` makes a number of each of its words, and `?` in the type counts them; a target of '
            "words is `class(?)`; or `columns = [...]` leaves the column out, with one entry per name"
        )
        help = remedy(sheet.span, help, "the net was trained on numbers in this column")
        findings.add("E0416", "columns of text", sheet.place(line, column), message, help)
        return
    missing = remedy(sheet.span, f"if it is missing, {_TELL}", f"put a number in its place: {_WHOLE}")
    for line, cell in bad:
        place = sheet.place(line, column)
        spelling = _spelling(cell, sheet)
        if not cell.strip():
            help = remedy(sheet.span, f"fill it, or {_TELL}; nothing is guessed", f"fill it: {_WHOLE}")
            findings.add("E0416", "empty cells", place, "the cell is empty", help)
        elif spelling:
            what, phrase, help = spelling
            findings.add("E0416", what, place, f"`{clipped(cell.strip())}` is not a number: {phrase}", help)
        elif is_number(cell):
            message = f"`{clipped(cell.strip())}` is not a finite number"
            help = missing if cell.strip() in NO_NUMBER else "correct it in the table"
            findings.add("E0416", "numbers that are not finite", place, message, help)
        else:
            help = missing if cell.strip() in NO_NUMBER else "correct it in the table"
            findings.add("E0416", "cells that are no numbers", place, f"`{clipped(cell)}` is not a number", help)


def _is_text(cell: str, sheet: Sheet) -> bool:
    return bool(cell.strip()) and not is_number(cell) and _spelling(cell, sheet) is None


def _spelling(cell: str, sheet: Sheet) -> tuple[str, str, str] | None:
    """What is odd about a number that another country, or a person, would read: a plural, a phrase, the remedy."""
    if sheet.decimal == ",":
        if is_number(cell) and isfinite(float(cell)):
            return "decimal points", "it has a decimal point, where the table has commas", "write it with a comma"
        return None
    plain = re.sub("[,' ]", "", cell)
    thousands = "signs between thousands", "it has signs between thousands", f"write it without: `{plain}`"
    if _THOUSANDS.fullmatch(cell) and cell.count(",") != 1:
        return thousands
    if DECIMAL_COMMA.fullmatch(cell):
        help = '`decimal = ","` reads such numbers; or save the table with points'
        help = remedy(sheet.span, help, "the table that was learned from has decimal points: save this one with points")
        return "decimal commas", "it has a decimal comma", help
    return thousands if _THOUSANDS.fullmatch(cell) else None
