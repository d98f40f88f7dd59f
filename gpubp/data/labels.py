"""Labels of one name as 0 .. n - 1.

Whole numbers from 0 on are labels as they stand. Other whole numbers (1 to n; -1 and 1) and words stand for their place
in the sorted list of all that occur, which is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dsl.records import dataclass
from dsl.source import Span

from ..wording import clipped, listed
from .cell_arrays import Cells, Labels, written
from .checks import Findings, problem, suggestion
from .dataset import Want
from .notation import is_number
from .tables import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LabelColumns:
    """The labels of one name in one file: its columns, each with its name. `at(column, row)` says where one stands."""

    path: str
    span: Span | None
    labels: Sequence[Labels]
    names: Sequence[str]
    at: Callable[[int, int], str]


class Encoded(NamedTuple):
    """The labels (n, columns) of each file, the number of classes, and the words or numbers that they stand for, if
    any."""

    labels: list[NDArray[np.int64]]
    classes: int
    words: tuple[str, ...] = ()


def label_columns(table: Table, cells: Cells, columns: Sequence[int]) -> LabelColumns:
    """The labels of a name in a table: those of its `columns` that were read."""

    def at(column: int, row: int) -> str:
        return table.at(cells.row(row), columns[column])

    return LabelColumns(
        table.path, table.span, [cells.labels[i] for i in columns], [table.names[i] for i in columns], at
    )


def encode(name: str, want: Want, places: Sequence[LabelColumns]) -> Encoded:
    """The labels of a name in several files.

    The first file says which classes there are. Raises DiagnosticError for labels that are not whole, do not fit the
    declared number of classes, or do not occur in the first file.
    """
    if any(found.words is not None for place in places for found in place.labels):
        return _words(name, want, places)
    return _numbers(name, want, places)


def _numbers(name: str, want: Want, places: Sequence[LabelColumns]) -> Encoded:
    import numpy as np

    def report(
        wrong: Callable[[NDArray[np.float64]], NDArray[np.bool_]], what: str, message: str, help: str = ""
    ) -> None:
        findings = Findings(places[0].span)
        for place in places:
            for column, found in enumerate(place.labels):
                bad = np.flatnonzero(wrong(found.values))
                shown = ((place.at(column, int(row)), message.format(written(found.values[row]))) for row in bad)
                findings.add_all("E0419", what, shown, len(bad), help)
        findings.raise_all()

    whole = f"labels of `{name}` are whole numbers from 0, or words"
    report(lambda v: np.floor(v) != v, "labels that are not whole", "label `{}` is not a whole number", whole)
    # Beyond 2^53 neighboring whole numbers are one float, so labels could fall together; inf ends here too.
    report(
        lambda v: np.abs(v) >= 2.0**53, "labels that are too large", "label `{}` is too large to be told from others"
    )
    tables = [np.stack([found.values for found in place.labels], axis=1).astype(np.int64) for place in places]
    lowest = min(int(table.min()) for table in tables)
    highest = max(int(table.max()) for table in tables)
    classes = want.type.classes if want.type else None
    if (lowest == 0 and classes is None) or (lowest >= 0 and classes is not None and highest < classes):
        return Encoded(tables, classes or highest + 1)
    book = np.unique(tables[0])
    if classes is None or (book[0] != 0 and len(book) == classes):
        report(lambda v: ~np.isin(v, book), "unknown classes", f"class `{{}}` does not occur in `{places[0].path}`")
        found = [np.searchsorted(book, table).astype(np.int64) for table in tables]
        return Encoded(found, len(book), tuple(map(str, book)))
    help = f"labels of `{name}` are 0 to {classes - 1}, or {classes} different words"
    report(lambda v: v < 0, "negative labels", "label `{}` is negative", help)
    report(
        lambda v: v >= classes,
        "labels that are too high",
        f"label `{{}}` is not below {classes}, the number of classes",
        help,
    )
    raise AssertionError("labels outside the range are among those reported")


def ordered(words: set[str]) -> tuple[str, ...]:
    """A vocabulary: words in alphabetical order; numbers among them keep their own order, and stand first."""
    return tuple(sorted(words, key=lambda word: (0, float(word), word) if is_number(word) else (1, 0.0, word)))


def _words(name: str, want: Want, places: Sequence[LabelColumns]) -> Encoded:
    import numpy as np

    main = places[0]
    book = ordered({word for found in main.labels for word in found.occurring})
    classes = want.type.classes if want.type else None
    if classes is not None and len(book) != classes:
        _wrong_count(name, want, main, book)
    findings = Findings(main.span)
    tables = []
    for place in places:
        columns = [by_book(book, place, column, findings, f"`{main.path}`") for column in range(len(place.labels))]
        tables.append(np.stack(columns, axis=1))
    findings.raise_all()
    return Encoded(tables, len(book), book)


def by_book(book: Sequence[str], place: LabelColumns, column: int, findings: Findings, known: str) -> NDArray[np.int64]:
    """The labels of a column as places in a vocabulary, -1 for words that it lacks, which go to `findings`; `known`
    is in words where the vocabulary comes from."""
    found = place.labels[column]
    for word in sorted(set(found.occurring).difference(book)):
        message = f"class `{clipped(word)}` does not occur in {known}"
        help = suggestion(word, book, f"the classes are {listed(book)}")
        findings.add("E0419", "unknown classes", place.at(column, found.first(word)), message, help)
    return found.places_in(book)


def labels_of(book: Sequence[str], place: LabelColumns, known: str) -> NDArray[np.int64]:
    """The first column as places in a vocabulary. Raises DiagnosticError (E0419) for words that it lacks."""
    findings = Findings(place.span)
    found = by_book(book, place, 0, findings, known)
    findings.raise_all()
    return found


def _wrong_count(name: str, want: Want, main: LabelColumns, book: tuple[str, ...]) -> None:
    """Raises: there are more or fewer classes than declared. Where one word is rare, it is probably the wrong one."""
    import numpy as np

    counts = dict.fromkeys(book, 0)
    for found in main.labels:
        words = found.occurring
        for word, count in zip(words, np.bincount(found.positions, minlength=len(words)), strict=True):
            counts[word] += int(count)
    notes = []
    rare = [word for word in book if counts[word] == 1]
    if 0 < len(rare) < len(book):
        for column, found in enumerate(main.labels):
            here = next((word for word in rare if word in found.occurring), None)
            if here is not None:
                notes.append(f"`{clipped(here)}` stands only in {main.at(column, found.first(here))}")
                break
    columns = listed(main.names, 3)
    classes = f"{len(book)} classes ({listed(book)})"
    message = f"`{main.path}`: {columns} holds {classes}, but the type of `{name}` is {want.type}"
    help = f"`class({len(book)})`, or `class(?)`"
    raise problem("E0419", message, main.span, labels=want.declared, notes=notes, help=help)
