"""`evaluate RUN TABLE`: the loss and the metrics of a run, or of an ensemble of runs, on new rows."""

from __future__ import annotations

import argparse
from typing import Any

from dsl.excerpt import visible

from ..data import NewRows
from ..frontend import tables as tables_of
from ..strict_json import dumps
from ..training import Ensemble, LoadedRun, mean_std
from ..wording import counted
from .new_rows import add_run, open_run, say_gaps, say_unused
from .streams import print_error
from .table import align, confusion


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_run(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def work(arguments: argparse.Namespace) -> int:
    """Print the figures; raises GpubpError."""
    run = open_run(arguments)
    rows = run.rows(arguments.data, targets=True)
    say_unused(rows.unused, arguments.data)
    say_gaps(rows, arguments.data, "the metrics are without them")
    figures, tables, members = _measured(run, rows, arguments.batch)
    count, gaps = len(next(iter(rows.arrays.values()))), len(rows.gaps)
    if arguments.json:
        beside = {"left_out": gaps} if gaps else {}
        print(dumps({"rows": count, **beside, "metrics": figures, **members, **({"tables": tables} if tables else {})}))
        return 0
    left_out = f" ({gaps:,} left out)" if gaps else ""
    by = f", by an ensemble of {members['members']} runs" if members else ""
    print(f"{counted(count, 'row')} of {visible(arguments.data)}{left_out}{by}\n")
    print(_together(figures, members) if members else align([[*figures], [f"{v:.4g}" for v in figures.values()]]))
    for name, table in tables.items():
        print(f"\n{confusion(name, table, run.net, run.words)}")
    return 0


def _measured(
    run: LoadedRun | Ensemble, rows: NewRows, batch: int
) -> tuple[dict[str, float], dict[str, list[list[int]]], dict[str, Any]]:
    """The figures and the tables; of an ensemble also how many members it has, with the mean and the deviation of their
    figures."""
    if isinstance(run, LoadedRun):
        figures = run.evaluate(rows.arrays, batch)
        figures.pop("penalty")
        return figures, run.executor.tables(rows.arrays, batch), {}
    scores, each = run.scores(rows, batch), run.evaluate_members(rows, batch)
    tables = {name: scores.pop(name) for name in tables_of(run.net.graph) if name in scores}
    names = [name for name in each[0] if name != "penalty"]
    mean, std = zip(*(mean_std([one[name] for one in each]) for name in names), strict=True)
    both = {"mean": dict(zip(names, mean, strict=True)), "std": dict(zip(names, std, strict=True))}
    return scores, tables, {"members": len(each), **both}


def _together(figures: dict[str, float], members: dict[str, Any]) -> str:
    """The figures of an ensemble above those of its members."""
    names = [*members["mean"]]
    lost = [f"`{name}`" for name in names if name not in figures]
    if lost:
        which = ", ".join(lost)
        print_error(f"note: {which} cannot be computed from the mean outputs, so the ensemble has none of its own")
    rows = [["", *names]]
    for head, found in (("ensemble", figures), ("mean of runs", members["mean"]), ("std of runs", members["std"])):
        rows.append([head, *(f"{found[name]:.4g}" if name in found else "-" for name in names)])
    return align(rows, 1)
