"""The cells of a sheet as arrays: by numpy's own reader, or row by row where that is too lax or to find errors."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from .checks import Findings, clipped, counted
from .sheet import Sheet, is_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Labels:
    """One column of labels: the numbers themselves, or, with `words`, places in that list."""

    values: NDArray[np.float64]
    words: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Cells:
    """What was read of a sheet, by column number."""

    rows: int
    numbers: dict[int, NDArray[np.float64]]
    labels: dict[int, Labels]


def read_cells(sheet: Sheet, numeric: Sequence[int], labels: Sequence[int]) -> Cells:
    """The columns `numeric` as finite float64 (n,) and `labels` as numbers or words.

    Raises DiagnosticError for rows of another length than the header's, for cells of `numeric` that are no finite
    numbers, and for empty labels, each with its row and column.
    """
    return _fast(sheet, numeric, labels) or _precise(sheet, numeric, labels)


def _fast(sheet: Sheet, numeric: Sequence[int], labels: Sequence[int]) -> Cells | None:
    """All at once through `numpy.loadtxt`; None where it refuses, or would be less strict than `_precise`."""
    import numpy as np

    text = [i for i, cell in enumerate(sheet.first) if not is_number(cell)]
    if len(sheet.first) != len(sheet.names) or set(text) & set(numeric):
        return None
    lines = sheet.lines()
    for _ in range(sheet.skip):
        lines.readline()
    if len(sheet.names) == 1 and _blank_inside(sheet.raw):
        return None
    books: dict[int, dict[str, int]] = {i: {} for i in text if i in set(labels)}
    converters: dict[int | str, Callable[[str], Any]] = {
        i: _numbering(books[i]) if i in books else _ignored for i in text
    }
    try:
        table = np.loadtxt(
            lines,
            delimiter=sheet.delimiter,
            comments=None,
            quotechar='"' if b'"' in sheet.raw else None,
            converters=converters or None,
            ndmin=2,
            dtype=np.float64,
            encoding=None,
        )
    except ValueError:
        return None
    # loadtxt glues on what follows a closing quote; going through the records once more finds such places.
    if table.shape[1] != len(sheet.names) or (b'"' in sheet.raw and not _well_quoted(sheet, len(table))):
        return None
    numbers = {i: np.ascontiguousarray(table[:, i]) for i in numeric}
    if not all(np.isfinite(column).all() for column in numbers.values()):
        return None
    found = {i: Labels(np.ascontiguousarray(table[:, i]), tuple(books[i]) if i in books else None) for i in labels}
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


def _precise(sheet: Sheet, numeric: Sequence[int], labels: Sequence[int]) -> Cells:
    import numpy as np

    width = len(sheet.names)
    findings = Findings(sheet.span)
    numbers = {i: array("d") for i in numeric}
    words: dict[int, list[str]] = {i: [] for i in labels}
    wrong: dict[int, list[tuple[int, str]]] = {i: [] for i in numeric}
    rows = 0
    for line, cells in sheet.rows():
        if len(cells) != width:
            message = (
                f"{counted(len(cells), 'cell')}, where {'the header' if sheet.header else 'the first row'} has {width}"
            )
            findings.add("E0417", "rows of another length", sheet.place(line), message)
            continue
        rows += 1
        for i, column in numbers.items():
            cell = cells[i]
            try:
                number = float(cell)
            except ValueError:
                number = float("nan")
            if not isfinite(number) or not cell.isascii() or "_" in cell:
                wrong[i].append((line, cell))
            column.append(number)
        for i, found in words.items():
            cell = cells[i].strip()
            if not cell:
                findings.add("E0419", "labels that are empty", sheet.place(line, i), "the label is empty")
            found.append(cell)
    for i, bad in wrong.items():
        _report(sheet, i, bad, rows, findings)
    findings.raise_all()
    columns = {i: np.frombuffer(column, dtype=np.float64) for i, column in numbers.items()}
    return Cells(rows, columns, {i: _labels(found) for i, found in words.items()})


def _labels(cells: list[str]) -> Labels:
    import numpy as np

    book: dict[str, int] = {}
    places = np.array([book.setdefault(cell, len(book)) for cell in cells], dtype=np.int64)
    if all(map(is_number, book)):
        return Labels(np.array([float(cell) for cell in book], dtype=np.float64)[places])
    return Labels(places.astype(np.float64), tuple(book))


def _report(sheet: Sheet, column: int, bad: list[tuple[int, str]], rows: int, findings: Findings) -> None:
    """What is wrong with the cells of one column: all of it text, or single cells."""
    if bad and len(bad) == rows and all(cell.strip() and not is_number(cell) for _, cell in bad):
        line, cell = bad[0]
        message = f"`{clipped(cell)}` is text, and so is the whole column, where numbers are wanted"
        help = "text columns can be targets: `class(?)`; `columns = [...]` picks the others"
        findings.add("E0416", "columns of text", sheet.place(line, column), message, help)
        return
    for line, cell in bad:
        place = sheet.place(line, column)
        if not cell.strip():
            findings.add(
                "E0416", "empty cells", place, "the cell is empty", "fill it or leave out the row: nothing is guessed"
            )
        elif is_number(cell):
            findings.add(
                "E0416", "numbers that are not finite", place, f"`{clipped(cell.strip())}` is not a finite number"
            )
        else:
            findings.add("E0416", "cells that are no numbers", place, f"`{clipped(cell)}` is not a number")
