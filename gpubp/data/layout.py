"""How a text is laid out as a table, and opened so: what parts its cells, which of its lines stand above it, whether
the first of the others names the columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

from dsl.diagnostics import DiagnosticError
from dsl.records import dataclass
from dsl.source import Span

from ..wording import counted
from .checks import problem, remedy
from .encodings import UTF8
from .files import read_text
from .notation import NO_NUMBER, PLAIN, Notation, is_number
from .sheet import Sheet, numbered_names
from .spelling import spelling

SPACE = " "
"""Stands for any run of spaces and tabs."""
DELIMITERS = (";", "\t", "|", ",", SPACE)
"""Those that are found without being told. Of two that fit alike the first is meant: a comma may stand before decimals,
a space between words."""

LOOK = 50
"""Records that are looked at to find how a text is laid out."""
_HEAD = 1 << 20  # bytes that hold them
_SOME, _MANY = 3, 10  # steps are seldom equal, and upwards, by chance
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_MOSTLY = 0.8  # of the records below a header are as long as it
_LINE_END = re.compile(rb"\r\n?|\n")
_CELL_OR_SPACE = re.compile(rb'("[^"]*")|[ \t]+')
_TELLS = re.compile(rb'"?sep=([^\x00-\x08\n\r"\x80-\xff])"?[ ,;\t]*(\r\n?|\n)', re.IGNORECASE)
"""The line above a table that tells spreadsheet programs its delimiter; a blank one in its place keeps the count."""


@dataclass(frozen=True, slots=True)
class TextOptions:
    """What is known of a text before it is opened. What is None is to be found: the `delimiter`; `header`, whether the
    first record names the columns; `skip`, how many lines stand above the table. `named`: names of columns that are
    known; `notation` and `encoding` of the text; `likely`: a delimiter that is looked for before others; `line`: what
    messages call a line."""

    delimiter: str | None = None
    header: bool | None = None
    skip: int | None = 0
    named: Sequence[str] = ()
    notation: Notation = PLAIN
    encoding: str = UTF8
    likely: str = ""
    line: str = "line"


def open_sheet(base: Path, path: str, span: Span | None, known: TextOptions) -> Sheet:
    """Opens the file, and finds what is not known.

    The first record is a header if it holds one of the names that are known, or if `_names_columns` says so. Raises
    DiagnosticError.
    """
    return sheet_of(path, read_text(base, path, span, known.encoding), span, known)


def sheet_of(path: str, raw: bytes, span: Span | None, known: TextOptions) -> Sheet:
    """The same of the text of a file that was read already."""
    if not raw.strip():
        raise problem("E0414", f"`{path}` is empty", span)
    _refuse_others(path, raw, span)
    delimiter, header = known.delimiter, known.header
    sep = _TELLS.match(raw)
    if sep is not None:
        raw, delimiter = b"\n" + raw[sep.end() :], delimiter or sep[1].decode()
    words = [name for name in known.named if not is_number(name)]
    sheet = Sheet(path, raw, span, ",", notation=known.notation, line=known.line)
    above = lines_above(sheet, words) if known.skip is None else known.skip
    sheet = without_lines(sheet, above) if above else sheet
    sheet = with_delimiter(sheet, known.likely, words) if delimiter is None else cut_by(sheet, delimiter)
    sheet = replace(sheet, raw=without_empty_end(sheet.raw, sheet.delimiter))
    records = sheet.records()
    _, top = next(records, (0, []))
    if not top:
        raise problem("E0414", f"`{path}` is empty", span)
    cells = [cell.strip() for cell in top]
    if words and header is not False and {*words}.isdisjoint(cells):
        _require_no_title(sheet, words)
    if header is None:
        below = [[cell.strip() for cell in row] for row in _records_below(sheet)]
        told = {*known.named}.difference(numbered_names(len(cells)))  # which columns have that nobody named
        header = not told.isdisjoint(cells) or _names_columns(cells, below, known.notation)
    if not header:
        return replace(sheet.without_header(len(cells)), first=tuple(top))
    line, first = next(records, (0, []))
    if not first:
        help = remedy(span, f"add rows; `header = false` if its {known.line} is data", "add rows below it")
        raise problem("E0414", f"`{path}` has a header, but no rows", span, help=help)
    names = tuple(cells)
    if len(first) > len(names):
        names = whole_header(names, [first, *(row for _, row in islice(records, LOOK))])
    return replace(sheet, header=True, names=names, skip=line - 1, first=tuple(first))


def _records_below(sheet: Sheet) -> list[list[str]]:
    """The first records but the first one."""
    return [cells for _, cells in _first(_top(sheet))[1:]]


def _names_columns(cells: Sequence[str], below: Sequence[Sequence[str]], notation: Notation) -> bool:
    """Whether cells above others name the columns: none is a number; or half of them are text, one of it above numbers
    alone; or there is text among numbers that count up, as years and wavelengths do, and those of no row below do. What
    occurs below in the same column, too, is no name."""
    text = [notation.number(cell) is None for cell in cells]
    if all(text) or not any(text) or len({*cells}) < len(cells):
        return all(text)
    rows = [row for row in below if len(row) == len(cells)]
    columns = list(zip(*rows, strict=True))
    named = [told and cell not in NO_NUMBER for told, cell in zip(text, cells, strict=True)]
    if any(name and cell in column for name, cell, column in zip(named, cells, columns, strict=False)):
        return False
    for name, cell, column in zip(named, cells, columns, strict=False):
        known = [one for one in column if one not in NO_NUMBER]
        numbers = bool(known) and all(notation.number(one) is not None for one in known)
        if numbers and 2 * sum(text) >= len(text) and name and spelling(cell) is None:
            return True
    numbers_of = [[float(number) for cell in row if (number := notation.number(cell))] for row in (cells, *rows)]
    return bool(rows) and _count_up(*numbers_of)


def _count_up(numbers: Sequence[float], *below: Sequence[float]) -> bool:
    """Whether numbers ascend, in equal steps or many of them, and those of no row below do; or they are years, and no
    number below is one."""
    if all(map(_is_year, numbers)) and not any(_is_year(number) for row in below for number in row):
        return len(numbers) > 1 and all(a < b for a, b in pairwise(numbers))
    return _ascend(numbers) and not any(map(_ascend, below))


def _is_year(number: float) -> bool:
    return _FIRST_YEAR <= number <= _LAST_YEAR and number % 1 == 0


def _ascend(numbers: Sequence[float]) -> bool:
    steps = [b - a for a, b in pairwise(numbers)]
    return (
        len(steps) >= _SOME and min(steps) > 0 and (len(steps) >= _MANY or max(steps) - min(steps) < 1e-9 * max(steps))
    )


def _require_no_title(sheet: Sheet, named: Sequence[str]) -> None:
    """Raises DiagnosticError (E0415) where a line below the first one holds names that are known."""
    above = lines_above(sheet, named)
    if above:
        what = f"{counted(above, sheet.line)} {'stands' if above == 1 else 'stand'}"
        message = f"`{sheet.path}`: {what} above {sheet.line} {above + 1}, which names the columns"
        help = f"`skip = {above}` leaves {'it' if above == 1 else 'them'} out"
        raise problem("E0415", message, sheet.span, help=help)


def _refuse_others(path: str, raw: bytes, span: Span | None) -> None:
    """Raises DiagnosticError (E0413) for text that is plainly no table: a page that was downloaded in its place, and
    JSON."""
    start = raw[:64].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<table")):
        raise problem(
            "E0413", f"`{path}` is a page of HTML or XML, not a table", span, help="download the table itself"
        )
    if start.startswith((b"[{", b'{"', b"[[")):
        raise problem("E0413", f"`{path}` is JSON, not a table", span, help="save it as CSV")


def cut_by(sheet: Sheet, delimiter: str) -> Sheet:
    """The sheet with this delimiter. Runs of white space become a tab each, those around a line disappear."""
    if delimiter != SPACE:
        return replace(sheet, delimiter=delimiter)
    lines = sheet.raw.splitlines()
    if b'"' in sheet.raw:
        cut = [_CELL_OR_SPACE.sub(lambda found: found[1] or b"\t", line.strip(b" \t")) for line in lines]
    else:
        cut = [b"\t".join(line.split()) for line in lines]
    return replace(sheet, raw=b"\n".join([*cut, b""]), delimiter="\t")


def with_delimiter(sheet: Sheet, likely: str, named: Sequence[str]) -> Sheet:
    """The sheet with the first delimiter, the `likely` one before others, that cuts the first record, and most others,
    into as many cells; a comma where none does. White space has to cut all of them so, and to leave the names whole."""
    best, most, top = ",", 0, _top(sheet)
    for delimiter in dict.fromkeys([*likely, *DELIMITERS]):
        if delimiter == SPACE and any(SPACE in name for name in named):
            continue
        records = [cells for _, cells in _first(cut_by(top, delimiter))]
        if not records or len(records[0]) < 2:
            continue
        width = len(whole_header(records[0], records[1:]))
        alike = 1 + sum(len(cells) == width for cells in records[1:])
        if delimiter == SPACE and alike < len(records):
            continue
        runs = delimiter == SPACE and best == "\t" and b"  " in top.raw  # of spaces, and a tab among them
        if alike > most or (runs and alike == most):
            best, most = delimiter, alike
    return cut_by(sheet, best)


def whole_header(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The header, with an empty name where each row has a cell more: in front where these are names of rows, as R
    writes them: words, all different, or ascending whole numbers, beside numbers. Behind where they are empty, for rows
    that end with a delimiter.
    """
    if any(len(cells) != len(header) + 1 for cells in rows):
        return tuple(header)
    if not any(cells[-1].strip() for cells in rows):
        return (*header, "")
    numbers = any(cell.strip().lstrip("+-")[:1].isdigit() for cell in rows[0])
    names = [cells[0].strip() for cells in rows]
    if all(name.isdecimal() for name in names):
        named = len(names) > 1 and all(int(a) < int(b) for a, b in pairwise(names))
    else:
        named = len({*names}) == len(names) and not any(map(is_number, names))
    return ("", *header) if numbers and named else tuple(header)


