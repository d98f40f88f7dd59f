"""How the cells of a table are written: which are missing, and of numbers the decimal sign, thousands, units, negatives
in parentheses; of dates the order of day, month and year, by which `dates` reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from dsl.records import dataclass

from ..wording import clipped

SPACES = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"
MINUS = "-\N{MINUS SIGN}"
GROUPING: Mapping[str, str] = {",": ",", ".": ".", " ": SPACES, "'": "'\N{RIGHT SINGLE QUOTATION MARK}"}
"""The signs that stand between thousands, each with others that mean the same."""
PARTS_OF_ONE: Mapping[str, int] = {"%": -2, "‰": -3}
"""Units that scale a number: its power of ten."""
ORDERS = ("ymd", "dmy", "mdy")
MISSING = frozenset(("", "?", "NA", "N/A", "n/a", "nan", "NaN", "NAN", "null", "NULL"))
"""Cells that are missing, where `missing = ...` says what is to be done about them."""
NO_NUMBER = MISSING | {"-", "--", ".", "None", "none", "#N/A", "#NA", "<NA>", "-nan", "-NaN", "NaT", "\\N"}
"""Those in a column of numbers, of spreadsheets, pandas, C and MySQL too; among words these may be words."""


@dataclass(frozen=True, slots=True)
class Notation:
    """`decimal`: the sign before the decimals, a point or a comma. `thousands`: a sign of GROUPING that may stand
    between groups of digits; where it is empty, points and spaces may beside a decimal comma, none beside a point.
    `units`: what may stand before or behind a number; `%` makes hundredths of it, others say nothing. `accounting`:
    whether (5), 5- and - 5 are -5. `dates`: the order of day, month and year where the year stands last."""

    decimal: str = "."
    thousands: str = ""
    units: tuple[str, ...] = ()
    accounting: bool = False
    dates: str = "ymd"

    @property
    def plain(self) -> bool:
        """Whether numbers are written as in Python."""
        return self.decimal == "." and not (self.thousands or self.units or self.accounting)

    @property
    def grouping(self) -> str:
        """The signs of GROUPING that may stand between thousands."""
        return self.thousands or (". " if self.decimal == "," else "")

    def number(self, cell: str) -> str | None:
        """A cell as Python writes numbers, where it is a number as this table writes them."""
        read = _reader(self)
        return _plain(cell) if read is None else read(cell)[0]

    def unit(self, cell: str) -> str:
        """What stands beside the number of a cell, if it is one."""
        read = _reader(self)
        return "" if read is None else read(cell)[1]

    def options(self) -> list[str]:
        """The options of a reader that say so, as a `.net` file has them; none of one that is left out."""
        units = ", ".join(f'"{unit}"' for unit in self.units)
        said = {
            f'decimal = "{self.decimal}"': self.decimal != ".",
            f'thousands = "{self.thousands}"': self.thousands,
            f"units = [{units}]": self.units,
            "accounting = true": self.accounting,
            f"dates = {self.dates}": self.dates != "ymd",
        }
        return [option for option, differs in said.items() if differs]


PLAIN = Notation()
"""Numbers as Python writes them, and dates that begin with the year."""


def saved_notation(entry: Mapping[str, Any]) -> Notation:
    """A notation from its saved form. Raises TypeError or ValueError for what is none."""
    given = Notation(**{**entry, "units": tuple(entry.get("units", ()))})
    texts = (given.decimal, given.thousands, given.dates, *given.units)
    if not (all(isinstance(text, str) for text in texts) and isinstance(given.accounting, bool)):
        raise ValueError("its notation is none: a part of it is of another type")
    if wrong := fault(given):
        raise ValueError(f"its notation is none: {wrong[1]}")
    return given


def fault(found: Notation) -> tuple[str, str, str] | None:
    """The option that makes no sense, what is wrong with it, and the remedy; None if all make sense."""
    if found.decimal not in (".", ","):
        return "decimal", "`decimal` is neither a point nor a comma", '`decimal = ","` reads numbers such as 3,14'
    if found.thousands and found.thousands not in GROUPING:
        message = f"`{clipped(found.thousands)}` is not a thousands separator"
        return "thousands", message, '`","`, `"."`, `" "` (any space) or `"\'"`'
    if found.thousands == found.decimal:
        message = f"`{found.decimal}` cannot be both thousands separator and decimal sign"
        return "thousands", message, 'a table with decimal commas needs `decimal = ","`'
    for unit in found.units:
        if not unit or unit != unit.strip() or re.match(r"[0-9.,()+'-]", unit) or re.search(r"[\"\\\n]", unit):
            message = f"`{clipped(unit)}` is not a unit: it could be part of a number"
            help = '`units = ["$", "%", "kg"]`: what stands before or after numbers, without spaces around it'
            return "units", message, help
    if found.dates not in ORDERS:
        return "dates", "`dates` is none of `ymd`, `dmy`, `mdy`", ""
    return None


def is_number(cell: str) -> bool:
    """Whether a cell is written as a number (`nan` and `inf` are), in ASCII and without `_`; spaces around it do not
    matter."""
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip().isascii() and "_" not in cell


def _plain(cell: str) -> str | None:
    plain = cell.strip()
    if not plain.isascii():
        plain = plain.replace(MINUS[1], "-")
    return plain if is_number(plain) else None


def column_reader(notation: Notation) -> Callable[[str], str | None]:
    """What `Notation.number` does for the cells of one column, in turn: None, too, for a unit other than that of a cell
    before."""
    read = _reader(notation)
    if read is None:
        return _plain
    seen = ""

    def number(cell: str) -> str | None:
        nonlocal seen
        found, unit = read(cell)
        if unit and unit != seen and unit not in PARTS_OF_ONE:
            if seen:
                return None
            seen = unit
        return found

    return number


class Parts(NamedTuple):
    """What a cell with a number consists of. `signs`: two of them are no number in the end; `digits`: with what parts
    them; `power`: from the `e` on; `unit`: what stands beside it; `accounting`: whether it is negative as accountants
    write it."""

    signs: str
    digits: str
    power: str
    unit: str
    accounting: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """What a number looks like, and one in parentheses."""

    usual: re.Pattern[str]
    inside: re.Pattern[str] | None

    def parts(self, text: str) -> Parts | None:
        """Those of a cell without spaces around it, if it is a number."""
        if found := self.usual.fullmatch(text):
            first, before, second, gap, digits, power, trailing, behind = found.groups()
            if before and behind:
                return None
            signs = f"{first}{second}{trailing}"
            accounting = bool(trailing or (gap and signs))
            return Parts(signs, digits, power or "", before or behind or "", accounting)
        if found := self.inside and self.inside.fullmatch(text):
            outside, before, digits, behind, after = found.groups()
            units = {outside, before, behind, after} - {None}
            if len(units) > 1 or ((outside or before) and (behind or after)):
                return None
            return Parts("-", digits, "", "".join(units), accounting=True)
        return None


def shape_of(digits: str, before: str, behind: str, *, accounting: bool) -> Shape:
    """The shape of numbers whose digits look so, and the units before and behind them."""
    sign, gap, trailing = f"([{MINUS}+]?)", r"(\s*)" if accounting else "()", f"([{MINUS}]?)" if accounting else "()"
    number = rf"{sign}{gap}({digits})([eE][-+]?[0-9]{{1,9}})?{trailing}"
    usual = rf"{sign}(?:\s?({before})\s?)?{number}(?:\s?({behind}))?"
    inside = rf"(?:({before})\s?)?\(\s?(?:({before})\s?)?({digits})(?:\s?({behind}))?\s?\)(?:\s?({behind}))?"
    return Shape(re.compile(usual), re.compile(inside) if accounting else None)


@lru_cache(maxsize=64)
def _reader(notation: Notation) -> Callable[[str], tuple[str | None, str]] | None:
    """A cell's number as Python writes it, None if it is none, and its unit; or nothing for a plain notation."""
    if notation.plain:
        return None
    digits, erased = digits_of(notation.decimal, notation.grouping)
    units = [re.escape(unit) for unit in sorted(notation.units, key=len, reverse=True)]
    front = [unit for unit in units if not unit[-1].isdecimal()]
    shape = shape_of(digits, "|".join(front) or "(?!)", "|".join(units) or "(?!)", accounting=notation.accounting)
    powers = PARTS_OF_ONE if any(unit in PARTS_OF_ONE for unit in notation.units) else {}

    def read(cell: str) -> tuple[str | None, str]:
        found = shape.parts(cell.strip())
        if found is None or len(found.signs) > 1:
            return None, ""
        sign, power = "-" * (found.signs in [*MINUS]), found.power
        if found.unit in powers:
            # As one decimal number, which is rounded once: 45.3% is the float nearest to 0.453.
            power = f"e{int((power or 'e0')[1:]) + powers[found.unit]}"
        return f"{sign}{found.digits.translate(erased)}{power}", found.unit

    return read


