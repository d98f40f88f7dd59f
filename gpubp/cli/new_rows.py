"""What `predict` and `evaluate` share: a run or an ensemble, new rows for it, and what is said of these."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from dsl.excerpt import visible
from dsl.wording import short

from ..data import NewRows
from ..executor import CHUNK
from ..training import Ensemble, LoadedRun, load_run, open_ensemble, saved_runs
from .arguments import add_device, whole
from .streams import print_error
from .table import shortened


def add_run(parser: argparse.ArgumentParser) -> None:
    """A run, a table, and how to compute."""
    parser.add_argument(
        "run",
        metavar="RUN",
        help="a run's folder, or a checkpoint in it; or the folder of `run --seeds` or `--folds`, an ensemble",
    )
    parser.add_argument(
        "data",
        metavar="TABLE",
        help="rows like those of the training: a table with the same columns, arrays, a text, or a folder of images",
    )
    add_device(parser)
    parser.add_argument(
        "--batch", type=whole(1), default=CHUNK, metavar="N", help=f"rows per pass, to limit memory (default: {CHUNK})"
    )


def open_run(arguments: argparse.Namespace) -> LoadedRun | Ensemble:
    """What the arguments name; says which runs of an ensemble are left out. Raises GpubpError."""
    if not saved_runs(Path(arguments.run)):
        return load_run(arguments.run, arguments.device)
    ensemble, left_out = open_ensemble(Path(arguments.run), arguments.device)
    if left_out:
        print_error(f"note: an ensemble of {len(ensemble.members)} runs: {visible(left_out)}")
    return ensemble


def say_unused(columns: Sequence[str], path: str, how: str = "") -> None:
    """Tell which columns of a table are not looked at, and `how` to get at one."""
    if columns:
        what = "columns that the net was trained without, which are not used"
        shown = shortened([f"`{short(visible(name), 40)}`" for name in columns])
        print_error(f"note: `{visible(path)}` has {what}: {shown}{how}")


def say_gaps(rows: NewRows, path: str, what: str) -> None:
    """Tell which rows of a table cannot be used, if there are any, and `what` becomes of them."""
    if rows.gaps:
        said = rows.said(path, what).splitlines()
        print_error("\n".join(["warning: " + visible(said[0]), *map(visible, said[1:])]))
