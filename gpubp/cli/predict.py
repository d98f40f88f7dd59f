"""`predict RUN TABLE`: what a run, or an ensemble of runs, makes of new rows, as a table."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dsl.excerpt import visible

from ..errors import GpubpError
from ..frontend import predicted_labels
from ..training import Ensemble, LoadedRun
from ..wording import counted
from .new_rows import add_run, open_run, say_gaps, say_unused
from .output import ends_otherwise, write_output
from .streams import print_error
from .table import shortened

_SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": ",", "": ","}
"""Between cells, by the ending of the file."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_run(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write a .csv or .tsv file (default: CSV, to standard output)"
    )
    parser.add_argument(
        "--keep",
        metavar="NAME",
        action="append",
        default=[],
        help="copy this column of the table to the output (may be repeated)",
    )


def work(arguments: argparse.Namespace) -> int:
    """Print or write one row for each row of the table, in its order; raises GpubpError."""
    output = None if arguments.output is None else Path(arguments.output)
    if output is not None and _same(output, Path(arguments.data)):
        raise GpubpError(f"`{visible(str(output))}` is the table itself; write to another file")
    separator = "," if output is None else _separator(output)
    run = open_run(arguments)
    rows = run.rows(arguments.data, targets=False, keep=arguments.keep)
    idle = [name for name in rows.unused if name not in arguments.keep]
    say_unused(idle, arguments.data, "; `--keep NAME` copies one to the answers")
    if isinstance(run, Ensemble):
        answers = answers_of(run, *run.mean_std(rows, arguments.batch))
    else:
        answers = answers_of(run, run.predict(rows, arguments.batch), {})
    columns = {**rows.kept, **_beside(_emptied(answers, rows.gaps), rows.kept)}
    say_gaps(rows, arguments.data, "their answers are left empty")
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator="\n")
    writer.writerows([columns, *zip(*columns.values(), strict=True)])
    if output is None:
        sys.stdout.write(file.getvalue())
        return 0
    write_output(output, file.getvalue().encode())
    count = len(next(iter(columns.values())))
    what = f"{counted(count, 'row')} of {shortened([f'`{visible(name)}`' for name in columns])}"
    print_error(f"wrote {visible(str(output))}: {what}")
    return 0


def _separator(path: Path) -> str:
    """What stands between the cells of a file of that name. Raises GpubpError if it is not one for a table of text."""
    if ends_otherwise(path, _SEPARATORS):
        how = "in Python, `gpubp.load_run(RUN).predict(TABLE)` returns arrays"
        raise GpubpError(f"`{visible(str(path))}` is neither a .csv nor a .tsv file; {how}")
    return _SEPARATORS.get(path.suffix.lower(), ",")


def _same(one: Path, other: Path) -> bool:
    """Whether two paths are one file; of what is not there, or may not be looked at, others say so."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _emptied(answers: dict[str, list[str]], gaps: Sequence[int]) -> dict[str, list[str]]:
    """The answers, empty at the rows `gaps`."""
    for column in answers.values():
        for row in gaps:
            column[row] = ""
    return answers


def _beside(answers: dict[str, list[str]], kept: Mapping[str, object]) -> dict[str, list[str]]:
    """The answers, if none of them bears the name of a column that is kept. Raises GpubpError."""
    for name in answers:
        if name in kept:
            raise GpubpError(f"`{visible(name)}` cannot be kept: a column of the answers has this name")
    return answers


def answers_of(run: LoadedRun | Ensemble, outputs: Mapping[str, Any], std: Mapping[str, Any]) -> dict[str, list[str]]:
    """Columns of cells. A target of classes has its word, and its output a probability for each of them, under
    `p.word`; other outputs have their numbers, under `p`, or `p.1`, `p.2` ... where there are several. Behind them,
    `p.std` has the deviations in `std`: of those numbers, or of the probability of the word alone."""
    import numpy as np

    labels, known = run.labels(outputs), predicted_labels(run.net)
    backend = (run.members[0] if isinstance(run, Ensemble) else run).executor.backend
    heads: list[str] = []
    columns: list[list[str]] = []
    for target, found in labels.items():
        flat = found.reshape(len(found), -1)
        heads += _numbered(target, flat.shape[1])
        columns += [list(column) for column in flat.T]
    for output, value in outputs.items():
        host = backend.to_host(value)
        flat = host.reshape(len(host), -1)
        if output in known and host.ndim == 2:
            heads += [f"{output}.{word}" for word in run.words[known[output][1]]]
        else:
            heads += _numbered(output, flat.shape[1])
        columns += [[str(number) for number in column] for column in flat.T]
        if output in std:
            spread = std[output]
            if output in known:
                spread = np.take_along_axis(spread, host.argmax(axis=-1)[..., None], axis=-1)
            flat = spread.reshape(len(spread), -1)
            heads += _numbered(f"{output}.std", flat.shape[1])
            columns += [[str(number) for number in column] for column in flat.T]
    if len({*heads}) < len(heads):
        how = "in Python, `gpubp.load_ensemble(RUN).mean_std(TABLE)` returns arrays"
        raise GpubpError(f"a class is called `std`, as is the column of deviations; {how}")
    return dict(zip(heads, columns, strict=True))


def _numbered(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}.{i + 1}" for i in range(count)]
