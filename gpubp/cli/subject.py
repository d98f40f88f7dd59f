"""What `explain` and `gradcheck` look at: a file with its first weights, or a run with those it was left with."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dsl.excerpt import visible
from dsl.records import dataclass

from ..data import Stream
from ..data import load as load_data
from ..errors import GpubpError
from ..executor import Executor
from ..frontend import EPOCH_STEPS, TOTAL_STEPS
from ..training import load_run
from .common import add_file, open_net, whole


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A net on the CPU, its training rows, and what to call them. `rows` is None where the file has no data; `words`
    are those that the labels 0, 1, ... of a name stand for."""

    executor: Executor
    rows: Mapping[str, Any] | Stream | None
    about: str
    words: Mapping[str, Sequence[str]]

    @property
    def count(self) -> int:
        """Training rows."""
        if isinstance(self.rows, Stream):
            return len(self.rows)
        return len(next(iter(self.rows.values()))) if self.rows else 0

    def batch(self, first: int, count: int) -> dict[str, Any]:
        """So many training rows from row `first` on, counted from 0; fewer at the end."""
        if isinstance(self.rows, Stream):
            return self.rows.batch(0, 0, first, min(first + count, self.count), mixed=False)
        return {name: array[first : first + count] for name, array in (self.rows or {}).items()}


def add_subject(parser: argparse.ArgumentParser) -> None:
    """A file or a run, and how the file's net begins."""
    add_file(parser, help="a .net file, the folder of a run, or one checkpoint in it")
    parser.add_argument("--seed", type=whole(0), metavar="N", help="draws the first weights (default: the file's)")


def open_subject(arguments: argparse.Namespace, precision: str | None = None) -> Subject:
    """The net that the arguments name, in a precision (None: its own), with its training data. Raises GpubpError."""
    path = Path(arguments.file)
    if path.is_dir() or path.suffix == ".safetensors":
        for given, word in ((arguments.set, "--set"), (arguments.seed is not None, "--seed")):
            if given:
                raise GpubpError(f"`{word}` cannot be given with a run: its weights are those that it was trained to")
        run = load_run(path, "cpu")
        net, executor = run.net, run.executor
        if precision not in (None, executor.dtype):
            executor = Executor(net, "cpu", precision, executor.seed, "numpy")
            known = executor.arrays()
            executor.adopt({name: array for name, array in run.executor.arrays().items() if name in known})
        about = f"{visible(str(path))}, step {executor.step:,}"
    else:
        net = open_net(arguments)
        executor = Executor(net, "cpu", precision, arguments.seed, "numpy")
        about = f"{visible(arguments.file)}, the weights of seed {executor.seed}"
    if net.graph.train is not None:
        net.require_training(epochs=1, given=True)  # a step needs no data section and no length
    if net.graph.rows is None:
        return Subject(executor, None, about, {})
    dataset = load_data(net.graph, net.base, int(net.option("seed", 0)))
    rows = dataset.part("train")
    subject = Subject(executor, rows, about, dataset.classes)
    if not (path.is_dir() or path.suffix == ".safetensors"):
        executor.fit_first(executor.place(rows))
        # A schedule goes by the length of the training.
        batches = -(-subject.count // int(net.option("batch", 32)))
        total = net.option("steps") or batches * (net.option("epochs") or 1)
        executor.set_counters({EPOCH_STEPS: batches, TOTAL_STEPS: total})
    return subject
