"""The cells of a table as arrays: numbers, and labels with their words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from dsl.records import dataclass

from .notation import is_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CellQuery:
    """What is asked of the cells of a table: which columns as numbers, which as labels.

    `missing`: cells that are missing among labels; among numbers those of NO_NUMBER are then, too. If there are none of
    them, all these cells are errors. `alone`: other columns need not be looked at.
    """

    numeric: Sequence[int]
    labels: Sequence[int] = ()
    missing: Collection[str] = ()
    alone: bool = False


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

    @property
    def occurring(self) -> Sequence[str]:
        """The different ones, as text."""
        import numpy as np

        return self.words if self.words is not None else [written(float(v)) for v in np.unique(self.values)]

    @property
    def positions(self) -> NDArray[np.int64]:
        """For each row, where its label stands in `occurring`; of words, -1 where it is missing."""
        import numpy as np

        if self.words is not None:
            return self.values.astype(np.int64)
        return np.searchsorted(np.unique(self.values), self.values).astype(np.int64)

    def first(self, word: str) -> int:
        """The row in which a label first stands."""
        import numpy as np

        return int(np.flatnonzero(self.positions == [*self.occurring].index(word))[0])

    def places_in(self, book: Sequence[str]) -> NDArray[np.int64]:
        """The places of the labels in a vocabulary; -1 for what it lacks, and for cells that are missing."""
        import numpy as np

        index = {word: i for i, word in enumerate(book)}
        # The last is for cells that are missing, whose position among the words is -1.
        places = [*(index.get(word, -1) for word in self.occurring), -1]
        return np.array(places, dtype=np.int64)[self.positions]

    def without(self, where: NDArray[np.bool_]) -> Labels:
        """The same, missing `where` it says so; the words are those that are left."""
        import numpy as np

        gone = np.nan if self.words is None else -1
        return Labels(np.where(where, gone, self.values), self.words).of(np.arange(len(where)))

    def filled(self) -> Labels:
        """With a label that occurs in the place of those that are missing."""
        import numpy as np

        gone = self.missing
        return Labels(np.where(gone, self.values[int(np.argmin(gone))], self.values), self.words)

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


def labels_of_cells(cells: Sequence[str | None]) -> Labels:
    """A column of labels as it stands in a file, None where one is missing; numbers where all of them are such."""
    import numpy as np

    book: dict[str, int] = {}
    places = np.array([-1 if cell is None else book.setdefault(cell, len(book)) for cell in cells], dtype=np.int64)
    if all(map(is_number, book)):
        return Labels(np.array([*map(float, book), np.nan], dtype=np.float64)[places])
    return Labels(places.astype(np.float64), tuple(book))


def written(number: float) -> str:
    """A label as its file may write it."""
    return str(int(number)) if abs(number) < 2**53 and number.is_integer() else f"{number:.10g}"
