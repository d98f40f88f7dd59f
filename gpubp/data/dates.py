"""Dates and times: which moment the text of a cell tells, in which order day, month and year stand, and the parts of
moments that may be columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from .notation import MISSING, ORDERS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PARTS: Mapping[str, Callable[[Any], Any]] = {
    "days": lambda when: when.astype("int64") / 86_400e6,
    "year": lambda when: when.astype("datetime64[Y]").astype("int64") + 1970,
    "month": lambda when: when.astype("datetime64[M]").astype("int64") % 12 + 1,
    "day": lambda when: (when.astype("datetime64[D]") - when.astype("datetime64[M]")).astype("int64") + 1,
    "weekday": lambda when: (when.astype("datetime64[D]").astype("int64") + 3) % 7 + 1,
    "hour": lambda when: when.astype("datetime64[h]").astype("int64") % 24,
}
"""Each part of moments, microseconds since 1970-01-01 as NumPy's datetime64."""

_DATE = r"([0-9]{1,4})([-./])([0-9]{1,2})\2([0-9]{4}|[0-9]{1,2})"
_TIME = r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?(?:\s?([AaPp])\.?[Mm]\.?)?"
_ZONE = r"(Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"
_MOMENT = re.compile(rf"{_DATE}(?:(?:T|,?\s){_TIME}(?:\s?{_ZONE})?)?")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|"
_MONTH += "Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?"
_WORDED = re.compile(
    rf"(?:([0-9]{{1,2}})([-/ ])({_MONTH})\.?\2([0-9]{{4}}|[0-9]{{2}})"
    rf"|({_MONTH})\.? ([0-9]{{1,2}}),? ([0-9]{{4}}))(?![0-9])",
    re.IGNORECASE,
)
"""1-Mar-2024, and March 1, 2024."""
_ISO = re.compile(
    r"(?>(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)?\n)*+"
)
_ALIKE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}.*)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}( .*)?|\d{4}/\d{1,2}/\d{1,2}( .*)?"
    r"|\d{1,2}:\d{2}(:\d{2})?(\.\d+)?"
)


def looks_dated(cell: str) -> bool:
    """Whether a cell looks like a date, or a time of day, even if it is none that can be read."""
    return _ALIKE.fullmatch(cell) is not None or moment(cell, "ymd") is not None


def all_iso(cells: Iterable[str]) -> bool:
    """Whether all cells are written as NumPy reads moments, in ISO 8601 without a time zone."""
    return _ISO.fullmatch("".join([f"{cell}\n" for cell in cells])) is not None


def moment(cell: str, order: str) -> tuple[datetime, timedelta | None] | None:
    """The moment that a cell tells: by its own clock, and how far that is ahead of UTC, where it says so. None where
    it is no date and no time, or one without the year in front while `order` is "ymd".

    The year, of four digits, stands in front, as in 2024-03-01, or behind day and month, in the `order` "dmy" or "mdy";
    there it may have two digits: 69 to 99 are of the 20th century, as POSIX has it. In any order the month may be an
    English word, as in 1-Mar-2024 and March 1, 2024.
    """
    worded = _WORDED.match(cell)
    if worded is not None:
        day, _, name, year, other_name, other_day, other_year = worded.groups()
        month = _MONTHS.index((name or other_name)[:3].lower()) + 1
        cell = f"{_full(year or other_year)}-{month}-{day or other_day}{cell[worded.end() :]}"
    found = _MOMENT.fullmatch(cell)
    if found is None:
        return None
    first, _, second, third, hour, minute, second_of, fraction, half, zone = found.groups()
    if len(first) == 4 and len(third) < 3:
        year, month, day = int(first), int(second), int(third)
    elif order != "ymd" and len(first) < 3 and len(third) in (2, 4):
        day, month = (int(first), int(second)) if order == "dmy" else (int(second), int(first))
        year = _full(third)
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


def _full(year: str) -> int:
    """A year of four digits, or of two."""
    return int(year) if len(year) == 4 else int(year) + (1900 if int(year) > 68 else 2000)


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


@dataclass(frozen=True, slots=True)
class Times:
    """The moments of a column's cells as datetime64, "not a time" where there is none: by the `clock` of each cell and
    by `utc`, which is the same where no time zone is given. Which rows are `empty`, which `wrong`, for they hold no
    date, and which are `zoneless` though others have a time zone."""

    clock: NDArray[np.datetime64]
    utc: NDArray[np.datetime64]
    empty: Sequence[int] = ()
    wrong: Sequence[int] = ()
    zoneless: Sequence[int] = ()


def times_of(cells: Sequence[str], order: str) -> Times:
    """What the cells of a column tell, which have no spaces around them; `order` is as for `moment`."""
    import numpy as np

    if all_iso(cells):
        with suppress(ValueError):  # for a 30th of February the place is wanted
            clock = np.array(cells, dtype="datetime64[us]")
            return Times(clock, clock)
    found = [None if cell in MISSING else moment(cell, order) for cell in cells]
    empty = [row for row, cell in enumerate(cells) if cell in MISSING]
    wrong = [row for row, cell in enumerate(cells) if found[row] is None and cell not in MISSING]
    clock = np.array([None if one is None else one[0] for one in found], dtype="datetime64[us]")
    if all(one is None or one[1] is None for one in found):
        return Times(clock, clock, empty, wrong)
    ahead = np.array([one[1] or timedelta(0) if one else timedelta(0) for one in found], dtype="timedelta64[us]")
    zoneless = [row for row, one in enumerate(found) if one is not None and one[1] is None]
    return Times(clock, clock - ahead, empty, wrong, zoneless)


def part_of(when: Times, part: str) -> NDArray[np.float64]:
    """A part of PARTS, NaN where there is no moment. Days are counted in UTC."""
    import numpy as np

    moments = when.utc if part == "days" else when.clock
    return np.where(np.isnat(moments), np.nan, PARTS[part](moments).astype(np.float64))