def lines_above(sheet: Sheet, named: Collection[str]) -> int:
    """How many lines stand above the header, or the first row, such as a title: shorter ones, or with half of their
    cells empty. `named`: names of columns that are known; the header holds one of them."""
    records, width = _usual_width(sheet)
    cells = [cells for _, cells in records]
    at = next((k for k, row in enumerate(cells) if len(row) == width and not _is_title(row)), 0)
    above, below = cells[:at], cells[at:]
    if not above or len(below) < 2 or len(whole_header(cells[0], cells[1:])) > len(cells[0]):
        return 0
    if named and (_holds(cells[0], named) or not _holds(below[0], named)):
        return 0
    header = not any(map(is_number, below[0]))
    short = all(2 * len(row) < width or _is_title(row) for row in above)
    fits = sum(len(row) == width for row in below) >= _MOSTLY * len(below)
    return records[at][0] - 1 if fits and (header or short) else 0


def _usual_width(sheet: Sheet) -> tuple[list[tuple[int, list[str]]], int]:
    """The first records, by the delimiter that cuts most of them into as many cells, and how many."""
    best, width, most, top = list[tuple[int, list[str]]](), 0, 0, _top(sheet)
    for delimiter in DELIMITERS:
        if delimiter == SPACE and 2 * most > len(best):  # words of sentences
            break
        records = _first(cut_by(top, delimiter))
        often = Counter(len(cells) for _, cells in records if len(cells) > 1).most_common(1)
        if often and often[0][1] > most:
            best, (width, most) = records, often[0]
    return best, width


