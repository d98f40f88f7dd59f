"""What to say of cells that are no numbers: what they may have been meant for, and the remedy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite

from .checks import Findings, clipped, remedy
from .sheet import Sheet, is_number

MISSING = frozenset(("", "?", "NA", "N/A", "n/a", "nan", "NaN", "NAN", "null", "NULL"))
"""Cells that are missing, where `missing = ...` says what is to be done about them."""
NO_NUMBER = MISSING | {"-", "--", ".", "None", "none", "#N/A", "<NA>"}
"""Those in a column of numbers; among words these may be words."""

_DECIMAL_COMMA = re.compile(r"\s*[-+]?(\d{1,3}([. ]\d{3})+|\d+),\d+\s*", re.ASCII)
_THOUSANDS = re.compile(r"\s*[-+]?\d{1,3}([,' ]\d{3})+(\.\d*)?\s*", re.ASCII)
_TELL = (
    "tell the reader: `csv(..., missing = drop)` leaves such rows out, `mean` or `median` in place of `drop` fills the "
    "cells"
)


def one_more(cells: Sequence[str], width: int) -> str:
    """What may have made a row too long or too short."""
    if len(cells) > width:
        return "a cell that holds the delimiter stands in quotes"
    return "every row has a cell for each column"


def report(sheet: Sheet, column: int, bad: list[tuple[int, str]], rows: int, findings: Findings) -> None:
    """What is wrong with the cells of one column: all of it text, or single cells."""
    name = clipped(sheet.names[column])
    if bad and len(bad) == rows and all(_is_text(cell, sheet) for _, cell in bad):
        line, cell = bad[0]
        message = f"`{clipped(cell)}` is text, and so is the whole column, where numbers are wanted"
        help = (
            f'`onehot = ["{name}"]` makes a number of each of its words, and `?` in the type counts them; a target of '
            "words is `class(?)`; or `columns = [...]` leaves the column out, with one entry per name"
        )
        help = remedy(sheet.span, help, "the net was trained on numbers in this column")
        findings.add("E0416", "columns of text", sheet.place(line, column), message, help)
        return
    missing = f"if it is missing, {_TELL}"
    for line, cell in bad:
        place = sheet.place(line, column)
        spelling = _spelling(cell, sheet)
        if not cell.strip():
            help = f"fill it, or {_TELL}; nothing is guessed"
            findings.add("E0416", "empty cells", place, "the cell is empty", help)
        elif spelling:
            what, phrase, help = spelling
            findings.add("E0416", what, place, f"`{clipped(cell.strip())}` is not a number: {phrase}", help)
        elif is_number(cell):
            message = f"`{clipped(cell.strip())}` is not a finite number"
            help = missing if cell.strip() in NO_NUMBER else "correct it in the table"
            findings.add("E0416", "numbers that are not finite", place, message, help)
        else:
            help = missing if cell.strip() in NO_NUMBER else "correct it in the table"
            findings.add("E0416", "cells that are no numbers", place, f"`{clipped(cell)}` is not a number", help)


def _is_text(cell: str, sheet: Sheet) -> bool:
    return bool(cell.strip()) and not is_number(cell) and _spelling(cell, sheet) is None


def _spelling(cell: str, sheet: Sheet) -> tuple[str, str, str] | None:
    """What is odd about a number that another country, or a person, would read: a plural, a phrase, the remedy."""
    if sheet.decimal == ",":
        if is_number(cell) and isfinite(float(cell)):
            return "decimal points", "it has a decimal point, where the table has commas", "write it with a comma"
        return None
    plain = re.sub("[,' ]", "", cell)
    thousands = "signs between thousands", "it has signs between thousands", f"write it without: `{plain}`"
    if _THOUSANDS.fullmatch(cell) and cell.count(",") != 1:
        return thousands
    if _DECIMAL_COMMA.fullmatch(cell):
        help = '`decimal = ","` reads such numbers; or save the table with points'
        help = remedy(sheet.span, help, "the table that was learned from has decimal points: save this one with points")
        return "decimal commas", "it has a decimal comma", help
    return thousands if _THOUSANDS.fullmatch(cell) else None
