"""A first look at a table that nothing is known of: what its columns seem to hold. Importing it needs no numpy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Literal

from dsl.diagnostics import DiagnosticError
from dsl.records import dataclass
from dsl.source import Span

from ..errors import DataError
from ..wording import clipped
from .arrow import BEGINNINGS, open_arrow
from .checks import Findings, command_span
from .dates import looks_dated
from .encodings import UTF8
from .files import read_head, start_of
from .layout import TextOptions, sheet_of
from .misread import RowLengths, edge
from .notation import MISSING, NO_NUMBER, PLAIN, Notation, column_reader
from .sheet import Sheet
from .spelling import MOST, notation_for, spelling, units_of
from .workbook import ROW, is_workbook, workbook_text

MAX_ROWS = 10_000
"""Rows that are looked at."""
MAX_BYTES = 16 << 20
"""Bytes of a file that are read for it."""
MAX_WORDS = 50
"""Different words of a column that still name classes."""

Useful = Literal["numbers", "words"]
Useless = Literal[
    "empty", "constant", "identifiers", "dates", "signs", "text", "sparse", "nameless", "shared", "mixed", "others"
]
Kind = Useful | Useless

_IDENTIFIER = re.compile(r"(.*[_ .-])?(id|uuid|guid|index|idx|row|rownum|nr|no|key)|.*Id|.*ID", re.DOTALL)
_STAND_INS = (-99, -999, -9999, -99999)
_FEW = 10
"""Different numbers with a unit that are taken for words."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it looks. `values`: its different cells and how often each occurs, numbers as Python writes them,
    missing ones left out; `gaps`: the rows that miss one; `kind`: numbers and words are of use to a net, the others are
    not; `odd`: where a column of numbers holds something else; `nameless`: the file has no name for it."""

    name: str
    kind: Kind
    values: Counter[str]
    gaps: frozenset[int]
    whole: bool = False
    odd: str = ""
    nameless: bool = False

    @property
    def useful(self) -> bool:
        return self.kind in ("numbers", "words")

    @property
    def missing(self) -> int:
        """How many rows miss a cell."""
        return len(self.gaps)

    def numbers(self) -> list[tuple[float, int]]:
        """Each different number, and how often it occurs."""
        return [(float(cell), count) for cell, count in self.values.items()]

    @property
    def stand_in(self) -> tuple[float, int] | None:
        """A number that seems to stand for a missing cell, as -999 does, and how often it occurs: several times, as the
        only one below 0, or further below all others than those are apart."""
        if self.kind != "numbers" or min(map(float, self.values)) not in _STAND_INS:
            return None
        found = Counter[float]()
        for number, count in self.numbers():
            found[number] += count
        least, *others = sorted(found)
        if found[least] < 2 or not others:
            return None
        return (least, found[least]) if others[0] >= 0 or others[0] - least > others[-1] - others[0] else None


@dataclass(frozen=True, slots=True)
class Glance:
    """The first `rows` of a table, which `reader` reads; `complete`: there are no others. Of a text: `notation`: how
    its numbers seem to be written; `header`: whether it names its columns; `above`: the lines above it; `encoding`,
    which is guessed; `sample`: the first cell that shows whether it was guessed right, one that is not ASCII. `sheet`:
    of a workbook with several, the one that was looked at."""

    path: str
    columns: tuple[Column, ...]
    rows: int
    complete: bool
    reader: Literal["csv", "excel", "parquet", "arrow"] = "csv"
    notation: Notation = PLAIN
    header: bool = True
    above: int = 0
    encoding: str = UTF8
    sample: str = ""
    sheet: str = ""

    def without_missing(self, columns: Sequence[Column]) -> int:
        """How many of the rows have a cell in each of these columns."""
        return self.rows - len(frozenset[int]().union(*(column.gaps for column in columns)))


def glance(path: Path, named: tuple[str, ...] = ()) -> Glance:
    """Look at the first rows of a table: delimited text, a workbook, Parquet, Feather or Arrow, as its content says.
    `named`: names of columns that are known.

    Raises DataError where it is no table: it cannot be read or is no text, has no rows, or rows of different lengths.
    """
    name = str(path)
    span = command_span(name)
    try:
        if start_of(Path(), name, span).startswith(BEGINNINGS):
            return _of_arrow(name, span)
        if is_workbook(Path(), name, span):
            known = TextOptions(delimiter=",", skip=None, named=named, line=ROW)
            raw, sheet = workbook_text(Path(), name, span, known)
            return replace(_of_text(raw, name, span, known), reader="excel", sheet=sheet)
        raw, encoding, complete = read_head(Path(), name, span, MAX_BYTES)
        known = TextOptions(skip=None, named=named)
        return replace(_of_text(raw, name, span, known, complete), encoding=encoding)
    except DiagnosticError as error:
        raise DataError(error.diagnostics) from None


def _of_arrow(path: str, span: Span) -> Glance:
    table = open_arrow(Path(), path, span)
    heads, rows = table.heads(MAX_ROWS), table.table.num_rows
    columns = tuple(
        _typed(name, *head) if name else Column(f"column {at + 1}", "nameless", Counter(), frozenset(), nameless=True)
        for at, (name, head) in enumerate(zip(table.names, heads, strict=True))
    )
    return Glance(path, columns, min(rows, MAX_ROWS), rows <= MAX_ROWS, table.reader)


def _typed(name: str, kind: str, cells: Sequence[str]) -> Column:
    """A column whose file says what it holds; a missing cell is empty."""
    if kind == "numbers":
        return _column(name, cells, "row", range(1, len(cells) + 1), PLAIN)
    values, gaps = Counter(filter(None, cells)), frozenset(i for i, cell in enumerate(cells) if not cell)
    found: Kind = "empty" if not values else "others" if kind == "others" else _kind_of_text(name, values)
    return Column(name, found, values, gaps, odd="they are written as text" if found == "signs" else "")


def _of_text(raw: bytes, name: str, span: Span, known: TextOptions, complete: bool = True) -> Glance:
    sheet = sheet_of(name, raw, span, known)
    rows, all_rows = _rows(sheet, complete)
    every = _by_column(rows)
    notation = _notation(every)
    if sheet.header and all(map(notation.number, sheet.names)):  # a row like the others, in their notation
        sheet = sheet.without_header(len(sheet.names))
        rows, all_rows = _rows(sheet, complete)
        every = _by_column(rows)
    columns, often = [], Counter(sheet.names)
    for at, (column, cells) in enumerate(zip(sheet.names, every, strict=True)):
        found = _column(column, cells, sheet.line, [line for line, _ in rows], notation)
        if not column:
            kind: Kind = "nameless" if found.values else "empty"
            found = replace(found, name=f"column {at + 1}", kind=kind, odd="", nameless=True)
        elif often[column] > 1:
            found = replace(found, kind="shared", odd="")
        columns.append(found)
    foreign = (cell for cells in (sheet.names, *zip(*every, strict=True)) for cell in cells)
    sample = "" if raw.isascii() else next((cell for cell in foreign if not cell.isascii()), "")
    how = (notation, sheet.header, sheet.above)
    return Glance(name, tuple(columns), len(rows), all_rows, "csv", *how, sample=sample)


def _rows(sheet: Sheet, complete: bool) -> tuple[list[tuple[int, list[str]]], bool]:
    """The rows, and whether they are all there are. Raises DiagnosticError for rows of different lengths."""
    rows: list[tuple[int, list[str]]] = []
    findings, lengths = Findings(sheet.span), RowLengths(sheet)
    try:
        for line, cells in islice(sheet.rows(), MAX_ROWS + 1):
            if len(rows) == MAX_ROWS:
                complete = False
                break
            rows.append((line, cells))
            lengths.fits(line, cells)
    except DiagnosticError:
        if complete or not rows:  # a record that the limit cut in two has an open quote
            raise
    lengths.report(findings)
    findings.raise_all()
    return rows, complete


def _by_column(rows: list[tuple[int, list[str]]]) -> list[list[str]]:
    """The cells of each column, without the spaces around them."""
    return [[cell.strip() for cell in column] for column in zip(*(cells for _, cells in rows), strict=True)]


def _notation(columns: Sequence[Sequence[str]]) -> Notation:
    """How the numbers of a table seem to be written."""
    different = [{*cells} - NO_NUMBER for cells in columns]
    return notation_for(cells if len(cells) > _FEW or not units_of(cells) else set[str]() for cells in different)


def _column(name: str, cells: Sequence[str], line: str, lines: Sequence[int], notation: Notation) -> Column:
    """A column of text that may be numbers. `lines`: the number of each row in the file, `line`: what it is called."""
    there = [cell for cell in cells if cell not in MISSING]
    values, gaps = Counter(there), frozenset(row for row, cell in enumerate(cells) if cell in MISSING)
    if len(notation.units) > 1 and len(units_of(values)) > 1:
        return Column(name, "signs", values, gaps, odd=_odd_signs(values))
    if not there:
        return Column(name, "empty", values, gaps)
    number_of = column_reader(notation)
    numbers = {cell: number for cell in values if (number := number_of(cell))}
    written = {cell: number for cell, number in numbers.items() if isfinite(float(number))}
    known = [cell for cell in there if cell not in NO_NUMBER]
    share = sum(values[cell] for cell in numbers) / max(len(known), 1)
    whole = bool(written) and all(float(number).is_integer() for number in written.values())
    if share < 1 and (share < MOST or (len(values) <= MAX_WORDS and len(values) * 4 <= len(there))):
        kind = _kind_of_text(name, values)
        return Column(name, kind, values, gaps, odd=_odd_signs(values) if kind == "signs" else "")
    if share < 1 or len(written) < len(numbers):
        odd = [row for row, cell in enumerate(cells) if cell not in NO_NUMBER and cell not in written]
        help = edge(cells[odd[0]], line, odd == [0], odd == [len(cells) - 1])
        odd_cell = f"{line} {lines[odd[0]]} holds `{clipped(cells[odd[0]])}`" + f"; {help}" * bool(help)
        return Column(name, "mixed", values, gaps, odd=odd_cell)
    gaps |= {row for row, cell in enumerate(cells) if cell in NO_NUMBER}
    there = [written[cell] for cell in known]
    values = Counter(there)
    return Column(name, _kind_of_numbers(name, there, values, whole), values, gaps, whole)


def _kind_of_numbers(name: str, cells: list[str], values: Counter[str], whole: bool) -> Kind:
    if not values:
        return "empty"
    numbers = {float(cell) for cell in values}
    if len(numbers) == 1:
        return "constant"
    if whole and len(numbers) == len(cells):
        first = float(cells[0])
        counts = first in (0, 1) and len(cells) >= 10 and all(float(c) == first + i for i, c in enumerate(cells))
        if counts or _names_rows(name):
            return "identifiers"
    return "numbers"


def _odd_signs(values: Counter[str]) -> str:
    """Why the numbers of a column with signs are read in no notation, where it can be said."""
    units = units_of(values)
    if len(units) > 1:
        return f"in different units, `{clipped(units[0])}` and `{clipped(units[1])}`"
    for cell in values:
        found = spelling(cell)
        if found is not None and len(found.readings) > 1:
            either = 'a thousands separator (`thousands = ","`) or a decimal comma (`decimal = ","`)'
            return f"the comma in `{clipped(cell)}` may be {either}"
    return ""


def _names_rows(name: str) -> bool:
    """Whether a column is called like one of identifiers: `PassengerId`, `customer_id`, `Kunden-Nr.`."""
    return any(_IDENTIFIER.fullmatch(one) for one in (name.rstrip(".:"), name.rstrip(".:").lower()))


def _kind_of_text(name: str, values: Counter[str]) -> Kind:
    count = values.total()
    if len(values) == 1:
        return "constant"
    if _share(looks_dated, values) >= MOST:
        return "dates"
    if len(values) > _FEW and _share(spelling, values) >= MOST:
        return "signs"
    if len(values) <= MAX_WORDS and 2 * len(values) <= count:
        return "words"
    if all(len(cell.split()) == 1 for cell in values) and (len(values) == count or _names_rows(name)):
        return "identifiers"
    return "text"


def _share(fits: Callable[[str], object], values: Counter[str]) -> float:
    """The part of the cells that something fits."""
    return sum(count for cell, count in values.items() if fits(cell)) / values.total()
