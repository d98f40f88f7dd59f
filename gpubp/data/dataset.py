"""What readers are asked for and what they give back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dsl.diagnostics import Diagnostic, Label
from dsl.graph import Choice, DataEntry, LayerGraph, Type
from dsl.records import dataclass
from dsl.source import Span

from .encoders import Encoder
from .stream import Stored, Stream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PARTS = ("train", "valid", "test")
"""What rows are for."""


@dataclass(frozen=True, slots=True)
class Want:
    """What the model says of one name: `type` None means that the data is to say it. `span`: where it was declared."""

    kind: Literal["float", "class"]
    type: Type | None = None
    feature: bool = False  # an input, not a target
    span: Span | None = None

    @property
    def declared(self) -> tuple[Label, ...]:
        """A label at the declaration, for errors about what the data has instead."""
        return (Label(self.span, "declared here"),) if self.span else ()

    @property
    def encoder(self) -> Encoder:
        """That of arrays which have the declared type, and need no encoding."""
        assert self.type is not None, "not while types are measured"
        return Encoder(self.type.shape, self.type.classes, self.feature)

    @property
    def numeric(self) -> bool:
        """Whether it is an input of numbers, which `scale` and `standardize` are for."""
        return self.feature and self.kind == "float"

    def settled(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a row, `[]` and `[1]` being one where the file knows no difference: numbers are `[1]` and
        labels `[]`, if nothing else is declared."""
        if shape not in ((), (1,)):
            return shape
        if self.type is not None and self.type.shape in ((), (1,)):
            return self.type.shape
        return () if self.kind == "class" else (1,)


def wants_of(graph: LayerGraph) -> dict[str, Want]:
    """What an experiment says of its inputs and targets, which are typed."""
    found: dict[str, Want] = {}
    for nodes, feature in ((graph.inputs, True), (graph.targets, False)):
        for node in nodes:
            assert node.type is not None, "inputs and targets are typed"
            kind: Literal["float", "class"] = "float" if node.type.classes is None else "class"
            found[node.name] = Want(kind, node.type, feature, node.span)
    return found


@dataclass(frozen=True, slots=True)
class Request:
    """One entry of `data` with what is wanted of its names (a name without a want need not be read).

    `base`: where paths start. `seed` and `index` (the place of the entry in `data`) key what readers draw at random.
    `by`: the column that says which part of the data a row belongs to, if `split` names one.
    """

    entry: DataEntry
    wants: Mapping[str, Want]
    base: Path
    seed: int = 0
    index: int = 0
    by: str | None = None

    def span(self, option: str) -> Span:
        """Where `option` was written, or else the whole value of the entry."""
        value = self.entry.value
        if isinstance(value, Choice):
            return value.option_spans.get(option, self.entry.value_span)
        return self.entry.value_span


@dataclass(frozen=True, slots=True)
class Origin:
    """The file of some rows, as the `.net` file names it, and the number of each row in it, from 0. `files`: those of
    rows that are a file each, such as the images of a folder."""

    file: str
    rows: Sequence[int]
    files: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one name. `values`: rows first, labels as int64 (n, *shape); floats as they stand in the file, NaN
    where a cell is missing, until `statistics.fit` has finished them, which gives float64 (n, *shape).

    `encoder`: what is known of the name. What the training rows are to teach it: with `standardize` the mean and the
    deviation that become 0 and 1; by `fill` the "mean" or the "median", which stands for missing numbers. `span`: the
    entry of `data` that they are from.
    """

    values: NDArray[Any] | Stored
    encoder: Encoder
    standardize: bool = False
    fill: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What a reader gives: the rows of each name that is wanted; the last `test_rows` are for testing only.

    `parts`: the place in PARTS for each row, where a column says it. `left_out`: rows of the files that miss a cell.
    `origins`: where the rows stand, those for testing last; none where they are of no file. `ordered`: where the rows
    are divided in their order, how many are left out between two parts. `warnings`: what is suspicious about the file.
    `drawn`: whether the request's seed has drawn them.
    """

    rows: dict[str, Rows]
    test_rows: int = 0
    parts: NDArray[np.int64] | None = None
    left_out: int = 0
    origins: tuple[Origin, ...] = ()
    ordered: int | None = None
    warnings: tuple[Diagnostic, ...] = ()
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """All rows of an experiment, by name; inputs and float targets float64, labels int64.

    `parts`: row numbers (int64, ascending) of "train", and of "valid" and "test" where there are such.
    `warnings`: what is suspicious about the data. `left_out`: rows of the files that miss a cell, where the `.net` file
    says so. `origins`: where the rows stand, as one of the files numbers them.
    """

    rows: Mapping[str, Rows]
    parts: dict[str, NDArray[np.int64]]
    warnings: tuple[Diagnostic, ...] = ()
    left_out: int = 0
    origins: tuple[Origin, ...] = ()

    @property
    def columns(self) -> dict[str, NDArray[Any] | Stored]:
        """All rows of each name (n, *shape); a Stored column is larger than memory may be, and is read where it is
        used."""
        return {name: rows.values for name, rows in self.rows.items()}

    @property
    def encoders(self) -> dict[str, Encoder]:
        """All that is needed to encode further rows of each name as these were."""
        return {name: rows.encoder for name, rows in self.rows.items()}

    def place(self, row: int) -> tuple[str, int | None]:
        """The file of a row and its number there, from 0, or None for a row that is the whole file; where rows are of
        no file, "" and the number among all."""
        for origin in self.origins:
            if row < len(origin.rows):
                if origin.files:
                    return origin.files[row], None
                return origin.file, int(origin.rows[row])
            row -= len(origin.rows)
        return "", row

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """By name, the words of the labels 0, 1, ..., where the data has words or its own numbers."""
        return {name: encoder.words for name, encoder in self.encoders.items() if encoder.words}

    @property
    def streamed(self) -> bool:
        """Whether some column is read where it is used."""
        return any(isinstance(column, Stored) for column in self.columns.values())

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The columns that are in memory."""
        return {name: column for name, column in self.columns.items() if not isinstance(column, Stored)}

    def part(self, name: str) -> Mapping[str, NDArray[Any]] | Stream:
        """The rows of one part, in order: arrays by name, read-only, or a stream of them; KeyError where there is no
        such part."""
        rows = self.parts[name]
        if self.streamed:
            return Stream(self.columns, rows)
        return {name: _rows(column, rows) for name, column in self.arrays.items()}


def _rows(column: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Rows of a column, by ascending numbers: without a copy, which takes time and memory, where they lie together."""
    first, last = (int(rows[0]), int(rows[-1])) if len(rows) else (0, -1)
    found = column[first : last + 1] if last + 1 - first == len(rows) else column[rows]
    found.flags.writeable = False  # so that nobody copies them for fear of a change
    return found
