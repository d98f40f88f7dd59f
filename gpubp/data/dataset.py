"""What readers are asked for and what they give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dsl.graph import Choice, DataEntry, Type
from dsl.source import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Want:
    """What the model says of one name: `type` None means that the data is to say it. `span`: where it was declared."""

    kind: Literal["float", "class"]
    type: Type | None = None
    feature: bool = False  # an input, not a target
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One entry of `data` with what is wanted of its names (a name without a want need not be read).

    `base`: where paths start.
    """

    entry: DataEntry
    wants: Mapping[str, Want]
    base: Path

    def span(self, option: str) -> Span:
        """Where `option` was written, or else the whole value of the entry."""
        value = self.entry.value
        if isinstance(value, Choice):
            return value.option_spans.get(option, self.entry.value_span)
        return self.entry.value_span


@dataclass(frozen=True, slots=True)
class Read:
    """What a reader gives: `columns[name]` with rows first, floats as float64 (n, *shape), labels as int64 (n, *shape).

    `types`: the types as the data has them. `classes`: the words, or the file's own numbers, that the labels stand for.
    The last `test_rows` rows are for testing only. `standardize`: the names whose numbers get mean 0 and deviation 1.
    `sources`: for a table, the columns that each name was read from.
    """

    columns: dict[str, NDArray[Any]]
    types: dict[str, Type]
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    test_rows: int = 0
    standardize: frozenset[str] = frozenset()
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """All rows of an experiment.

    `columns`: rows first; inputs and float targets float64 (n, *shape), labels int64 (n, *shape).
    `classes`: by name, the words of the labels 0, 1, ... in sorted order, where the data has words or its own numbers.
    `parts`: row numbers (int64, ascending) of "train", and of "valid" and "test" where there are such.
    `sources`: for tables, the columns that each name was read from; `standards`: what was subtracted from a name's
    numbers, and what they were divided by then.
    """

    columns: dict[str, NDArray[Any]]
    classes: dict[str, tuple[str, ...]]
    parts: dict[str, NDArray[np.int64]]
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    standards: dict[str, tuple[NDArray[Any], NDArray[Any]]] = field(default_factory=dict)

    def part(self, name: str) -> dict[str, NDArray[Any]]:
        """The rows of one part, in order; KeyError where there is no such part."""
        rows = self.parts[name]
        return {column: values[rows] for column, values in self.columns.items()}
