"""`runs`: the saved runs; `runs diff A B`: what differs between two; `runs summary`: statistics over seeds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dsl.excerpt import visible

from ..errors import GpubpError
from ..strict_json import dumps
from ..training import Listed, all_runs, compare, groups
from ..wording import counted
from .color import JOINT, columns_of, say
from .streams import print_error
from .summary import PARTS, as_csv, as_json, as_latex, as_text
from .table import align

_WIDE = 60
"""A setting that is longer is shown in lines of its own."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    parser.usage = (
        "gpubp runs [DIR] [--json]\n       gpubp runs diff A B [--json]\n"
        "       gpubp runs summary [DIR] [--csv | --latex | --json]"
    )
    help = "folder to search, two levels deep (default: the current one)"
    parser.add_argument("words", nargs="*", metavar="DIR", help=help)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--csv", action="store_true", help="print the summary as CSV, with all digits")
    form.add_argument("--latex", action="store_true", help="print the summary as a LaTeX `tabular`")
    parser.set_defaults(refuse=parser.error)


def work(arguments: argparse.Namespace) -> int:
    """Print a table; raises GpubpError."""
    words: list[str] = arguments.words
    if words[:1] == ["diff"]:
        if len(words) != 3:
            raise GpubpError("`runs diff` compares two runs: name both")
        return _diff(Path(words[1]), Path(words[2]), arguments.json)
    summed = words[:1] == ["summary"]
    if summed:
        del words[0]
    elif arguments.csv or arguments.latex:
        arguments.refuse("--csv and --latex are forms of `gpubp runs summary`")
    if len(words) > 1:
        raise GpubpError("`runs` lists one folder; `runs diff A B` compares two runs")
    runs, wrong = all_runs(Path(words[0]) if words else Path())
    for message in wrong:
        print_error(f"warning: {message}")
    place = f"`{visible(words[0])}`" if words else "this folder"
    if summed and not runs:
        raise GpubpError(f"no runs in {place} or those within it; `gpubp run FILE` makes one")
    if summed:
        _summary(runs, arguments)
    elif arguments.json:
        print(dumps([_object(run) for run in runs], indent=2))
    elif not runs:
        print(f"no runs in {place} or those within it; `gpubp run FILE` makes one")
    else:
        rows = _table(runs)
        say(align(rows, left=len(rows[0])), hang=4)
    return 0


def _summary(runs: Sequence[Listed], arguments: argparse.Namespace) -> None:
    """Print statistics over the seeds of the runs that are finished. Raises GpubpError if none is."""
    done = [run for run in runs if run.done]
    if len(done) < len(runs):
        print_error(f"warning: {len(runs) - len(done):,} of {counted(len(runs), 'run')} left out: not finished")
    if not done:
        raise GpubpError("no run is finished: there are no final figures yet")
    grouped = groups(done)
    if not (arguments.csv or arguments.latex or arguments.json):
        say(as_text(grouped, columns_of(sys.stdout) if sys.stdout.isatty() else None))
        return
    print((as_csv if arguments.csv else as_latex if arguments.latex else as_json)(grouped))


def _table(runs: Sequence[Listed]) -> list[list[str]]:
    """A row for each run; what was set is a column where it tells one from another."""
    rows = [["run", "file", "date", "epochs", "figures"], *map(_row, runs)]
    seeds = len({run.about.get("seed") for run in runs}) > 1
    settings = [_settings(run, seeds) for run in runs]
    if any(settings):
        for row, cell in zip(rows, ["set", *settings], strict=True):
            row.insert(2, cell)
    return rows


def _settings(run: Listed, seeds: bool) -> str:
    """The params that the command line gave, and the seed, as it takes them."""
    params = run.about.get("params")
    words = [f"{name}={value}" for name, value in params.items()] if isinstance(params, dict) else []
    return visible(" ".join([*words, f"seed={run.about.get('seed', '?')}"] if seeds else words))


def _row(run: Listed) -> list[str]:
    epochs = str(run.epochs) if run.done else f"{run.epochs} of {run.of}"
    part = next((part for part in PARTS if any(name.startswith(part) for name in run.figures)), "")
    shown = {name: value for name, value in run.figures.items() if name.startswith(part) and "penalty" not in name}
    figures = "  ".join(f"{name}{JOINT}{value:.4g}" for name, value in shown.items())
    return [visible(str(run.path)), visible(run.name), run.started[:16].replace("T", " "), epochs, figures]


def _object(run: Listed) -> dict[str, Any]:
    return {
        "run": str(run.path),
        "file": run.name,
        "params": run.about.get("params", {}),
        "seed": run.about.get("seed"),
        "started": run.started,
        "epochs": run.epochs,
        "of": run.of,
        "done": run.done,
        "figures": run.figures,
    }


def _diff(a: Path, b: Path, json_asked: bool) -> int:
    diff = compare(a, b)
    if json_asked:
        print(dumps({"text": diff.text, "settings": diff.settings, "figures": diff.figures}, indent=2))
        return 0
    parts = []
    if diff.text:
        parts.append("\n".join(diff.text))
    settings = [[key, _short(x), _short(y)] for key, (x, y) in diff.settings.items()]
    long = [row for row in settings if max(map(len, row)) > _WIDE]
    parts += [f"{key}\n- {x}\n+ {y}" for key, x, y in long]
    if len(long) < len(settings):
        parts.append(align([["", str(a), str(b)], *(row for row in settings if row not in long)], left=3))
    if diff.figures:
        parts.append(align([["", str(a), str(b)], *([k, _short(x), _short(y)] for k, (x, y) in diff.figures.items())]))
    print("\n\n".join(parts))
    return 0


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
