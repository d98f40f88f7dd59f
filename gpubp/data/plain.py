"""A table in a notation of its own, rewritten as one that numpy's reader takes."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import groupby

from .notation import NO_NUMBER, PLAIN, SPACES, numeral
from .sheet import Sheet

_USUAL = ",;|\t"
"""Delimiters of which but the comma may stand in a number."""
_CUT = "\x1f"
"""ASCII's unit separator: the delimiter of what is rewritten."""


def rewritten(sheet: Sheet, numeric: Sequence[int], missing: Collection[str]) -> tuple[Sheet, int] | None:
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
        plain = spelt_out(plain, NO_NUMBER)
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


def spelt_out(sheet: Sheet, missing: Collection[str]) -> Sheet:
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
