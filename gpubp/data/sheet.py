"""A delimited text file up to its first row of data: delimiter, column names, where the rows begin."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from dsl.diagnostics import DiagnosticError
from dsl.records import dataclass
from dsl.source import Span

from .checks import clipped, problem, remedy
from .encodings import UTF8
from .files import read_text
from .notation import PLAIN, Notation, is_number

DELIMITERS = (",", ";", "\t", "|")
"""Those that are found without being told, most likely first."""

_TELLS = re.compile(rb'"?sep=([^\x00-\x08\n\r"\x80-\xff])"?[ ,;\t]*(\r\n?|\n)', re.IGNORECASE)
"""The line above a table that tells spreadsheet programs its delimiter; a blank one in its place keeps the count."""
_LOOK = 50  # records that are looked at to find the delimiter


@dataclass(frozen=True, slots=True)
class Sheet:
    """An opened file.

    `names`: of its columns ("1", "2", ... without a header); `skip`: lines before the first row of data; `first`: the
    cells of that row; `span`: what messages about this file point at; `notation`: how its numbers are written.
    """

    path: str
    raw: bytes
    span: Span | None
    delimiter: str
    header: bool = False
    names: tuple[str, ...] = ()
    skip: int = 0
    first: tuple[str, ...] = ()
    notation: Notation = PLAIN

    def lines(self) -> io.TextIOWrapper:
        """The text from its start; line ends are left as they are."""
        return io.TextIOWrapper(io.BytesIO(self.raw), encoding="utf-8", newline="")

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of every record that is not blank, header included.

        In a file of one column a blank line is an empty cell, unless nothing follows it.
        """
        reader = csv.reader(self.lines(), delimiter=self.delimiter, strict=True)
        blank: list[int] = []
        narrow = False
        start = 1
        try:
            for cells in reader:
                if not cells or (len(cells) == 1 and not cells[0].strip()):
                    blank.append(start)
                else:
                    if narrow:
                        yield from ((line, [""]) for line in blank)
                    narrow = len(cells) == 1
                    blank.clear()
                    yield start, cells
                start = reader.line_num + 1
        except csv.Error as error:
            raise self.problem("E0413", f"line {start}", *_quoting(error)) from None

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of every row of data."""
        return islice(self.records(), 1 if self.header else 0, None)

    def line_of(self, row: int) -> int:
        """The line in which row `row` (from 0) begins."""
        return next(islice(self.rows(), row, None))[0]

    def place(self, line: int, column: int | None = None) -> str:
        """`a.csv`, line 5, column `x`: the line of the file, counted from 1, the header too."""
        where = f"`{self.path}`, line {line}"
        return where if column is None else f"{where}, column `{clipped(self.names[column])}`"

    def problem(self, code: str, where: str, message: str, help: str = "") -> DiagnosticError:
        return problem(code, f"`{self.path}`, {where}: {message}", self.span, help=help)


def _quoting(error: csv.Error) -> tuple[str, str]:
    """What is wrong with a cell, and the remedy."""
    text, remedy = str(error), "delete the quote, or close it; a quote inside a quoted cell is doubled"
    if "unexpected end of data" in text:
        return "a quote opens here and never closes", remedy
    if "field larger" in text:
        return f"a cell is longer than {csv.field_size_limit():,} characters; perhaps a quote never closes", remedy
    return (
        ("a closing quote is followed by more text", remedy)
        if "expected after" in text
        else (
            f"cannot be read: {text}",
            "",
        )
    )


def open_sheet(
    base: Path,
    path: str,
    span: Span | None,
    *,
    delimiter: str | None,
    header: bool | None,
    named: Sequence[str] = (),
    notation: Notation = PLAIN,
    encoding: str = UTF8,
    likely: str = "",
) -> Sheet:
    """Opens the file and finds its delimiter and header where they are not told (None); `likely`: a delimiter that is
    looked for before others.

    The first record is a header if it holds one of `named`, the column names that the `.net` file mentions, or if none
    of its cells is a number. Raises DiagnosticError.
    """
    raw = read_text(base, path, span, encoding)
    return sheet_of(path, raw, span, delimiter=delimiter, header=header, named=named, notation=notation, likely=likely)


def sheet_of(
    path: str,
    raw: bytes,
    span: Span | None,
    *,
    delimiter: str | None,
    header: bool | None,
    named: Sequence[str] = (),
    notation: Notation = PLAIN,
    likely: str = "",
) -> Sheet:
    """The same of the text of a file that was read already."""
    if not raw.strip():
        raise problem("E0414", f"`{path}` is empty", span)
    _refuse_others(path, raw, span)
    told = _TELLS.match(raw)
    if told is not None:
        raw, delimiter = b"\n" + raw[told.end() :], delimiter or told[1].decode()
    sheet = Sheet(path, raw, span, delimiter or ",", notation=notation)
    if delimiter is None:
        sheet = _with_delimiter(sheet, likely)
    sheet = replace(sheet, raw=_without_empty_end(raw, sheet.delimiter))
    records = sheet.records()
    _, top = next(records, (0, []))
    if not top:
        raise problem("E0414", f"`{path}` is empty", span)
    cells = [cell.strip() for cell in top]
    if header is None:
        words = {name for name in named if not is_number(name)}
        header = bool(words & set(cells)) or all(notation.number(cell) is None for cell in cells)
    if not header:
        names = tuple(str(i + 1) for i in range(len(cells)))
        return replace(sheet, names=names, first=tuple(top))
    sheet = replace(sheet, header=True, names=tuple(cells))
    line, first = next(records, (0, []))
    if not first:
        help = remedy(span, "add rows; `header = false` if its line is a row", "add rows below it")
        raise problem("E0414", f"`{path}` has a header, but no rows", span, help=help)
    return replace(sheet, skip=line - 1, first=tuple(first))


def _without_empty_end(raw: bytes, delimiter: str) -> bytes:
    """The text without lines of empty cells behind its last row, as spreadsheet programs write them."""
    end = len(raw.rstrip(b" \t\r\n" + delimiter.encode()))
    line = re.compile(rb"\r\n?|\n").search(raw, end)
    return raw if line is None else raw[: line.end()]


def _refuse_others(path: str, raw: bytes, span: Span | None) -> None:
    """Raises DiagnosticError (E0413) for text that is plainly no table: a page that was downloaded in its place, and
    JSON."""
    start = raw[:64].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise problem(
            "E0413", f"`{path}` is a page of HTML or XML, not a table", span, help="download the table itself"
        )
    if start.startswith((b"[{", b'{"', b"[[")):
        raise problem("E0413", f"`{path}` is JSON, not a table", span, help="save it as CSV")


def _with_delimiter(sheet: Sheet, likely: str) -> Sheet:
    """The first delimiter, the `likely` one before others, that cuts the first record, and most others into as many
    cells; a comma where none does. A comma that is no likelier than another delimiter stands before decimals."""
    best, most, signs = sheet, 0, (",", sheet.notation.thousands)
    for delimiter in dict.fromkeys([*likely, *sorted(DELIMITERS, key=lambda one: one in signs)]):
        tried = replace(sheet, delimiter=delimiter)
        try:
            widths = [len(cells) for _, cells in islice(tried.records(), _LOOK)]
        except DiagnosticError:
            continue
        alike = widths.count(widths[0]) if widths and widths[0] > 1 else 0
        if alike > most:
            best, most = tried, alike
    return best