def without_lines(sheet: Sheet, count: int) -> Sheet:
    """The sheet with its first lines blank, so that the others keep their numbers. Raises DiagnosticError (E0414) where
    none is left."""
    raw = sheet.raw
    ends = [end.end() for end in islice(_LINE_END.finditer(raw), count)]
    if len(ends) < count or not raw[ends[-1] :].strip():
        lines = len(raw.rstrip().splitlines())
        message = f"`{sheet.path}` has {counted(lines, sheet.line)}, and `skip = {count}` leaves none"
        raise problem("E0414", message, sheet.span)
    return replace(sheet, raw=b"\n" * count + raw[ends[-1] :], above=count)


def without_empty_end(raw: bytes, delimiter: str) -> bytes:
    """The text without lines of empty cells behind its last row, as spreadsheet programs write them."""
    end = len(raw.rstrip(b" \t\r\n" + delimiter.encode()))
    line = _LINE_END.search(raw, end)
    return raw if line is None else raw[: line.end()]


def _top(sheet: Sheet) -> Sheet:
    """The first lines alone, as a sheet."""
    end = sheet.raw.rfind(b"\n", 0, _HEAD) + 1 if len(sheet.raw) > _HEAD else 0
    return replace(sheet, raw=sheet.raw[: end or None])


def _first(sheet: Sheet) -> list[tuple[int, list[str]]]:
    """The first records; none of a text that they cannot be read of."""
    try:
        return [*islice(sheet.records(), LOOK)]
    except DiagnosticError:
        return []


def _is_title(cells: Sequence[str]) -> bool:
    filled = sum(bool(cell.strip()) for cell in cells)
    return len(cells) > 2 and 2 * filled <= len(cells) and (not filled or bool(cells[0].strip()))


def _holds(cells: Sequence[str], named: Collection[str]) -> bool:
    return not {cell.strip() for cell in cells}.isdisjoint(named)
