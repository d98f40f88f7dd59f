"""What is odd about the moments that the rows of a series tell: their order, and how far apart they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic
from dsl.source import Span

from ..wording import clipped, counted
from .arrow import ArrowTable
from .dates import all_iso, is_date, order_of, times_of
from .tables import DatedTable, Table, TextTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LOOK = 10_000  # rows whose dates are read one by one, for they are not as NumPy reads them
_SELDOM = 0.01  # part of the rows
_USUAL = 0.9  # of the steps are less than half of the usual one from it, in a series that has one step
_SUNDAY = 3  # by days since 1970-01-01, a Thursday


def odd_moments(table: Table, span: Span | None) -> Iterator[Diagnostic]:
    """Warnings about the rows of a table that could be read, by its first column of dates: W0405 where some are earlier
    than the one above, else W0406 where some are further from it than usual."""
    inner = table.table if isinstance(table, DatedTable) else table
    if not isinstance(inner, TextTable | ArrowTable):
        return
    column = next((i for i, cell in enumerate(inner.first) if is_date(cell.strip())), None)
    if column is None or column >= len(inner.names):
        return
    rows, times = _times([cell.strip() for cell in inner.texts(column)])
    name = f"`{clipped(inner.names[column])}`"
    back, gaps = _backward(times), _gaps(times)
    if len(back):
        message = f"`{table.path}` is not in temporal order: {counted(len(back), 'row')}"
        message += f" {'is' if len(back) == 1 else 'are'} earlier than the row above, by the column {name}"
        note = f"the first: {inner.at(rows[int(back[0]) + 1])}"
        help = f"sort the table by {name}, the earliest row first"
        yield Diagnostic("W0405", message, span, notes=(note,), help=(help,), severity="warning")
    elif len(gaps):
        message = f"`{table.path}` has {counted(len(gaps), 'gap')} in time, by the column {name}"
        first = int(gaps[0])
        usual, longer = (
            str(step.item()).removesuffix(", 0:00:00") for step in (_usual(times), times[first + 1] - times[first])
        )
        note = f"the first: {inner.at(rows[first + 1])}, is {longer} after the row above, where {usual} is usual"
        help = (
            "windows take all rows for equally far apart: with a row of empty cells for each moment that is missing, "
        )
        help += "`missing = drop` leaves out the windows that reach over a gap"
        yield Diagnostic("W0406", message, span, notes=(note,), help=(help,), severity="warning")


def _times(cells: Sequence[str]) -> tuple[Sequence[int], NDArray[np.datetime64]]:
    """The moments in UTC that cells tell, and in which of them they stand."""
    import numpy as np

    iso = all_iso(cells)
    cells = cells if iso else cells[:_LOOK]
    times = times_of(cells, "ymd" if iso else order_of(cells) or "ymd").utc
    rows = np.flatnonzero(~np.isnat(times))
    return rows.tolist(), times[rows]


def _backward(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """After which moments an earlier one comes. One hour less now and then is the end of summer time."""
    import numpy as np

    steps = np.diff(times)
    back = np.flatnonzero(steps < np.timedelta64(0, "s"))
    summer = (steps >= -np.timedelta64(1, "h")).all() and len(back) <= _SELDOM * len(times)
    return back[:0] if summer else back


def _usual(times: NDArray[np.datetime64]) -> np.timedelta64:
    """The most frequent step from one moment to the next."""
    import numpy as np

    steps, often = np.unique(np.diff(times), return_counts=True)
    found: np.timedelta64 = steps[often.argmax()]
    return found


def _gaps(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """After which moments the next one is late by half a step or more. None in a series without one step, as of working
    days alone, nor where most gaps begin at the same time of day, as where a market closes; nor is the hour of a
    Sunday's night one at which summer time begins, in some countries at midnight."""
    import numpy as np

    if len(times) < 3:
        return np.empty(0, dtype=np.int64)
    steps, usual = np.diff(times), _usual(times)
    off = steps - usual
    gaps = np.flatnonzero(2 * off >= usual)
    after = times[gaps] + np.timedelta64(1, "h")
    days = after.astype("datetime64[D]")
    night = (days.astype(np.int64) % 7 == _SUNDAY) & (after - days < np.timedelta64(5, "h"))
    gaps = gaps[~(night & (off[gaps] == np.timedelta64(1, "h")))]
    seldom = usual > np.timedelta64(0, "s") and (abs(2 * off) < usual).sum() >= _USUAL * len(steps)
    _, begun = np.unique(times[gaps] - times[gaps].astype("datetime64[D]"), return_counts=True)
    nightly = len(gaps) > 2 and 2 * begun.max() > len(gaps)
    found: NDArray[np.int64] = gaps if seldom and not nightly else gaps[:0]
    return found
