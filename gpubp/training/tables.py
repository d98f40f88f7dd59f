"""The one place where a run meets tables: how its names were encoded, kept with it, and used on new rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data import Dataset, Encoding, encodings, read_table
from ..errors import CheckpointError
from ..frontend import Net

if TYPE_CHECKING:
    from numpy.typing import NDArray


def to_json(net: Net, dataset: Dataset) -> dict[str, Any]:
    """How the data of `net` became arrays, fit for a checkpoint's header."""
    return {name: encoding.as_json() for name, encoding in encodings(net.graph, dataset).items()}


def from_json(known: object) -> dict[str, Encoding]:
    """What `to_json` gave. Raises CheckpointError for anything else."""
    try:
        return {str(name): Encoding.of_json(one) for name, one in known.items()}  # type: ignore[attr-defined]
    except (AttributeError, KeyError, TypeError) as error:
        raise CheckpointError(f"what is saved of the run's columns cannot be read: {error}") from None


def words(encoding: Encoding) -> tuple[str, ...]:
    """What the labels 0, 1, ... stand for; none for numbers."""
    return encoding.words or tuple(map(str, range(encoding.classes or 0)))


def rows(path: Path, known: Mapping[str, Encoding], names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """The rows of a table as arrays for each of `names`. Raises DataError."""
    return read_table(path, {name: known[name] for name in names})
