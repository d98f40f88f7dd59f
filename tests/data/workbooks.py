"""Workbooks as the tests need them: xlsx by the parts of ECMA-376 that a reader asks for."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
REL = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
PACKAGE = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
FORMATS = (0, 14, 22, 21, 46)
"""Numbers of formats, by style: a number, a date, a date with its time, a time, a duration (ECMA-376, 18.8.30)."""
EPOCH = datetime(1899, 12, 30)


@dataclass(frozen=True)
class Fault:
    """A cell whose formula failed."""

    what: str = "#DIV/0!"


def write_workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]], hidden: Sequence[str] = ()) -> None:
    """An xlsx file with these rows of cells, None for an empty one."""
    state = {name: ' state="hidden"' if name in hidden else "" for name in sheets}
    names = "".join(
        f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"{state[name]}/>' for i, name in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="r{i}" Type="{KIND}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    styles = "".join(f'<xf numFmtId="{number}" xfId="0"/>' for number in FORMATS)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        start = f'<Relationship Id="r1" Type="{KIND}/officeDocument" Target="xl/workbook.xml"/>'
        file.writestr("_rels/.rels", f"<Relationships {PACKAGE}>{start}</Relationships>")
        file.writestr("xl/workbook.xml", f"<workbook {MAIN} {REL}><sheets>{names}</sheets></workbook>")
        styling = f'<Relationship Id="s" Type="{KIND}/styles" Target="styles.xml"/>'
        file.writestr("xl/_rels/workbook.xml.rels", f"<Relationships {PACKAGE}>{links}{styling}</Relationships>")
        file.writestr("xl/styles.xml", f"<styleSheet {MAIN}><cellXfs>{styles}</cellXfs></styleSheet>")
        for i, rows in enumerate(sheets.values(), 1):
            body = "".join(
                f'<row r="{n}">{"".join(_cell(cell, f"{chr(65 + at)}{n}") for at, cell in enumerate(row))}</row>'
                for n, row in enumerate(rows, 1)
            )
            file.writestr(f"xl/worksheets/sheet{i}.xml", f"<worksheet {MAIN}><sheetData>{body}</sheetData></worksheet>")


def protected() -> bytes:
    """What a workbook with a password is: a compound file (MS-CFB) with a stream `EncryptedPackage` (MS-OFFCRYPTO)."""
    free, end, table = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, 1, 1, 0, 4096, end, 0, end, 0) + struct.pack("<109I", 0, *[free] * 108)
    folder = _entry("Root Entry", 5, child=1) + _entry("EncryptedPackage", 2) + bytes(256)
    return head + struct.pack("<128I", table, end, *[free] * 126) + folder


def _entry(name: str, kind: int, child: int = 0xFFFFFFFF) -> bytes:
    """An entry of a compound file's folder: a stream without a byte, or the root."""
    none = 0xFFFFFFFF
    text = f"{name}\0".encode("utf-16-le")
    place = struct.pack("<HBB3I16x4x16xIQ", len(text), kind, 1, none, none, child, 0xFFFFFFFE, 0)
    return text.ljust(64, b"\0") + place


def _cell(value: object, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, Fault):
        return f'<c r="{place}" t="e"><v>{value.what}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    style = 0
    if isinstance(value, datetime):
        style, value = 2, (value - EPOCH) / timedelta(days=1)
    elif isinstance(value, date):
        style, value = 1, (value - EPOCH.date()).days
    elif isinstance(value, time):
        style, value = 3, (value.hour * 60 + value.minute) / 1440
    elif isinstance(value, timedelta):
        style, value = 4, value / timedelta(days=1)
    return f'<c r="{place}" s="{style}"><v>{value!r}</v></c>'
