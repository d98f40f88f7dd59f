"""The cells of a sheet as arrays: by numpy's own reader, or row by row where that is too lax or to find errors."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any

from .cell_arrays import Cells, Labels
from .checks import Findings
from .misread import NO_NUMBER, report
from .notation import Notation, column_reader, is_number, many_reader
from .ragged import Lengths
from .sheet import Sheet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_cells(
    sheet: Sheet, numeric: Sequence[int], labels: Sequence[int], missing: Collection[str] = (), *, alone: bool = False
) -> Cells:
    """The columns `numeric` as float64 (n,) and `labels` as numbers or words.

    `missing`: cells that place -1 or NaN stands for among the labels, where NaN stands for those of NO_NUMBER among the
    numbers; if there are none of them, all these cells are errors.
    `alone`: other columns need not be looked at. Raises DiagnosticError for rows of another length than the header's,
    for cells of `numeric` that are no finite numbers, and for empty labels, each with its row and column.
    """
    found = _fast(sheet, numeric, labels, missing, alone=alone)
    if found is None and missing and len(sheet.names) > 1 and b'"' not in sheet.raw:
        found = _fast(_spelt_out(sheet, missing), numeric, labels, missing)
    if found is None and not sheet.notation.plain:
        found = _by_columns(sheet, numeric, labels, missing)
    return found or _precise(sheet, numeric, labels, missing)


def _spelt_out(sheet: Sheet, missing: Collection[str]) -> Sheet:
    """The sheet with `nan` in cells that are `missing`: numpy's reader takes no other spelling. Cells with white space
    around the mark are left as they are, for the precise way."""
    part = sheet.delimiter.encode()
    raw = sheet.raw if sheet.raw.endswith((b"\n", b"\r")) else sheet.raw + b"\n"
    for mark in (mark.encode() for mark in missing if mark.lower() != "nan"):
        if mark and mark not in raw:
            continue
        # A mark has a delimiter on one side at least; two that touch share it, so one way through finds every other.
        for before, after in ((part, part), (part, part), (part, b"\n"), (part, b"\r"), (b"\n", part), (b"\r", part)):
            raw = raw.replace(before + mark + after, before + b"nan" + after)
    return replace(sheet, raw=raw)


def _fast(
    sheet: Sheet, numeric: Sequence[int], labels: Sequence[int], missing: Collection[str], *, alone: bool = False
) -> Cells | None:
    """All at once through `numpy.loadtxt`; None where it refuses, or would be less strict than `_precise`."""
    import numpy as np

    commas, swapped = sheet.notation.decimal == ",", _with_points(sheet)
    if swapped is None:
        return None
    sheet = swapped
    text = [i for i, cell in enumerate(sheet.first) if not is_number(cell) and cell.strip() not in missing]
    if len(sheet.first) != len(sheet.names) or set(text) & set(numeric):
        return None
    if len(sheet.names) == 1 and _blank_inside(sheet.raw):
        return None
    books: dict[int, dict[str, int]] = {i: {} for i in (labels if commas else text) if i in set(labels)}
    taken = sorted({*numeric, *labels}) if alone else list(range(len(sheet.names)))
    converters: dict[int | str, Callable[[str], Any]] = {
        i: _numbering(books[i], missing, numbers=commas) if i in books else _ignored
        for i in {*text, *books}
        if i in taken
    }
    table = _loaded(sheet, converters, taken if alone else None)
    if table is None or table.shape[1] != len(taken):
        return None
    columns = dict(zip(taken, table.T, strict=True))
    numbers = {i: columns[i] for i in numeric}
    for column in numbers.values():
        wrong = ~np.isfinite(column)
        if wrong.any() and not (missing and np.isnan(column[wrong]).all()):
            return None
    if commas:
        found = {i: _labelled(columns[i].astype(np.int64), [*map(_swapped, books[i])]) for i in labels}
    else:
        found = {i: Labels(columns[i], tuple(books[i]) if i in books else None) for i in labels}
    return Cells(len(table), numbers, found)


def _with_points(sheet: Sheet) -> Sheet | None:
    """The sheet with points before decimals; None where it is in another notation, or other cells would change."""
    if sheet.notation.plain:
        return sheet
    only_commas = sheet.notation == replace(Notation(","), dates=sheet.notation.dates)
    if not only_commas or sheet.delimiter in ",." or _BARE.search(sheet.raw):
        return None
    # A point between thousands becomes a comma, which loadtxt refuses.
    return replace(sheet, raw=sheet.raw.translate(_SWAPPED), first=tuple(map(_swapped, sheet.first)))


def _loaded(
    sheet: Sheet, converters: dict[int | str, Callable[[str], Any]], columns: Sequence[int] | None
) -> NDArray[np.float64] | None:
    """The rows as `numpy.loadtxt` reads them, where it does, and where each quoted cell ends with its quote."""
    import numpy as np

    lines, quoted = sheet.lines(), b'"' in sheet.raw
    for _ in range(sheet.skip):
        lines.readline()
    try:
        table = np.loadtxt(
            lines,
            delimiter=sheet.delimiter,
            comments=None,
            quotechar='"' if quoted else None,
            converters=converters or None,
            usecols=columns,
            ndmin=2,
            dtype=np.float64,
            encoding=None,
        )
    except ValueError:
        return None
    # loadtxt glues on what follows a closing quote; going through the records once more finds such places.
    return table if not quoted or sum(1 for _ in sheet.rows()) == len(table) else None


_BLOCK = 8192
_SWAPPED = bytes.maketrans(b",.", b".,")
_BARE = re.compile(rb"(?<![0-9A-Za-z]),\d|\d,(?!\d)")
"""A comma with a digit on one side only: of a word perhaps, and no number of a table with decimal commas."""


def _swapped(cell: str) -> str:
    return cell.translate({ord(","): ".", ord("."): ","})


def _blank_inside(raw: bytes) -> bool:
    body = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip()
    return b"\n\n" in body


def _ignored(cell: str) -> float:
    return 0.0


def _numbering(book: dict[str, int], missing: Collection[str], *, numbers: bool) -> Callable[[str], float]:
    """A converter that numbers words as they come and notes them in `book`; -1 stands for those that are `missing`.
    `numbers`: whether words that are numbers are taken, too."""

    def convert(cell: str) -> float:
        cell = cell.strip()
        if cell in missing:
            return -1
        place = book.get(cell)
        if place is None:
            if not cell or (is_number(cell) and not numbers):
                raise ValueError("for the precise pass to judge")
            place = book[cell] = len(book)
        return place

    return convert


def _by_columns(sheet: Sheet, numeric: Sequence[int], labels: Sequence[int], missing: Collection[str]) -> Cells | None:
    """Numbers in a notation of their own, the cells of a column in a block of rows at once; None for what is not
    spelt in one of the usual ways, or would have to be judged."""
    import numpy as np

    read, width = many_reader(sheet.notation), len(sheet.names)
    if read is None:
        return None
    numbers = {i: array("d") for i in numeric}
    words: dict[int, list[str | None]] = {i: [] for i in labels}
    lines, rows = sheet.rows(), 0
    while block := [cells for _, cells in islice(lines, _BLOCK)]:
        rows += len(block)
        if any(len(cells) != width for cells in block):
            return None
        columns = [*zip(*block, strict=True)]
        for i, column in numbers.items():
            cells = ["nan" if cell.strip() in NO_NUMBER else cell for cell in columns[i]] if missing else columns[i]
            try:
                column.extend(read(cells))
            except ValueError:
                return None
        for i, found in words.items():
            known = [cell.strip() for cell in columns[i]]
            if "" in known and "" not in missing:
                return None
            found.extend(None if cell in missing else cell for cell in known)
    arrays = {i: np.frombuffer(column, dtype=np.float64) for i, column in numbers.items()}
    if not missing and not all(np.isfinite(column).all() for column in arrays.values()):
        return None
    return Cells(rows, arrays, {i: numbered(found) for i, found in words.items()})


def _precise(sheet: Sheet, numeric: Sequence[int], labels: Sequence[int], missing: Collection[str] = ()) -> Cells:
    import numpy as np

    findings, lengths = Findings(sheet.span), Lengths(sheet)
    numbers = {i: array("d") for i in numeric}
    words: dict[int, list[str | None]] = {i: [] for i in labels}
    wrong: dict[int, list[tuple[int, str]]] = {i: [] for i in numeric}
    readers = {i: column_reader(sheet.notation) for i in numeric}
    rows = 0
    for line, cells in sheet.rows():
        if not lengths.fits(line, cells):
            continue
        rows += 1
        for i, column in numbers.items():
            cell = cells[i]
            number = float(readers[i](cell) or "nan")
            if not isfinite(number):
                number = float("nan")
                if not missing or cell.strip() not in NO_NUMBER:
                    wrong[i].append((line, cell))
            column.append(number)
        for i, found in words.items():
            cell = cells[i].strip()
            if cell in missing:
                found.append(None)
                continue
            if not cell:
                help = "`missing = drop` leaves out rows that miss a cell"
                findings.add("E0419", "labels that are empty", sheet.place(line, i), "the label is empty", help)
            found.append(cell)
    lengths.report(findings)
    for i, bad in wrong.items():
        report(sheet, i, bad, numbers[i], findings)
    findings.raise_all()
    columns = {i: np.frombuffer(column, dtype=np.float64) for i, column in numbers.items()}
    return Cells(rows, columns, {i: numbered(found) for i, found in words.items()})


def numbered(cells: Sequence[str | None]) -> Labels:
    """A column of labels as it stands in a file; None, where one is missing, becomes NaN or the place -1."""
    import numpy as np

    book: dict[str, int] = {}
    places = np.array([-1 if cell is None else book.setdefault(cell, len(book)) for cell in cells], dtype=np.int64)
    return _labelled(places, [*book])


def _labelled(places: NDArray[np.int64], book: Sequence[str]) -> Labels:
    """Labels by their places among the words of a column, -1 where one is missing; numbers where all words are such."""
    import numpy as np

    if all(map(is_number, book)):
        values = np.array([*map(float, book), np.nan], dtype=np.float64)
        return Labels(values[places])
    return Labels(places.astype(np.float64), tuple(book))
