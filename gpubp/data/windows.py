"""Tables whose rows are moments in their order, and the windows that are cut out of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from ..wording import counted
from .cell_arrays import CellQuery, Cells
from .checks import problem, remedy
from .notation import MISSING
from .tables import Table, none_left

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def between(moments: int, step: int) -> int:
    """How many windows are left out between two parts, each `step` moments behind the one before, so that none of so
    many `moments` of a window stands in both."""
    return -(-moments // step) - 1


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of one table: `starts`, the moment that each begins at, and `all_starts`, with those that are left
    out because they hold a cell that is missing. Labels that are missing are others, which no window holds."""

    table: Table
    picks: Mapping[str, Sequence[int]]
    cells: Cells
    starts: NDArray[np.int64]
    all_starts: NDArray[np.int64]

    @property
    def gaps(self) -> NDArray[np.int64]:
        """The numbers (from 0) of the windows that are left out."""
        import numpy as np

        return np.flatnonzero(~np.isin(self.all_starts, self.starts))

    def rows(self, values: NDArray[Any], moments: Sequence[int]) -> NDArray[Any]:
        """The windows (n, moments, columns) of values (all moments, columns): those of an encoder's `moments`."""
        import numpy as np

        begin, end, _ = moments
        views = np.lib.stride_tricks.sliding_window_view(values, end - begin, axis=0)
        return np.ascontiguousarray(views[self.starts + begin].transpose(0, 2, 1))


def read_moments(table: Table, picks: Mapping[str, Sequence[int]], labels: Collection[str]) -> Cells:
    """The columns `picks` of the names, at all moments; those in `labels` are labels. Raises DiagnosticError."""
    coded = {i for name in labels for i in picks[name]}
    numeric = {i for name in picks for i in picks[name] if name not in labels}
    return table.cells(CellQuery(sorted(numeric), sorted(coded), MISSING))


def cut(
    table: Table,
    cells: Cells,
    picks: Mapping[str, Sequence[int]],
    moments: Mapping[str, Sequence[int]],
    *,
    drop: bool,
    why: Sequence[str] = (),
) -> Windows:
    """The windows of what `read_moments` gave. `moments`: what an encoder has of each name; others count for how long a
    window is, too. Raises DiagnosticError for a cell that is missing, unless windows that hold one are to be dropped,
    and for a table that is too short; `why`: what it says where no window is left."""
    import numpy as np

    longest, step = max(end for _, end, _ in moments.values()), max(step for *_, step in moments.values())
    if cells.rows < longest:
        message = (
            f"`{table.path}` has {counted(cells.rows, 'row')}, and a window with what follows it needs {longest:,}"
        )
        help = remedy(table.span, "a smaller `window`, or a longer series", "a longer series")
        raise problem("E0424", message, table.span, help=help)
    starts = np.arange(0, cells.rows - longest + 1, step, dtype=np.int64)
    bad = np.zeros(len(starts), dtype=bool)
    for name, columns in picks.items():
        gone = np.zeros(cells.rows, dtype=bool)
        for i in columns:
            gone |= cells.missing(i)
        if gone.any() and not drop:
            column = next(i for i in columns if cells.missing(i)[gone.argmax()])
            message = f"{table.at(int(gone.argmax()), column)}: the cell is empty"
            help = "fill it, or `missing = drop` leaves out the windows that hold it"
            raise problem("E0416", message, table.span, help=help)
        before = np.concatenate([[0], np.cumsum(gone)])
        begin, end, _ = moments[name]
        bad |= before[starts + end] > before[starts + begin]
    if bad.all():
        raise none_left(table, "window", why)
    whole = {i: found.filled() for i, found in cells.labels.items()} if drop else cells.labels
    return Windows(table, picks, replace(cells, labels=whole), starts[~bad], starts)
