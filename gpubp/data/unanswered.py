"""Rows of a new table that a net cannot answer: they miss a cell that nothing stands for, or hold a category that
training never saw."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..wording import clipped, counted
from .cell_arrays import Cells
from .checks import FIRST, suggestion
from .tables import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def unanswered(
    table: Table, cells: Cells, needed: Collection[int], books: Mapping[int, Sequence[str]]
) -> tuple[Cells, tuple[str, ...]]:
    """The cells, where a word that is not in its column's book is one that is missing, too; and a sentence for each
    reason why rows cannot be answered: how many, and where the first are. `needed`: columns whose cells may not be
    missing; `books`: columns of words, each with those that are known."""
    why = _missing(table, {i: cells.missing(i) for i in sorted(needed)})
    unknown = {i: (cells.labels[i].places_in(book) < 0) & ~cells.missing(i) for i, book in sorted(books.items())}
    why += _unknown(table, cells, unknown, books)
    labels = {**cells.labels, **{i: cells.labels[i].without(where) for i, where in unknown.items()}}
    return replace(cells, labels=labels), tuple(why)


def _missing(table: Table, gone: Mapping[int, NDArray[np.bool_]]) -> list[str]:
    rows = _any(gone)
    if not rows:
        return []
    first = [_place(table, row, next(i for i in gone if gone[i][row])) for row in rows[:FIRST]]
    return [f"{_rows(rows)} miss{'es' * (len(rows) == 1)} a cell: {_shortened(first, len(rows))}"]


def _unknown(
    table: Table, cells: Cells, unknown: Mapping[int, NDArray[np.bool_]], books: Mapping[int, Sequence[str]]
) -> list[str]:
    """Each word once, column by column, in the order in which they come."""
    import numpy as np

    rows = _any(unknown)
    if not rows:
        return []
    said, count = list[str](), 0
    for column, where in unknown.items():
        at = np.flatnonzero(where)
        places, first, often = np.unique(cells.labels[column].positions[at], return_index=True, return_counts=True)
        count += len(places)
        for k in np.argsort(first)[: FIRST - len(said)].tolist():
            word = cells.labels[column].occurring[places[k]]
            others = f" and {counted(int(often[k]) - 1, 'other row')}" if often[k] > 1 else ""
            near = suggestion(word, books[column])
            place = _place(table, int(at[first[k]]), column)
            said.append(f"`{clipped(word)}` in {place}{others}{f' ({near})' * bool(near)}")
    holds = f"hold{'s' * (len(rows) == 1)} a category that training never saw"
    return [f"{_rows(rows)} {holds}: {_shortened(said, count)}"]


def _any(masks: Mapping[int, NDArray[np.bool_]]) -> list[int]:
    """The rows that some mask marks."""
    import numpy as np

    found: list[int] = np.flatnonzero(np.logical_or.reduce([*masks.values()])).tolist() if masks else []
    return found


def _rows(rows: Sequence[int]) -> str:
    return counted(len(rows), "row")


def _shortened(first: Sequence[str], count: int) -> str:
    return "; ".join(first) + (f"; and {count - len(first):,} more" if count > len(first) else "")


def _place(table: Table, row: int, column: int) -> str:
    return table.at(row, column).removeprefix(f"`{table.path}`, ")
