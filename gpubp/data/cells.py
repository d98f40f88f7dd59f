"""The cells of a sheet as arrays: by numpy's own reader, or row by row where that is too lax or to find errors."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import groupby
from math import isfinite
from typing import TYPE_CHECKING, Any

from .cell_arrays import CellQuery, Cells, Labels, labels_of_cells
from .checks import Findings
from .misread import DROP, RowLengths, report
from .notation import NO_NUMBER, PLAIN, SPACES, column_reader, is_number, numeral
from .sheet import Sheet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_USUAL = ",;|\t"
"""Delimiters of which but the comma may stand in a number."""
_CUT = "\x1f"
"""ASCII's unit separator: the delimiter of what is rewritten."""


def read_cells(sheet: Sheet, query: CellQuery) -> Cells:
    """What is asked of a sheet, numbers as float64 (n,).

    Raises DiagnosticError for rows of another length than the header's, for cells that are to be numbers and are no
    finite ones, and for empty labels, each with its row and column.
    """
    if not sheet.notation.plain:
        return _by_rewriting(sheet, query) or _precise(sheet, query)
    found = _fast(sheet, query)
    if found is None and query.missing and len(sheet.names) > 1 and b'"' not in sheet.raw:
        found = _fast(_spelt_out(sheet, query.missing), replace(query, alone=False))
    return found or _precise(sheet, query)


def _fast(sheet: Sheet, query: CellQuery) -> Cells | None:
    """A sheet of plain numbers all at once through `numpy.loadtxt`; None where it refuses, or would be less strict than
    `_precise`."""
    numeric, labels, missing = query.numeric, query.labels, query.missing
    text = [i for i, cell in enumerate(sheet.first) if not is_number(cell) and cell.strip() not in missing]
    if len(sheet.first) != len(sheet.names) or set(text) & set(numeric):
        return None
    if len(sheet.names) == 1 and _blank_inside(sheet.raw):
        return None
    books: dict[int, dict[str, int]] = {i: {} for i in text if i in set(labels)}
    taken = sorted({*numeric, *labels}) if query.alone else list(range(len(sheet.names)))
    converters: dict[int | str, Callable[[str], Any]] = {
        i: _numbering(books[i], missing) if i in books else _ignored for i in text if i in taken
    }
    table = _loaded(sheet, converters, taken if query.alone else None)
    if table is None or table.shape[1] != len(taken):
        return None
    columns = dict(zip(taken, table.T, strict=True))
    numbers = {i: columns[i] for i in numeric}
    if not all(_are_numbers(column, missing) for column in numbers.values()):
        return None
    return Cells(len(table), numbers, {i: Labels(columns[i], tuple(books[i]) if i in books else None) for i in labels})


def _by_rewriting(sheet: Sheet, query: CellQuery) -> Cells | None:
    """Numbers in a notation of their own all at once; None where they are not spelt in one of the usual ways, or would
    have to be judged. Raises DiagnosticError for empty labels."""
    numeric, missing = query.numeric, query.missing
    found = _rewritten(sheet, numeric, missing)
    if found is None:
        return None
    plain, rows = found
    table = _loaded(plain, {}, numeric) if numeric else None
    if numeric and (table is None or len(table) != rows or not _are_numbers(table, missing)):
        return None
    numbers = {} if table is None else dict(zip(numeric, table.T, strict=True))
    if not query.labels:
        return Cells(rows, numbers, {})
    words = read_cells(replace(sheet, notation=PLAIN), replace(query, numeric=(), alone=True))
    return Cells(rows, numbers, words.labels)


def _are_numbers(cells: NDArray[np.float64], missing: Collection[str]) -> bool:
    """Whether all are finite, or NaN for those that are missing."""
    import numpy as np

    wrong = cells[~np.isfinite(cells)]
    return not len(wrong) or bool(missing and np.isnan(wrong).all())


def _loaded(
    sheet: Sheet, converters: dict[int | str, Callable[[str], Any]], columns: Sequence[int] | None
) -> NDArray[np.float64] | None:
    """The rows as `numpy.loadtxt` reads them, where it does, and where each quoted cell ends with its quote."""
    import numpy as np

    lines, quoted = sheet.lines(), b'"' in sheet.raw
    if sheet.spaced:
        return None  # loadtxt takes such quotes for signs of the cell
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


def _blank_inside(raw: bytes) -> bool:
    body = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip()
    return b"\n\n" in body


