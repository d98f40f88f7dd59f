"""The reader `excel`: tables of numbers and labels in workbooks."""

from __future__ import annotations

from dataclasses import replace

from gpubp.registry import Columns, Count0, Flag, Real, Text, register

from .columns import mentioned
from .dataset import Read, Request
from .opening import Known
from .options import (
    Dates,
    Header,
    Missing,
    OptionalNames,
    OptionalShape,
    OptionalText,
    Options,
    check_scale,
    notation_of,
    told_header,
    word,
)
from .tables import TextTable
from .tabular import read_tables
from .workbook import open_workbook


@register("reader", "excel")
def excel(
    request: Request,
    *,
    path: Text,
    sheet: OptionalText = None,
    target: OptionalText = None,
    columns: Columns = None,
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
) -> Read:
    """Rows of numbers and labels from a sheet of a workbook (xlsx, xlsb, xls, ods); needs python-calamine (`pip install
    'gpubp[excel]'`).
    `sheet`: its name; by default that which has the columns that the file names, or else the largest.
    Formulas are read as the values that were saved with them; cells with an error (`#N/A`, `#DIV/0!`) are empty. Truth
    values are the numbers 1 and 0, times of day and durations are numbers of days, dates are text such as `2024-03-01`.
    The other options are those of `csv`; `decimal`, `thousands`, `units`, `accounting` and `dates` are for cells of
    text. Raises DiagnosticError (E0411 to E0423)."""
    check_scale(request, scale)
    notation = notation_of(request, decimal, thousands, units, accounting, dates)
    named = mentioned(target, columns, onehot, request.by)
    known = Known(header=told_header(header), skip=skip, named=named, notation=notation)
    which = sheet, request.span("sheet")
    main = open_workbook(request.base, path, request.span("path"), known, *which)
    others = []
    if test is not None:
        known = replace(known, header=main.header)
        others.append(TextTable(open_workbook(request.base, test, request.span("test"), known, *which)))
    options = Options(target, columns, scale, reshape, standardize, word(missing), onehot, notation)
    return read_tables(request, TextTable(main), others, options)
