"""The cells of a table as arrays: numbers, and labels with their words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.records import dataclass

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Labels:
    """One column of labels: the numbers themselves, or, with `words`, places in that list."""

    values: NDArray[np.float64]
    words: tuple[str, ...] | None = None

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where the cell is missing."""
        import numpy as np

        gone: NDArray[np.bool_] = np.isnan(self.values) if self.words is None else self.values < 0
        return gone

    def of(self, rows: NDArray[np.int64]) -> Labels:
        """Those of some rows, whose words are all there is: a class of the rows that are left out is none."""
        import numpy as np

        values = self.values[rows]
        if self.words is None:
            return Labels(values)
        used = np.unique(values[values >= 0]).astype(np.int64)
        place = np.full(len(self.words) + 1, -1.0)  # the last one for -1, a cell that is missing
        place[used] = np.arange(len(used))
        return Labels(place[values.astype(np.int64)], tuple(self.words[i] for i in used))


@dataclass(frozen=True, slots=True)
class Cells:
    """What was read of a table, by column number. `kept`: which of its rows, if some were left out, `left_out` of them.

    Numbers are finite, or NaN where a cell is missing.
    """

    rows: int
    numbers: dict[int, NDArray[np.float64]]
    labels: dict[int, Labels]
    kept: NDArray[np.int64] | None = None
    left_out: int = 0

    def row(self, row: int) -> int:
        """The number in the file (from 0) of a row that was read."""
        return row if self.kept is None else int(self.kept[row])

    def missing(self, column: int) -> NDArray[np.bool_]:
        """Which rows miss the cell of a column: as a number or, where it is both, as a label."""
        import numpy as np

        gone: NDArray[np.bool_] = np.zeros(self.rows, dtype=bool)
        if column in self.numbers:
            gone |= np.isnan(self.numbers[column])
        if column in self.labels:
            gone |= self.labels[column].missing
        return gone