def _ignored(cell: str) -> float:
    return 0.0


def _numbering(book: dict[str, int], missing: Collection[str]) -> Callable[[str], float]:
    """A converter that numbers words as they come and notes them in `book`; -1 stands for those that are `missing`."""

    def convert(cell: str) -> float:
        cell = cell.strip()
        if cell in missing:
            return -1
        place = book.get(cell)
        if place is None:
            if not cell or is_number(cell):
                raise ValueError("for the precise pass to judge")
            place = book[cell] = len(book)
        return place

    return convert


def _precise(sheet: Sheet, query: CellQuery) -> Cells:
    import numpy as np

    numeric, labels, missing = query.numeric, query.labels, query.missing
    findings, lengths = Findings(sheet.span), RowLengths(sheet)
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
                findings.add("E0419", "labels that are empty", sheet.place(line, i), "the label is empty", DROP)
            found.append(cell)
    lengths.report(findings)
    for i, bad in wrong.items():
        report(sheet, i, bad, numbers[i], findings)
    findings.raise_all()
    columns = {i: np.frombuffer(column, dtype=np.float64) for i, column in numbers.items()}
    return Cells(rows, columns, {i: labels_of_cells(found) for i, found in words.items()})


# A table in a notation of its own, rewritten as one that numpy's reader takes


def _rewritten(sheet: Sheet, numeric: Sequence[int], missing: Collection[str]) -> tuple[Sheet, int] | None:
    """The rows of a sheet with numbers as Python writes them in the columns `numeric`, and how many there are. The text
    of other columns may lose signs.

    None where a row has another length than the header's, or a cell of `numeric` is not spelt in one of the usual ways.
    """
    inside, outside = numeral(sheet.notation, ""), numeral(sheet.notation, sheet.delimiter)
    lines, quoted = sheet.lines(), b'"' in sheet.raw
    if inside is None or outside is None or sheet.delimiter not in _USUAL:
        return None
    for _ in range(sheet.skip):
        lines.readline()
    text = lines.read().rstrip("\r\n") + "\n"
    if _CUT in text or not _pattern(sheet, numeric, inside[0], outside[0], bool(missing)).fullmatch(text):
        return None
    text = _unquoted(text, sheet.delimiter) if quoted else text.replace(sheet.delimiter, _CUT)
    plain = replace(sheet, raw=b"\n" + text.encode(), delimiter=_CUT, skip=1, notation=PLAIN)
    if missing:
        plain = _spelt_out(plain, NO_NUMBER)
    raw = plain.raw
    for sign, new in inside[1].items():
        raw = raw.replace(sign.encode(), new.encode())
    return replace(plain, raw=raw), text.count("\n") + text.count("\r") - text.count("\r\n")


def _pattern(sheet: Sheet, numeric: Sequence[int], inside: str, outside: str, missing: bool) -> re.Pattern[str]:
    """What the rows look like. `inside`, `outside`: a number in quotes, and one without."""
    delimiter, space = re.escape(sheet.delimiter), f"[{SPACES}]*+"
    marks = "".join(f"|{re.escape(mark)}" for mark in sorted(NO_NUMBER, key=len, reverse=True)) if missing else ""
    number = f'(?:"{space}(?:{inside}{marks}){space}"|{space}(?:{outside}{marks}){space})'
    other = f'(?:"(?:[^"]|"")*+"|[^"\\r\\n{delimiter}]*+)'
    kinds = [number if i in set(numeric) else other for i in range(len(sheet.names))]
    cells = [f"(?:{cell}{delimiter}){{{len([*alike])}}}" for cell, alike in groupby(kinds[:-1])]
    return re.compile(f"(?>{''.join(cells)}{kinds[-1]}(?:\\r\\n?|\\n))++")


def _unquoted(text: str, delimiter: str) -> str:
    """The text without quotes, its cells parted by _CUT; line breaks in quotes become spaces."""
    import numpy as np

    signs = np.frombuffer(bytearray(text.encode()), np.uint8)
    inside = np.cumsum(signs == ord('"'), dtype=np.uint8) & 1 == 1
    signs[~inside & (signs == ord(delimiter))] = ord(_CUT)
    signs[inside & ((signs == ord("\n")) | (signs == ord("\r")))] = ord(" ")
    return signs.tobytes().replace(b'"', b"").decode()


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
