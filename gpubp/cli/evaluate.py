"""`evaluate RUN TABLE`: the loss and the metrics of a run on new rows."""

from __future__ import annotations

import argparse

from dsl.excerpt import visible

from ..strict_json import dumps
from ..training import load_run
from .predict import add_run, say_gaps, say_unused
from .table import align, confusion


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_run(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def work(arguments: argparse.Namespace) -> int:
    """Print the figures; raises GpubpError."""
    run = load_run(arguments.run, arguments.device)
    rows = run.rows(arguments.data, targets=True)
    say_unused(rows.unused, arguments.data)
    say_gaps(rows, arguments.data, "the metrics are without them")
    figures = run.evaluate(rows.arrays, arguments.batch)
    count = len(next(iter(rows.arrays.values())))
    figures.pop("penalty")
    tables = run.executor.tables(rows.arrays, arguments.batch)
    gaps = len(rows.gaps)
    if arguments.json:
        beside = {**({"left_out": gaps} if gaps else {}), "metrics": figures, **({"tables": tables} if tables else {})}
        print(dumps({"rows": count, **beside}))
        return 0
    left_out = f" ({gaps:,} left out)" if gaps else ""
    print(f"{count:,} row{'s' * (count != 1)} of {visible(arguments.data)}{left_out}\n")
    print(align([list(figures), [f"{value:.4g}" for value in figures.values()]]))
    for name, table in tables.items():
        print(f"\n{confusion(name, table, run.net, run.words)}")
    return 0
