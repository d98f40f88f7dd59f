"""The predictions of a run for rows of its data, compared with the targets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from ..data import Stream
from ..data import load as load_data
from ..frontend import Net, label_targets
from ..training import LoadedRun
from ..wording import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 10_000
"""Maximum rows to predict."""
MAX_NUMBERS = 1 << 26
"""Maximum elements of the outputs: a prediction for each position of a sequence among many words is large."""
_TITLE = 14
"""Maximum characters of a file's name above an image."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of one part of the data: `inputs` and `targets` by name, and what the net gives, `outputs`; `of`: how many
    the part has; `places`: the file of each row and its number there, None where it is the file (Dataset.place)."""

    part: str
    of: int
    inputs: Mapping[str, NDArray[Any]]
    targets: Mapping[str, NDArray[Any]]
    outputs: Mapping[str, NDArray[Any]]
    places: Sequence[tuple[str, int | None]]

    @property
    def heading(self) -> str:
        """What `name` gives."""
        return "file" if all(number is None for _, number in self.places) else "row"

    @property
    def numbering(self) -> str:
        """How `name` numbers the rows, in words."""
        if self.heading == "file":
            return "each row is a file"
        files = list(dict.fromkeys(file for file, _ in self.places))
        if files == [""]:
            return "rows are numbered through all of the data, from 1"
        if len(files) == 1:
            return f"rows are numbered as in {files[0]}, from 1, a header not counted"
        return "each row is numbered in its file, from 1, a header not counted"

    def name(self, row: int) -> str:
        """The file or number of a row."""
        file, number = self.places[row]
        if number is None:
            return file
        several = any(other != file for other, _ in self.places)
        return f"{file} {number + 1:,}" if several else f"{number + 1:,}"

    def title(self, row: int) -> str:
        """The same above a small picture: of a file the end of its name alone."""
        if self.places[row][1] is not None:
            return f"row {self.name(row)}"
        name = self.name(row).rpartition("/")[2]
        return name if len(name) <= _TITLE else f"\u2026{name[-_TITLE:]}"

    @property
    def about(self) -> str:
        count = len(next(iter(self.inputs.values())))
        kind = {"train": "training", "valid": "validation"}.get(self.part, self.part)
        if count < self.of:
            return f"the first {count:,} of {self.of:,} {kind} rows"
        return counted(count, f"{kind} row")


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """Answers that are classes: `true` and `predicted` number the `words`; `probability` is the probability that the
    true one got; `rows`: the row that each answer is of; `places`: its position in the row, (answers, axes), where a
    row has several."""

    output: str
    target: str
    words: tuple[str, ...]
    true: NDArray[Any]
    predicted: NDArray[Any]
    probability: NDArray[Any]
    rows: NDArray[Any]
    places: NDArray[Any] | None = None

    def table(self) -> NDArray[Any]:
        """How many of each class (a row) were taken for each class (a column)."""
        import numpy as np

        count = len(self.words)
        return np.bincount(self.true * count + self.predicted, minlength=count * count).reshape(count, count)


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Answers that are numbers: (rows, numbers) of each."""

    output: str
    target: str
    true: NDArray[Any]
    predicted: NDArray[Any]


def seen(word: str) -> str:
    """A word, quoted if it is blank or has unprintable characters."""
    return word if word.isprintable() and word == word.strip() != "" else repr(word)


def predicted_rows(run: LoadedRun, seed: int) -> Rows:
    """The rows that the run has not trained on, if there are such: the test's, or else those of validation; and what it
    makes of them. Raises NetError, DataError."""
    data = load_data(run.net.graph, run.net.base, seed)
    part = next(name for name in ("test", "valid", "train") if name in data.parts and len(data.parts[name]))
    rows = data.part(part)
    count = len(data.parts[part])
    if isinstance(rows, Stream):
        rows = rows.batch(0, 0, 0, min(MOST, count), mixed=False)
    width = max((math.prod(shape) for shape in run.net.outputs.values()), default=1)
    most = max(1, min(MOST, MAX_NUMBERS // max(1, width)))
    rows = {name: column[:most] for name, column in rows.items()}
    sides = run.net.graph.inputs, run.net.graph.targets
    inputs, targets = ({n.name: rows[n.name] for n in side} for side in sides)
    outputs = run.executor.predict(inputs)
    if not isinstance(outputs, Mapping):
        outputs = {next(iter(run.net.outputs)): outputs}
    host = run.executor.backend.to_host
    places = [data.place(int(row)) for row in data.parts[part][:most]]
    return Rows(part, count, inputs, targets, {name: host(value) for name, value in outputs.items()}, places)


def compare(run: LoadedRun, rows: Rows) -> list[Classes | Numbers]:
    """Outputs beside the targets that the loss or a metric compares them with: classes, two classes that one number
    between 0 and 1 tells apart, or numbers. Labels that the loss ignores are no answers."""
    import numpy as np

    answers: list[Classes | Numbers] = []
    for output, target in label_targets(run.net).items():
        p, labels = rows.outputs[output], rows.targets[target].astype(np.int64)
        counted = ~np.isin(labels, _ignored(run.net, target))
        at = np.argwhere(counted)
        if len(at):
            p, true = p[counted], labels[counted]
            words = tuple(map(seen, run.words.get(target) or map(str, range(p.shape[1]))))
            probability = p[np.arange(len(p)), true]
            places = at[:, 1:] if labels.ndim > 1 else None
            answers.append(Classes(output, target, words, true, p.argmax(1), probability, at[:, 0], places))
    for output, target in _pairs(run.net):
        p, true = rows.outputs[output].reshape(len(rows.outputs[output]), -1), rows.targets[target]
        true = true.reshape(len(true), -1)
        if p.shape[1] == 1 and np.isin(true, (0, 1)).all() and p.min() >= 0 and p.max() <= 1:
            label, one = true[:, 0].astype(np.int64), p[:, 0]
            probability = np.where(label == 1, one, 1 - one)
            predicted = (one > 0.5).astype(np.int64)
            answers.append(Classes(output, target, ("0", "1"), label, predicted, probability, np.arange(len(p))))
        else:
            answers.append(Numbers(output, target, true, p))
    return answers


def _ignored(net: Net, target: str) -> list[int]:
    """The labels of a target that a loss or metric ignores."""
    reading = (node for node in net.graph.train_nodes if target in (n.name for n in node.inputs if n.kind == "target"))
    return [label for node in reading if isinstance(label := node.attrs.get("ignore"), int)]


def _pairs(net: Net) -> dict[tuple[str, str], None]:
    """Pairs of numeric outputs and targets that a loss or metric compares."""
    outputs = {node: name for name, node in net.graph.outputs.items()}
    found: dict[tuple[str, str], None] = {}
    for node in net.graph.train_nodes:
        for target in (n for n in node.inputs if n in net.graph.targets and n.type is not None):
            for output in (n for n in node.inputs if n in outputs):
                assert target.type is not None
                if target.type.classes is None and net.outputs[outputs[output]] == target.type.shape:
                    found[outputs[output], target.name] = None
    return found
