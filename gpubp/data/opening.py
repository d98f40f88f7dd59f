"""Opens a delimited text file: finds its delimiter, the names of its columns, where its rows begin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from dsl.records import dataclass
from dsl.source import Span

from .checks import counted, problem, remedy
from .encodings import UTF8
from .files import read_text
from .layout import LOOK, cut_by, lines_above, whole_header, with_delimiter, without_empty_end, without_lines
from .notation import PLAIN, Notation, is_number
from .sheet import Sheet

_TELLS = re.compile(rb'"?sep=([^\x00-\x08\n\r"\x80-\xff])"?[ ,;\t]*(\r\n?|\n)', re.IGNORECASE)
"""The line above a table that tells spreadsheet programs its delimiter; a blank one in its place keeps the count."""


@dataclass(frozen=True, slots=True)
class Known:
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


def open_sheet(base: Path, path: str, span: Span | None, known: Known) -> Sheet:
    """Opens the file, and finds what is not known.

    The first record is a header if it holds one of the names that are known, or if none of its cells is a number.
    Raises DiagnosticError.
    """
    return sheet_of(path, read_text(base, path, span, known.encoding), span, known)


def sheet_of(path: str, raw: bytes, span: Span | None, known: Known) -> Sheet:
    """The same of the text of a file that was read already."""
    if not raw.strip():
        raise problem("E0414", f"`{path}` is empty", span)
    _refuse_others(path, raw, span)
    delimiter, header = known.delimiter, known.header
    told = _TELLS.match(raw)
    if told is not None:
        raw, delimiter = b"\n" + raw[told.end() :], delimiter or told[1].decode()
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
        header = not {*words}.isdisjoint(cells) or all(known.notation.number(cell) is None for cell in cells)
    if not header:
        names = tuple(str(i + 1) for i in range(len(cells)))
        return replace(sheet, names=names, first=tuple(top))
    line, first = next(records, (0, []))
    if not first:
        help = remedy(span, f"add rows; `header = false` if its {known.line} is data", "add rows below it")
        raise problem("E0414", f"`{path}` has a header, but no rows", span, help=help)
    names = tuple(cells)
    if len(first) > len(names):
        names = whole_header(names, [first, *(row for _, row in islice(records, LOOK))])
    return replace(sheet, header=True, names=names, skip=line - 1, first=tuple(first))


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
