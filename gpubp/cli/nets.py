"""The nets of files and runs, and what is said of them and of their data."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dsl.diagnostics import Diagnostic
from dsl.excerpt import visible

from ..data import Dataset
from ..errors import GpubpError, NetError
from ..frontend import MAIN, Net, load_set
from .color import findings
from .examples import FOLDER as EXAMPLES
from .streams import print_error

TABLES = frozenset((".csv", ".tsv"))
"""How names of tables end that are not to be taken for `.net` files."""


def names_run(path: Path) -> bool:
    """Whether a path is that of a run or of a checkpoint, not of a `.net` file."""
    return path.is_dir() or path.suffix == ".safetensors"


def refuse_other(file: str) -> None:
    """Raises GpubpError where a table or a run stands in the place of a `.net` file."""
    if (own := Path(file) / MAIN).is_file():
        name = visible(file)
        raise GpubpError(f"`{name}` is the folder of a run, not a `.net` file: that is `{visible(str(own))}`")
    if Path(file).is_dir() and (inside := sorted(Path(file).glob(f"*/{MAIN}"))):
        name, first = visible(file), visible(str(inside[0]))
        raise GpubpError(f"`{name}` is a folder of runs, not a `.net` file: each has one, such as `{first}`")
    if Path(file.removesuffix(".gz")).suffix.lower() in TABLES and Path(file).is_file():
        name = visible(file)
        raise GpubpError(f"`{name}` is a table, not a `.net` file: `gpubp init {name}` writes one for it")


def open_net(arguments: argparse.Namespace) -> Net:
    """Load the file; its warnings go to standard error. Raises NetError, and GpubpError for a table or a run in its
    place."""
    refuse_other(arguments.file)
    path = Path(arguments.file)
    try:
        net = load_set(arguments.file, dict(arguments.set))
    except NetError as error:
        if path.exists() or error.diagnostics[0].help or not (EXAMPLES / path.name).is_file():
            raise
        # Outside a working copy, the examples are in the package.
        help = (f"`gpubp init {path.stem}` writes this example to the working directory",)
        raise NetError([replace(error.diagnostics[0], help=help)]) from None
    warn(net.warnings)
    return net


def rows_of(dataset: Dataset) -> str:
    """How many rows each part of the data has."""
    parts = ", ".join(f"{len(rows):,} {part}" for part, rows in dataset.parts.items())
    return parts + (f" ({dataset.left_out:,} dropped for missing cells)" if dataset.left_out else "")


def warn(warnings: Iterable[Diagnostic]) -> None:
    """Print warnings to standard error."""
    for warning in warnings:
        print_error(findings([warning], sys.stderr) + "\n")
