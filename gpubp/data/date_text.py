"""Dates and times as text: which moment one means, and in which order day, month and year stand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from .notation import ORDERS

_DATE = r"([0-9]{1,4})([-./])([0-9]{1,2})\2([0-9]{4}|[0-9]{1,2})"
_TIME = r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?(?:\s?([AaPp])\.?[Mm]\.?)?"
_ZONE = r"(Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"
_MOMENT = re.compile(rf"{_DATE}(?:(?:T|,?\s){_TIME}(?:\s?{_ZONE})?)?")


_ISO = re.compile(
    r"(?>(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)?\n)*+"
)


def all_iso(cells: Iterable[str]) -> bool:
    """Whether all cells are written as NumPy reads moments, in ISO 8601 without a time zone."""
    return _ISO.fullmatch("".join([f"{cell}\n" for cell in cells])) is not None


def moment(cell: str, order: str) -> tuple[datetime, timedelta | None] | None:
    """The moment that a cell tells: by its own clock, and how far that is ahead of UTC, where it says so. None where
    it is no date and no time, or one without the year in front while `order` is "ymd".

    The year, of four digits, stands in front, as in 2024-03-01, or behind day and month, in the `order` "dmy" or "mdy";
    there it may have two digits: 69 to 99 are of the 20th century, as POSIX has it.
    """
    found = _MOMENT.fullmatch(cell)
    if found is None:
        return None
    first, _, second, third, hour, minute, second_of, fraction, half, zone = found.groups()
    if len(first) == 4 and len(third) < 3:
        year, month, day = int(first), int(second), int(third)
    elif order != "ymd" and len(first) < 3 and len(third) in (2, 4):
        day, month = (int(first), int(second)) if order == "dmy" else (int(second), int(first))
        year = int(third) if len(third) == 4 else int(third) + (1900 if int(third) > 68 else 2000)
    else:
        return None
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + 12 * (half in "pP")
    micro = int((fraction or "")[:6].ljust(6, "0"))
    try:
        when = datetime(year, month, day, hours, int(minute or 0), int(second_of or 0), micro)
    except ValueError:  # the 30th of February
        return None
    return when, None if zone is None else _ahead(zone)


def _ahead(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta(0)
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:].lstrip(":") or 0))
    return -ahead if zone[0] == "-" else ahead


def is_date(cell: str) -> bool:
    """Whether a cell is a date in some order."""
    return any(moment(cell, order) is not None for order in ORDERS)


def order_of(cells: Iterable[str]) -> str | None:
    """The order in which all cells that are dates are so: "ymd", "dmy" or "mdy"; where several fit, "dmy" if points
    part them, and otherwise nothing, an empty text. None where no order fits, or no cell is a date."""
    dates = [cell for cell in cells if is_date(cell)]
    fitting = [order for order in ORDERS if all(moment(cell, order) is not None for cell in dates)]
    if not dates or not fitting:
        return None
    if "ymd" in fitting or len(fitting) == 1:
        return fitting[0]
    return "dmy" if all("." in cell[:3] for cell in dates) else ""
