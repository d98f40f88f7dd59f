"""What several verbs share: the file argument, `--set`, warnings."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dsl.diagnostics import Diagnostic
from dsl.excerpt import visible

from ..data import Dataset
from ..errors import GpubpError, NetError
from ..frontend import MAIN, Net, load
from .color import findings
from .examples import FOLDER as EXAMPLES
from .streams import print_error

TABLES = frozenset((".csv", ".tsv"))
"""How names of tables end that are not to be taken for `.net` files."""


def add_file(parser: argparse.ArgumentParser, *, needed: bool = True, help: str = "a .net file") -> None:
    """The `.net` file and new values for its params."""
    parser.add_argument("file", metavar="FILE", nargs=None if needed else "?", help=help)
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_assignment,
        help="set a param of the file (may be repeated)",
    )


def _assignment(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise argparse.ArgumentTypeError(f"`{text}` is not NAME=VALUE")
    return name.strip(), value.strip()


def add_device(parser: argparse.ArgumentParser, default: str | None = "auto") -> None:
    """Where to compute; `default`: None to tell whether it was given."""
    parser.add_argument("--device", default=default, metavar="DEVICE", help="auto, cpu, gpu or gpu:N (default: auto)")


def add_backend(parser: argparse.ArgumentParser) -> None:
    """How the CPU or the GPU is used."""
    parser.add_argument(
        "--backend",
        choices=("auto", "numpy", "native", "cupy"),
        help="on the CPU: numpy, native (compiled kernels), or auto (compiled if there is a C compiler, which CC may "
        "name, and it pays); on a GPU: cupy (CuPy's own kernels), or auto (compiled kernels)",
    )


def with_compiler(backend: str) -> str:
    """The backend, with the compiler that the environment names."""
    command = os.environ.get("CC", "")
    return f"{backend}:{command}" if command and backend in ("auto", "native") else backend


def folder(text: str) -> Path:
    """The type of an argument that names a folder: `""`, as of a shell's variable that was never set, names none."""
    if not text:
        raise argparse.ArgumentTypeError("the name of a folder is empty")
    return Path(text)


def whole(least: int, most: int | None = None) -> type[int]:
    """An argument type: a whole number of at least `least`, and of at most `most` if given."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"`{text}` is not a whole number") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, not {number}")
        if most is not None and number > most:
            raise argparse.ArgumentTypeError(f"must be at most {most:,}, not {number:,}")
        return number

    return read  # type: ignore[return-value]


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
        net = load(arguments.file, dict(arguments.set))
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
