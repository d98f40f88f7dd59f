"""Rows that a caller hands over as arrays, in place of those that `data` names."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from dsl.diagnostics import DiagnosticError
from dsl.graph import Choice, LayerGraph
from gpubp.errors import DataError, InputError

from .dataset import Dataset, Rows, wants_of
from .moments import between
from .split import check_alone, divide
from .suspicions import parts_of_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
