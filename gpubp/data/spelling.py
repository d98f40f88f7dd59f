"""Which notation the cells of a table seem to be written in. What is found is told, and read by nobody untold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import lru_cache

from dsl.records import dataclass

from .notation import GROUPING, MINUS, PLAIN, Notation, is_number

_CURRENCY = "$€£¥₹₩₽₺₪₫₴₦₱฿"
_CODES = "USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|CNY|INR|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|KRW|TRY|SGD|HKD"
_BETWEEN = "".join(GROUPING.values())
_DIGITS = rf"[0-9]+(?:[{_BETWEEN}][0-9]+)*[.,]?|[.,][0-9]+"
_FRONT = rf"(?:[A-Z]{{0,3}}[{_CURRENCY}]|{_CODES}|%)"
_BEHIND = r"[^\s0-9.,()'+\-\"\\][^\s0-9,()'+\-\"\\]{0,7}"
_SPELT = re.compile(
    rf"[{MINUS}+]?\s?(?:({_FRONT})\s?)?[{MINUS}+]?({_DIGITS})(?:[eE][-+]?[0-9]+(?![^\W_]))?([{MINUS}]?)(?:\s?({_BEHIND}))?"
)
_IN_PARENTHESES = re.compile(
    rf"(?:({_FRONT})\s?)?\(\s?(?:({_FRONT})\s?)?({_DIGITS})(?:\s?({_BEHIND}))?\s?\)(?:\s?({_BEHIND}))?"
)
_SURELY_A_POINT = re.compile(r"[-+]?([0-9]*\.([0-9]{1,2}|[0-9]{4,})|0?\.[0-9]+|[0-9]{4,}\.[0-9]+)([eE].+)?")
_ONES = str.maketrans("23456789", "1" * 8)
"""Which digit it is makes no difference, but for 0: so many cells are alike."""
MOST = 0.8
"""A column of which so many cells are numbers was meant as one of numbers."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """A cell that may be a number. `readings`: each way to read its digits, as the sign before its decimals and the one
    between its thousands, empty where it has none; `unit`: what stands beside it; `accounting`: whether it is negative
    as accountants write it."""

    readings: frozenset[tuple[str, str]]
    unit: str
    accounting: bool


def spelling(cell: str) -> Spelling | None:
    """How a cell may be read as a number; None where it cannot be in any notation."""
    return _spelling(cell.strip().translate(_ONES))


@lru_cache(maxsize=1 << 12)
def _spelling(text: str) -> Spelling | None:
    found = _SPELT.fullmatch(text)
    if found is not None:
        before, digits, trailing, behind = found.groups()
        units, accounting = {before, behind}, bool(trailing)
    else:
        found = _IN_PARENTHESES.fullmatch(text)
        if found is None:
            return None
        outside, before, digits, behind, after = found.groups()
        units, accounting = {outside, before, behind, after}, True
    units = units - {None, ""}
    readings = _readings(digits)
    return Spelling(readings, "".join(units), accounting) if readings and len(units) < 2 else None


def _readings(digits: str) -> frozenset[tuple[str, str]]:
    groups = re.split(f"[{_BETWEEN}]", digits)
    signs = [_same(sign) for sign in re.findall(f"[{_BETWEEN}]", digits)]
    if not signs:
        return frozenset({("", "")})
    found = set()
    if len({*signs}) == 1 and _grouped(groups, signs[0]):
        found.add(("", signs[0]))
    *between, last = signs
    if (
        last in ".,"
        and last not in between
        and (not between or (len({*between}) == 1 and _grouped(groups[:-1], between[0])))
    ):
        found.add((last, between[0] if between else ""))
    return frozenset(found)


def _same(sign: str) -> str:
    return next(one for one, alike in GROUPING.items() if sign in alike)


def _grouped(groups: list[str], sign: str) -> bool:
    """Whether digits are parted as those of thousands are."""
    first, *others = groups
    inner = (2, 3) if sign == "," else (3,)
    lengths = all(len(group) in inner for group in others[:-1]) and len(others[-1]) == 3
    return 1 <= len(first) <= 3 and first[0] != "0" and lengths


def notation_for(columns: Iterable[Collection[str]], known: Notation = PLAIN) -> Notation:
    """The notation in which the columns, each given by its cells without those that are missing, are numbers as far as
    most of their cells can be. `known`: what is told; where no cell says whether a comma stands before decimals or
    between thousands, its signs stay. A unit is one that most cells of a column have, and the same."""
    points, spelt = False, []
    for cells in columns:
        if all(map(is_number, cells)):
            points = points or any(_SURELY_A_POINT.fullmatch(cell) for cell in cells)
            continue
        column = [one for one in map(spelling, cells) if one is not None]
        if len(column) >= MOST * len(cells):
            spelt.append(column)
    found = _with_units(known, spelt) if spelt else known
    every = [one.readings for column in spelt for one in column]
    sure = [next(iter(readings)) for readings in every if len(readings) == 1]
    decimals = {decimal for decimal, _ in sure if decimal} | ({"."} if points else set())
    between = {sign for _, sign in sure if sign}
    decimal = known.decimal
    if decimals <= {","} and (decimals or "." in between):
        decimal = ","
    elif "," in decimals:  # some so and some so
        return found
    decided = decimal == "," or decimals or "," in between
    used = [
        sign
        for readings in every
        for before, sign in (readings if decided or len(readings) == 1 else ())
        if before in ("", decimal) and sign not in ("", decimal)
    ]
    thousands = max(GROUPING, key=used.count) if used else known.thousands
    if decimal == "," and thousands in (".", " "):
        thousands = ""  # read without being told
    return replace(found, decimal=decimal, thousands=thousands)


def is_common(unit: str) -> bool:
    """Whether a unit is money or a percentage: one that is known wherever it stands."""
    return re.fullmatch(_FRONT, unit) is not None


def units_of(cells: Iterable[str]) -> list[str]:
    """The different units of the cells that may be numbers."""
    return [*dict.fromkeys(one.unit for one in map(spelling, cells) if one is not None and one.unit)]


def _with_units(known: Notation, columns: list[list[Spelling]]) -> Notation:
    units = dict.fromkeys(known.units)
    for column in columns:
        often = Counter(one.unit for one in column if one.unit)
        if len(often) == 1 and often.total() >= MOST * len(column):
            units |= dict.fromkeys(often)
    accounting = known.accounting or any(one.accounting for column in columns for one in column)
    return replace(known, units=tuple(units), accounting=accounting)
