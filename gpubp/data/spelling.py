"""Which notation the cells of a table seem to be written in. What is found is told, and read by nobody untold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import cache, lru_cache

from dsl.records import dataclass

from .notation import GROUPING, PLAIN, Notation, digits_of, is_number, shape_of

_CURRENCY = "$€£¥₹₩₽₺₪₫₴₦₱฿"
_CODES = "USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|CNY|INR|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|KRW|TRY|SGD|HKD"
_BETWEEN = "".join(GROUPING.values())
_DIGITS = rf"[0-9]+(?:[{_BETWEEN}][0-9]+)*[.,]?|[.,][0-9]+"
_FRONT = rf"(?:[A-Z]{{0,3}}[{_CURRENCY}]|{_CODES}|%)"
_BEHIND = r"[^\s0-9.,()'+\-\"\\][^\s0-9,()'+\-\"\\]{0,7}"
_ANY = shape_of(_DIGITS, _FRONT, _BEHIND, accounting=True)
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
    found = _ANY.parts(text)
    readings = frozenset[tuple[str, str]]() if found is None else _readings(found.digits)
    return Spelling(readings, found.unit, found.accounting) if found is not None and readings else None


def _readings(digits: str) -> frozenset[tuple[str, str]]:
    found = set()
    for (decimal, sign), pattern in _every_way().items():
        if pattern.fullmatch(digits):
            grouped = not {*GROUPING.get(sign, "")}.isdisjoint(digits)
            found.add((decimal if decimal in digits else "", sign if grouped else ""))
    return frozenset(found)


@cache
def _every_way() -> dict[tuple[str, str], re.Pattern[str]]:
    """What digits look like by each decimal sign and each sign between thousands."""
    ways = ((decimal, sign) for decimal in (".", ",") for sign in ("", *GROUPING) if sign != decimal)
    return {way: re.compile(digits_of(*way)[0]) for way in ways}


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
