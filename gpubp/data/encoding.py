"""New tables as the rows of a run that is done: the same columns by name, the same classes, the same scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.diagnostics import DiagnosticError
from dsl.graph import Choice, LayerGraph
from dsl.source import Source, Span
from gpubp.errors import DataError

from .cells import Cells, Labels, read_cells
from .checks import Findings, clipped, counted, listed, problem, suggestion
from .dataset import Dataset
from .sheet import Sheet, open_sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one name of a net is made of a table's columns. `columns`: their names, none where the data had none: then
    all there are, in order. `shape`, `classes`: its type. `words`: what the labels stand for, if they are not
    numbers from 0 on. Numbers are multiplied by `scale`; then `mean` is subtracted, and they are divided by
    `deviation`."""

    columns: tuple[str, ...]
    shape: tuple[int, ...]
    classes: int | None = None
    words: tuple[str, ...] = ()
    scale: float = 1.0
    mean: Any = 0.0
    deviation: Any = 1.0

    def as_json(self) -> dict[str, Any]:
        """The same as numbers, texts and lists."""
        return {key: getattr(self, key) for key in self.__slots__}

    @classmethod
    def of_json(cls, known: Mapping[str, Any]) -> Encoding:
        """What `as_json` gave."""
        lists = {key: tuple(known[key]) for key in ("columns", "shape", "words")}
        return cls(**{**known, **lists})


def encodings(graph: LayerGraph, dataset: Dataset) -> dict[str, Encoding]:
    """How the inputs and targets of a net were made of their data."""
    options: dict[str, Mapping[str, Any]] = {}
    for entry in graph.data.entries if graph.data is not None else ():
        if isinstance(entry.value, Choice):
            options |= dict.fromkeys(entry.names, entry.value.options)
    found = {}
    for node in (*graph.inputs, *graph.targets):
        name, type_ = node.label or node.name, node.type
        assert type_ is not None
        scaled = type_.classes is None and node in graph.inputs
        mean, deviation = dataset.standards.get(name, (None, None))
        found[name] = Encoding(
            dataset.sources.get(name, ()),
            type_.shape,
            type_.classes,
            dataset.classes.get(name, ()),
            float(options.get(name, {}).get("scale", 1.0)) if scaled else 1.0,
            0.0 if mean is None else mean.tolist(),
            1.0 if deviation is None else deviation.tolist(),
        )
    return found


def read_table(path: Path, wanted: Mapping[str, Encoding]) -> dict[str, NDArray[Any]]:
    """The rows of the delimited text file `path` for each of the `wanted` names: floats as float64 (n, *shape), labels
    as int64 (n, *shape). Raises DataError with all that is wrong."""
    span = Span(Source("command line", str(path)), 0, len(str(path)))
    named = [name for encoding in wanted.values() for name in encoding.columns]
    try:
        sheet = open_sheet(Path(), str(path), span, delimiter=None, header=None, named=named)
        picks = {name: _picks(sheet, name, encoding, len(wanted)) for name, encoding in wanted.items()}
        kinds: dict[bool, set[int]] = {True: set(), False: set()}
        for name, encoding in wanted.items():
            kinds[encoding.classes is not None].update(picks[name])
        cells = read_cells(sheet, sorted(kinds[False]), sorted(kinds[True]))
        return {name: _array(sheet, cells, picks[name], encoding) for name, encoding in wanted.items()}
    except DiagnosticError as error:
        raise DataError(error.diagnostics) from None


def _picks(sheet: Sheet, name: str, encoding: Encoding, names: int) -> list[int]:
    """The numbers of the columns of one name."""
    size = math.prod(encoding.shape)
    if not encoding.columns:
        if name in sheet.names and size == 1:
            return [sheet.names.index(name)]
        if names == 1 and len(sheet.names) == size:
            return list(range(size))
        message = f"`{sheet.path}` has {counted(len(sheet.names), 'column')}, and `{name}` takes {size}"
        help = "the run's data had no columns with names: give those of its one input alone, in order"
        raise problem("E0415", message, sheet.span, help=help)
    missing = [column for column in encoding.columns if column not in sheet.names]
    if missing:
        shown = f"its columns are {listed(sheet.names)}"
        help = suggestion(missing[0], sheet.names)
        message = f"`{sheet.path}` has no column {listed(missing, 4)}, which `{name}` is made of"
        raise problem("E0415", message, sheet.span, notes=(shown,) if help else (), help=help or shown)
    return [sheet.names.index(column) for column in encoding.columns]


def _array(sheet: Sheet, cells: Cells, picks: Sequence[int], encoding: Encoding) -> NDArray[Any]:
    import numpy as np

    if encoding.classes is None:
        table = np.stack([cells.numbers[i] for i in picks], axis=1) * encoding.scale
        table = table.reshape(len(table), *encoding.shape)
        return (table - np.asarray(encoding.mean)) / np.asarray(encoding.deviation)  # type: ignore[no-any-return]
    labels = np.stack([_labels(sheet, i, cells.labels[i], encoding) for i in picks], axis=1)
    return labels.reshape(len(labels), *encoding.shape)


def _labels(sheet: Sheet, column: int, found: Labels, encoding: Encoding) -> NDArray[Any]:
    """The labels of one column, by the run's own list of classes. Raises DiagnosticError for others."""
    import numpy as np

    assert encoding.classes is not None
    known = encoding.words or tuple(map(str, range(encoding.classes)))
    number = {word: i for i, word in enumerate(known)}
    if found.words is None:
        values, places = np.unique(found.values, return_inverse=True)
        words = [str(int(v)) if float(v).is_integer() else f"{v:.10g}" for v in values]
    else:
        words, places = list(found.words), found.values.astype(np.int64)
    numbers = np.array([number.get(word, -1) for word in words], dtype=np.int64)[places]
    findings = Findings(sheet.span)
    for row in np.flatnonzero(numbers < 0):
        word = words[int(places[row])]
        where = sheet.place(sheet.line_of(int(row)), column) if len(findings.kinds) == 0 else ""
        help = suggestion(word, known, f"the classes are {listed(known)}")
        findings.add("E0419", "unknown classes", where, f"the run knows no class `{clipped(word)}`", help)
    findings.raise_all()
    return numbers
