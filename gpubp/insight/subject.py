"""The subject of an inspection: a net on the CPU with its weights, and rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dsl.records import dataclass

from ..data import Stream
from ..data import load as load_data
from ..executor import Executor
from ..frontend import EPOCH_STEPS, TOTAL_STEPS, Net, start_of


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A net on the CPU, its training rows, and a description. `rows` is None if the file has no data; `words`: for each
    name the words that its labels 0, 1, ... stand for."""

    executor: Executor
    rows: Mapping[str, Any] | Stream | None
    about: str
    words: Mapping[str, Sequence[str]]

    @property
    def count(self) -> int:
        """The number of training rows."""
        if isinstance(self.rows, Stream):
            return len(self.rows)
        return len(next(iter(self.rows.values()))) if self.rows else 0

    def batch(self, first: int, count: int) -> dict[str, Any]:
        """`count` training rows from row `first` on, counted from 0; fewer at the end."""
        if isinstance(self.rows, Stream):
            return self.rows.batch(0, 0, first, min(first + count, self.count), mixed=False)
        return {name: array[first : first + count] for name, array in (self.rows or {}).items()}


def subject(executor: Executor, about: str, rows: Mapping[str, Any] | None = None, *, fresh: bool) -> Subject:
    """A net with these rows, or with those that its file trains on, if it has some. `fresh`: its weights are the first
    ones, so what is learnt from the rows beforehand is gathered. Raises DataError."""
    net, words = executor.net, {}
    found: Mapping[str, Any] | Stream | None = rows
    if net.graph.train is not None:
        net.require_training(epochs=1, given=True)  # a step needs no data section and no length
    if rows is None and net.graph.rows is not None:
        dataset = load_data(net.graph, net.base, int(net.option("seed", 0)))
        found, words = dataset.part("train"), dataset.classes
    made = Subject(executor, found, about, words)
    if found is not None and fresh:
        executor.fit_first(executor.place(found))
        _set_length(executor, net, made.count)
    return made


def first_weights(executor: Executor) -> str:
    """Which weights a new executor has, in words."""
    start = start_of(executor.net)
    return f"the weights of seed {executor.seed}" + (f" and those of `{start.path}`" if start else "")


def _set_length(executor: Executor, net: Net, count: int) -> None:
    """Set the length of the training, on which schedules depend."""
    batches = -(-count // net.batch_size(count))
    total = net.option("steps") or batches * (net.option("epochs") or 1)
    executor.set_counters({EPOCH_STEPS: batches, TOTAL_STEPS: total})
