"""From the `data` section to arrays: every name read, checked against the model's types, split and standardized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.diagnostics import DiagnosticError, Label
from dsl.graph import Choice, Data, DataEntry, LayerGraph
from dsl.source import Span

from ..errors import DataError, InputError
from ..wording import counted, listed
from .checks import problem
from .dataset import Dataset, ReadResult, Rows, wants_of
from .entries import STREAM, Readings, unfed, unknown
from .split import check, check_alone, divide
from .statistics import fit
from .suspicions import parts_of_rows, suspicions, too_large
from .windows import between

if TYPE_CHECKING:
    from numpy.typing import NDArray


def load(graph: LayerGraph, base: Path, seed: int, readings: Readings | None = None) -> Dataset:
    """All rows of the experiment `graph`, checked against its inputs and targets.

    Paths start in `base`, `seed` (0 .. 2^64 - 1) draws the split. `readings`: those of all nets of a study. Raises
    DataError with all that is wrong.
    """
    try:
        return _load(graph, base, seed, Readings() if readings is None else readings)
    except DiagnosticError as error:
        raise DataError(error.diagnostics) from None
    except MemoryError:
        span = None if graph.rows is None else _head(graph.rows)
        raise DataError(problem("E0425", "the data does not fit into memory", span, help=STREAM).diagnostics) from None


def _load(graph: LayerGraph, base: Path, seed: int, readings: Readings) -> Dataset:
    wants = wants_of(graph)
    data = graph.rows
    if data is None:
        first = next(iter(wants.values()), None)
        raise problem("E0410", "the file has no `data` section", first.span if first else None)
    found = unknown(data, wants) + unfed(data, wants)
    try:
        check(data.split)
    except DiagnosticError as error:
        found.extend(error.diagnostics)
    reads = readings.read(found, data, wants, base, seed)
    if found:
        raise DiagnosticError(*found)
    _refuse_text(data.split, reads)
    rows, test_rows = _row_counts(reads)
    raw = {name: read.rows[name].values for _, read in reads for name in read.rows}
    told = next((read.parts for _, read in reads if read.parts is not None), None)
    ordered = max((read.ordered for _, read in reads if read.ordered is not None), default=None)
    parts = divide(data.split, rows, test_rows, raw, seed, told, ordered)
    finished = {
        name: replace(fit(own, parts["train"]), span=entry.value_span)
        for entry, read in reads
        for name, own in read.rows.items()
    }
    finished = {name: finished[name] for name in wants}
    found = too_large(graph, finished, parts["train"])
    if found:
        raise DiagnosticError(*found)
    odd = [warning for _, read in reads for warning in read.warnings]
    odd += suspicions(graph, finished, parts, _head(data))
    left_out = max((read.left_out for _, read in reads), default=0)
    # Rows of several entries are one example: a table numbers them better than arrays beside it.
    origins = max((read.origins for _, read in reads), key=bool, default=())
    return Dataset(finished, parts, tuple(odd), left_out, origins)


def _refuse_text(split: Choice | None, reads: list[tuple[DataEntry, ReadResult]]) -> None:
    """Raise DiagnosticError for windows of a text that are to be dealt to folds."""
    if split is None or split.options.get("folds") is None:
        return
    name = next((name for _, read in reads for name, own in read.rows.items() if own.encoder.level), None)
    if name is not None:
        message = f"`{name}` is one text: a window that is held out stands among those that are learned"
        help = '`text(..., test = "other.txt")` tests on another text'
        raise problem("E0421", message, split.option_spans.get("folds", split.span), help=help)


def _head(data: Data) -> Span:
    """What warnings about all of the data point at: the split, or the word `data`."""
    if data.split is not None:
        return data.split.span
    return Span(data.span.source, data.span.start, data.span.start + len("data"))


def _row_counts(reads: list[tuple[DataEntry, ReadResult]]) -> tuple[int, int]:
    """Rows to divide and rows for testing only, which all entries have alike. Raises DiagnosticError."""
    (first, rows, test_rows), *others = [
        (entry, len(next(iter(read.rows.values())).values) - read.test_rows, read.test_rows)
        for entry, read in reads
        if read.rows
    ]
    for entry, own, own_test in others:
        if (own, own_test) != (rows, test_rows):
            what = "row" if own != rows else "test row"
            number, other = (own, rows) if own != rows else (own_test, test_rows)
            have, has = ("has" if len(names) == 1 else "have" for names in (entry.names, first.names))
            message = f"{listed(entry.names)} {have} {counted(number, what)}, {listed(first.names)} {has} {other:,}"
            labels = (Label(first.value_span, counted(other, what)),)
            help = "each row of both is one example: give both the same number of rows"
            raise problem("E0420", message, entry.value_span, label=counted(number, what), labels=labels, help=help)
    _require_pairs(reads)
    return rows, test_rows


def _require_pairs(reads: list[tuple[DataEntry, ReadResult]]) -> None:
    """Raise DiagnosticError where entries of as many rows left out others of them: row by row they would be examples
    that nobody wrote."""
    of_files = [(entry, read) for entry, read in reads if read.origins]
    for (first, known), (entry, read) in pairwise(of_files):
        if (known.left_out or read.left_out) and _places(read) != _places(known):
            message = f"{listed(first.names)} and {listed(entry.names)} leave out different rows, which miss a cell"
            labels = (Label(first.value_span, f"{counted(known.left_out, 'row')} left out"),)
            label = f"{counted(read.left_out, 'row')} left out"
            help = "each row of both is one example: read both from one table, or fill the cells"
            raise problem("E0420", message, entry.value_span, label=label, labels=labels, help=help)


def _places(read: ReadResult) -> list[list[int]]:
    """The numbers of the rows in each of their files."""
    return [[int(row) for row in origin.rows] for origin in read.origins]


# Rows that a caller hands over as arrays, in place of those that `data` names


def check_split(graph: LayerGraph) -> None:
    """Raise DataError for a `split` that stands alone in `data` and can divide no arrays of the experiment."""
    if graph.data is None or graph.rows is not None or graph.data.split is None:
        return
    nodes = (*graph.inputs, *graph.targets)
    try:
        check_alone(graph.data.split, {n.name: n.type.shape for n in nodes if n.type is not None})
    except DiagnosticError as error:
        raise DataError(error.diagnostics) from None


def from_arrays(
    graph: LayerGraph, columns: Mapping[str, NDArray[Any]], counts: Mapping[str, int] | None, seed: int
) -> Dataset:
    """All rows of the experiment `graph` from checked arrays (n, *shape) by name, one for each input and target.

    `counts`: how many of them, one part behind the other, belong to each part; None where the file's `split` divides
    them, or all are for training; in the place of a `series` they are windows in its order. Raises InputError where
    both do, DataError for a split that the rows do not allow.
    """
    import numpy as np

    split = None if graph.data is None else graph.data.split
    if counts is None:
        rows = len(next(iter(columns.values())))
        try:
            parts = divide(split, rows, 0, columns, seed, ordered=_between(graph))
        except DiagnosticError as error:
            raise DataError(error.diagnostics) from None
    elif split is not None:
        raise InputError("`data` says which rows are for what, and so does the file's `split`: leave one of them out")
    else:
        ends = [0, *accumulate(counts.values())]
        parts = {part: np.arange(ends[i], ends[i + 1], dtype=np.int64) for i, part in enumerate(counts)}
    rows_of = {name: Rows(columns[name], want.encoder) for name, want in wants_of(graph).items()}
    return Dataset(rows_of, parts, tuple(parts_of_rows(graph, len(parts["train"]))))


def _between(graph: LayerGraph) -> int | None:
    """Where the file's own rows are windows of a series, how many are left out between two parts, as
    gpubp.data.series has it."""
    targets = {node.name for node in graph.targets}
    for entry in graph.rows.entries if graph.rows is not None else ():
        if isinstance(entry.value, Choice) and entry.value.name == "series":
            options: Mapping[str, Any] = entry.value.options
            size, step = (int(options[key]) for key in ("length" if targets & set(entry.names) else "window", "step"))
            return between(size, step)
    return None