def numeral(notation: Notation, delimiter: str) -> tuple[str, Mapping[str, str]] | None:
    """A pattern of numbers in the usual spellings, and what to replace in such a cell to make it one that Python reads;
    None for a notation that is not read so, for units are to be compared. `delimiter`: a sign that no number may hold,
    empty for those in quotes."""
    names = [unit for unit in notation.units if unit not in PARTS_OF_ONE]
    if len(names) > 1 or delimiter in names:
        return None
    grouping = replace(notation, thousands="").grouping if delimiter == notation.thousands else notation.grouping
    digits, erased = digits_of(notation.decimal, grouping)
    digits = "[0-9]++" if delimiter == notation.decimal else digits
    space, sign, name = f"[{SPACES}]?+", f"[{MINUS}+]?+", "".join(map(re.escape, names))
    front = f"{name}{space}" if names and not names[0][-1].isdecimal() else "(?!)"
    units = "|".join(map(re.escape, notation.units))
    behind = f"(?:{space}(?:{units}))?+" if units else ""
    # An exponent would lose its letter to a unit such as eV.
    power = "(?:[eE][-+]?[0-9]{1,9})?+" if "e" not in name.lower() else ""
    if notation.accounting:
        sign = f"(?:[{MINUS}+]{space})?+"
    number = f"{sign}(?:{digits}{power}{behind}|{front}{sign}{digits}{power})"  # two signs are no number in the end
    if notation.accounting:
        number = f"(?:{number}|{front}\\({digits}\\)|\\((?:{front})?+{digits}\\)|\\({digits}\\){behind})"
    signs = {**dict.fromkeys(names, ""), **{chr(sign): new or "" for sign, new in erased.items()}}
    signs |= {**dict.fromkeys(SPACES, ""), "(": "-", ")": "", MINUS[1]: "-"}
    signs |= {unit: f"e{PARTS_OF_ONE[unit]}" for unit in notation.units if unit in PARTS_OF_ONE}
    return number, signs


def digits_of(decimal: str, grouping: Iterable[str]) -> tuple[str, dict[int, str | None]]:
    """What the digits of a number look like, of which signs of GROUPING may part thousands; and which signs among them
    are dropped or become a point."""
    signs = "".join(GROUPING[sign] for sign in grouping)
    # In India groups of two stand above the lowest one of three: 12,34,567. A number that begins with 0 has no
    # thousands: 0,125 is written by decimal commas. And 1.234 567, of two signs, may be two numbers.
    grouped = "".join(
        f"|[1-9][0-9]{{0,2}}(?:[{alike}][0-9]{'{2,3}' if sign == ',' else '{3}'})*[{alike}][0-9]{{3}}(?![0-9])"
        for sign in grouping
        if (alike := GROUPING[sign])
    )
    alone, point = f"(?![{signs}][0-9])" if signs else "", re.escape(decimal)
    digits = f"(?:(?:[0-9]++{alone}{grouped})(?:{point}[0-9]*+)?+|{point}[0-9]++)"
    return digits, {**dict.fromkeys(map(ord, signs)), ord(decimal): "."}
