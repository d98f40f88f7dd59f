"""Tables and lists for the terminal: those of a run, and their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dsl.excerpt import visible
from dsl.wording import short

from ..frontend import Net, metric_labels
from ..training import Run

MAX_ROWS = 16
"""Data sets up to this size are shown whole, beside what the net makes of them."""
SHOWN = 6
"""How many items of a list are shown."""


def results(run: Run) -> str:
    """The final figures: one row per part of the data, one column per figure."""
    names: list[str] = []
    for key in run.metrics:
        name = key.split(".", 1)[1]
        if name not in names:
            names.append(name)
    rows = [["", *names]]
    for part in run.dataset.parts:
        rows.append([part, *(f"{run.metrics[f'{part}.{name}']:.4g}" for name in names)])
    return align(rows)


def confusions(run: Run) -> str:
    """The tables of the last part of the data, which is the test where there is one; "" where there are none."""
    last = [*run.dataset.parts][-1]
    shown = [
        confusion(key, table, run.net, run.words) for key, table in run.tables.items() if key.startswith(f"{last}.")
    ]
    return "\n\n".join(shown)


def confusion(key: str, table: Sequence[Sequence[int]], net: Net, words: Mapping[str, Sequence[str]]) -> str:
    """A table of how often each class was predicted as each. `key`: the metric, behind the part of the data if any;
    `words`: the class names of each input and target that has some."""
    classes = words.get(metric_labels(net).get(key.rpartition(".")[2], "")) or map(str, range(len(table)))
    names = [visible(short(word)) for word in classes]
    rows = [["", *names], *([name, *map(str, row)] for name, row in zip(names, table, strict=True))]
    return f"{key}: rows are the true classes, columns the predicted ones\n{align(rows, 1)}"


def truth_table(run: Run) -> str:
    """Inputs, targets and outputs of every row, where the data set is small; "" where it is not."""
    net, columns = run.executor.net, run.dataset.arrays
    if run.dataset.streamed:
        return ""
    count = len(next(iter(columns.values())))
    wide = any(
        len(shape) > 1 or (shape and shape[0] > 4)
        for shape in (*net.outputs.values(), *(c.shape[1:] for c in columns.values()))
    )
    if count > MAX_ROWS or wide:
        return ""
    inputs = {n.name: columns[n.name] for n in net.graph.inputs}
    outputs = {name: run.executor.backend.to_host(value) for name, value in run.executor.predict(inputs).items()}
    rows = [[*columns, *outputs]]
    for i in range(count):
        given = (_cell(column[i], "g", run.words.get(name, ())) for name, column in columns.items())
        rows.append([*given, *(_cell(o[i], ".4f") for o in outputs.values())])
    return align(rows)


def _cell(value: Any, form: str, words: Sequence[str] = ()) -> str:
    """Numbers, or the names of labels that have some."""
    return " ".join(visible(short(words[int(v)])) if words else format(float(v), form) for v in value.reshape(-1))


def align(rows: list[list[str]], left: int = 0) -> str:
    """Columns padded to one width, numbers to the right; the first `left` columns to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def shortened(items: Sequence[str], between: str = ", ") -> str:
    """The first of some items, and how many more there are."""
    return between.join(items[:SHOWN]) + (f" and {len(items) - SHOWN:,} more" if len(items) > SHOWN else "")
