"""Sheets of workbooks, read by the optional python-calamine. A sheet becomes the text that a spreadsheet program would
save as CSV, a line for each row, and is read as such."""

from __future__ import annotations

import csv
import datetime
import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.source import Span

from ..wording import clipped, listed
from .array_files import ZIP
from .checks import AGAIN, problem, suggestion
from .files import check_growth, read_bytes, start_of
from .layout import LOOK, TextOptions, sheet_of
from .sheet import Sheet

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_OLD = b"\xd0\xcf\x11\xe0"
_LOCKED = "EncryptedPackage".encode("utf-16-le")
"""The name of the stream that an xlsx file with a password consists of (MS-OFFCRYPTO)."""
_PARTS = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")
"""Members of a ZIP archive that is a workbook: of xlsx, xlsb and ods."""
_DAY = 86_400.0
ROW = "row"
"""What messages call a line of the CSV that a sheet becomes."""


def is_workbook(base: Path, path: str, span: Span | None) -> bool:
    """Whether the file is a workbook, by its content. Raises DiagnosticError where it cannot be opened."""
    start = start_of(base, path, span)
    if start.startswith(_OLD):
        return True
    if not start.startswith(ZIP):
        return False
    packed = not zipfile.is_zipfile(base / path)  # by gzip, or it is damaged
    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(base, path, span)) if packed else base / path) as archive:
            return not {*_PARTS}.isdisjoint(archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def open_workbook(
    base: Path,
    path: str,
    span: Span | None,
    known: TextOptions,
    wanted: str | None = None,
    wanted_span: Span | None = None,
) -> Sheet:
    """The sheet `wanted`, else that which has most of the columns that are known, of several the largest. Raises
    DiagnosticError (E0412 to E0423)."""
    raw, _ = workbook_text(base, path, span, known, wanted, wanted_span)
    return sheet_of(path, raw, span, replace(known, delimiter=",", line=ROW))


def workbook_text(
    base: Path,
    path: str,
    span: Span | None,
    known: TextOptions,
    wanted: str | None = None,
    wanted_span: Span | None = None,
) -> tuple[bytes, str]:
    """The sheet as CSV, each of its rows one line, numbers in the notation; and its name, "" where there is no other
    to choose. Raises DiagnosticError."""
    try:
        from python_calamine import CalamineError, PasswordError, load_workbook
    except ImportError:
        help = "`pip install 'gpubp[excel]'` brings it; or save the sheet as CSV"
        message = f"`{path}` needs python-calamine, which is not installed"
        raise problem("E0423", message, span, help=help) from None
    raw = read_bytes(base, path, span)
    if not raw:
        raise problem("E0414", f"`{path}` is empty", span)
    if not raw.startswith((_OLD, ZIP)):
        raise problem("E0413", f"`{path}` is not a workbook", span, help="`csv` reads delimited text")
    try:
        if raw.startswith(ZIP):
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                check_growth(sum(member.file_size for member in archive.infolist()), len(raw), path, span)
        workbook = load_workbook(io.BytesIO(raw))
        sheet, alone = _chosen(workbook, path, span, known.named, wanted, wanted_span)
        text = io.StringIO()
        rows = sheet.to_python(skip_empty_area=False)
        csv.writer(text, lineterminator="\n").writerows(
            [_cell(cell, known.notation.decimal) for cell in row] for row in rows
        )
    except (CalamineError, zipfile.BadZipFile) as error:
        if isinstance(error, PasswordError) or (raw.startswith(_OLD) and _LOCKED in raw):
            help = "save it without a password, or the sheet as CSV"
            raise problem("E0413", f"`{path}` is protected by a password", span, help=help) from None
        reason = str(error).partition("\n")[0]
        message, notes = f"`{path}` is not a valid workbook", (f"python-calamine says: {clipped(reason)}",)
        raise problem("E0413", message, span, notes=notes, help=AGAIN) from None
    return text.getvalue().encode(), "" if alone else sheet.name


def _chosen(
    workbook: CalamineWorkbook,
    path: str,
    span: Span | None,
    named: Sequence[str],
    wanted: str | None,
    wanted_span: Span | None,
) -> tuple[CalamineSheet, bool]:
    """A sheet, one that is not hidden unless it is `wanted`, and whether there is no other to choose."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    tables = [about for about in workbook.sheets_metadata if about.typ == SheetTypeEnum.WorkSheet]
    names = [about.name for about in tables]
    if wanted in names:
        return workbook.get_sheet_by_name(wanted), False
    if wanted is not None:
        help = suggestion(wanted, names, f"its sheets are {listed(names)}")
        raise problem("E0412", f"`{path}` has no sheet `{clipped(wanted)}`", wanted_span, help=help)
    shown = [about.name for about in tables if about.visible == SheetVisibleEnum.Visible]
    sheets = [sheet for sheet in map(workbook.get_sheet_by_name, shown) if sheet.height]
    if not sheets:
        raise problem("E0414", f"`{path}` is empty", span)

    def fits(sheet: CalamineSheet) -> tuple[int, int]:
        rows = sheet.to_python(nrows=LOOK) if named else []
        return max((len({*named}.intersection(row)) for row in rows), default=0), sheet.height * sheet.width

    return max(sheets, key=fits), len(sheets) == 1


def _cell(value: Any, decimal: str) -> object:
    """What CSV says of a cell: dates as in ISO 8601, durations and times in days, as workbooks store them, and truth
    values as 1 and 0, as other tables with types have them."""
    if isinstance(value, str):
        return " ".join(value.split()) if "\n" in value or "\r" in value else value
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        value = datetime.timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)
    number = float(value.total_seconds() / _DAY if isinstance(value, datetime.timedelta) else value)
    if number.is_integer():
        return int(number)
    return number if decimal == "." else repr(number).replace(".", decimal)
