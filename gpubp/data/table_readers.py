"""The readers of tables: `csv`, `excel`, `parquet` and `arrow`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from dsl.source import Span

from ..registry import Columns, Count0, Flag, Real, Text, register
from .arrow import open_arrow
from .checks import problem
from .columns import mentioned
from .dataset import ReadResult, Request
from .encodings import UTF8
from .layout import TextOptions, open_sheet
from .notation import Notation
from .options import (
    Dates,
    Header,
    Missing,
    OptionalNames,
    OptionalShape,
    OptionalText,
    Options,
    check_encoding,
    notation_of,
    told_header,
    word,
)
from .table_rows import read_tables
from .tables import Table, TextTable
from .workbook import open_workbook


@register("reader", "csv")
def csv(
    request: Request,
    *,
    path: Text,
    target: OptionalText = None,
    columns: Columns = None,
    without: OptionalNames = None,
    test: OptionalText = None,
    scale: Real = 1.0,
    reshape: OptionalShape = None,
    standardize: Flag = False,
    missing: Missing = "error",
    onehot: OptionalNames = None,
    header: Header = "auto",
    delimiter: OptionalText = None,
    skip: Count0 = 0,
    decimal: Text = ".",
    thousands: OptionalText = None,
    units: OptionalNames = None,
    accounting: Flag = False,
    dates: Dates = "ymd",
    encoding: Text = UTF8,
) -> ReadResult:
    """Rows of numbers and labels from a delimited text file (RFC 4180), plain or gzipped.

    `target`: the column for the last of two names; the first gets all others.
    `columns`: one entry per name: a column, a pattern with `*`, a list of these, or `rest`.
    `without`: columns to leave out, by name or pattern: no `rest` and no pattern of `columns` takes them, nor does the
    first name where `target` gives it all others.
    `test`: a second file with the same columns, whose rows are for testing only.
    `scale` multiplies numeric inputs; then `standardize` brings them to mean 0 and standard deviation 1 over the
    training rows.
    `reshape`: the shape for every name with as many columns as the shape has elements.
    `missing`: how to treat cells that are empty or `?`, `NA`, `N/A`, `n/a`, `nan`, `null`, and among numbers also `-`,
    `--`, `.`, `None`, `none`, `#N/A`, `#NA`, `<NA>`, `-nan`, `NaT` or `\\N`. `error` refuses them; `drop` drops their
    rows; `mean` and `median` impute numbers from the column's training rows, and drop rows that lack a word or a
    target.
    `onehot`: columns of text, by name or pattern; each is one-hot encoded, with one number per word.
    Parts of a column of dates or times, such as `2024-03-01` or `2024-03-01 12:30`, are columns, too, if an option
    mentions them: `"when.days"` (since 1970-01-01), `"when.year"`, `"when.month"`, `"when.day"`, `"when.weekday"` (1 is
    Monday) and `"when.hour"` of the column `when`. If cells have a time zone, `days` are in UTC, and all other parts
    by the clock as written.
    `header`: `true`, `false` (the columns are "1", "2" ...), or `auto`: the first row is a header if it contains no
    number, or the name of a column that an option mentions; or, if no text in it occurs below, text in half of its
    cells or more and some of it above numbers alone, or text beside numbers that count up as those of no row below
    do: years, or four and more in equal steps.
    `delimiter`: a character, or `" "` for any run of spaces and tabs; by default detected: comma, semicolon, tab,
    vertical bar or white space.
    `skip`: the number of lines above the header, such as a title, which are not part of the table.
    `decimal`: `","` for numbers with a decimal comma, such as 1.234,5 (thousands separated by points, spaces or
    nothing).
    `thousands`: the thousands separator: `","` for 1,234.5, `" "` for any kind of space, `"'"` or `"."`. Numbers
    without it are read, too; groups have three digits, or two as in India.
    `units`: what may stand before or after a number, as `["$", "kg"]` for $5 and 5 kg, one unit per column. A unit is
    dropped, except that `"%"` divides by 100: 45% is 0.45.
    `accounting`: read (5), 5- and - 5 as -5.
    `dates`: the order of dates that do not start with the year: `dmy` for 24.12.2026 and 24/12/2026, `mdy` for
    12/24/2026. Two-digit years are 1969 to 2068. Dates such as 24-Dec-2026 and December 24, 2026 do not depend on it.
    `encoding`: the character encoding, by its name in Python: `"cp1252"` or `"latin-1"` for Western European text from
    Windows, `"utf-16"` for "Unicode text" from Excel ...

    Every cell must be a finite number, every label a word or a whole number. Raises DiagnosticError (E0411 to E0419).
    """
    if delimiter is not None and (
        len(delimiter) != 1 or delimiter in '"\r\n\\' or (not delimiter.isprintable() and delimiter != "\t")
    ):
        message = "`delimiter` is not a single character that can part cells"
        help = '`","`, `";"`, `"|"`, `" "` for white space, `"\\t"` for a tab; where it is left out, it is one of these'
        raise problem("E0411", message, request.span("delimiter"), help=help)
    notation = notation_of(request, decimal, thousands, units, accounting, dates)
    check_encoding(request, encoding)
    named = mentioned(target, columns, without, onehot, request.by)
    known = TextOptions(delimiter, told_header(header), skip, named, notation, encoding)
    how = (target, columns, scale, reshape, standardize, word(missing), onehot, notation, encoding, delimiter)
    options = Options(*how, without=without)
    return _read(request, path, test, known, options, lambda *asked: TextTable(open_sheet(*asked)))


@register("reader", "excel")
def excel(
    request: Request,
    *,
    path: Text,
    sheet: OptionalText = None,
    target: OptionalText = None,
    columns: Columns = None,
    without: OptionalNames = None,
    test: OptionalText = None,
    scale: Real = 1.0,
    reshape: OptionalShape = None,
    standardize: Flag = False,
    missing: Missing = "error",
    onehot: OptionalNames = None,
    header: Header = "auto",
    skip: Count0 = 0,
    decimal: Text = ".",
    thousands: OptionalText = None,
    units: OptionalNames = None,
    accounting: Flag = False,
    dates: Dates = "ymd",
) -> ReadResult:
    """Rows of numbers and labels from a sheet of a workbook (xlsx, xlsb, xls, ods); needs python-calamine (`pip install
    'gpubp[excel]'`).
    `sheet`: its name; by default that which has the columns that the file names, or else the largest.
    Formulas are read as the values that were saved with them; cells with an error (`#N/A`, `#DIV/0!`) are empty. Truth
    values are the numbers 1 and 0, times of day and durations are numbers of days, dates are text such as `2024-03-01`.
    The other options are those of `csv`; `decimal`, `thousands`, `units`, `accounting` and `dates` are for cells of
    text. Raises DiagnosticError (E0411 to E0423)."""
    notation = notation_of(request, decimal, thousands, units, accounting, dates)
    named = mentioned(target, columns, without, onehot, request.by)
    known = TextOptions(header=told_header(header), skip=skip, named=named, notation=notation)
    how = (target, columns, scale, reshape, standardize, word(missing), onehot, notation)
    options = Options(*how, without=without)
    opened = partial(open_workbook, wanted=sheet, wanted_span=request.span("sheet"))
    return _read(request, path, test, known, options, lambda *asked: TextTable(opened(*asked)))


@register("reader", "parquet")
@register("reader", "arrow")
def table(
    request: Request,
    *,
    path: Text,
    target: OptionalText = None,
    columns: Columns = None,
    without: OptionalNames = None,
    test: OptionalText = None,
    scale: Real = 1.0,
    reshape: OptionalShape = None,
    standardize: Flag = False,
    missing: Missing = "error",
    onehot: OptionalNames = None,
    dates: Dates = "ymd",
) -> ReadResult:
    """Rows of numbers and labels from a Parquet, Arrow or Feather file (detected from its content); needs pyarrow (`pip
    install 'gpubp[tables]'`). Integers, floats, decimals and truth values are numbers; nulls and NaN are missing cells.
    Dates and times are text as in ISO 8601, so they may be labels; the parts of dates are columns.
    The options are those of `csv`; `dates` is for columns of text. Raises DiagnosticError (E0411 to E0423)."""
    notation = Notation(dates=word(dates))
    how = (target, columns, scale, reshape, standardize, word(missing), onehot, notation)
    options = Options(*how, without=without)
    return _read(request, path, test, TextOptions(), options, lambda base, name, span, _: open_arrow(base, name, span))


def _read(
    request: Request,
    path: str,
    test: str | None,
    known: TextOptions,
    options: Options,
    opened: Callable[[Path, str, Span, TextOptions], Table],
) -> ReadResult:
    """The rows of the main file and of that for testing, which has a header if the main one has."""
    main = opened(request.base, path, request.span("path"), known)
    known = replace(known, header=main.header)
    others = [] if test is None else [opened(request.base, test, request.span("test"), known)]
    return read_tables(request, main, others, options)
