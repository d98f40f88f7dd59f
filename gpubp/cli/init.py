"""`init TARGET`: a starter file for a table, or one of the examples."""

from __future__ import annotations

import argparse
from pathlib import Path

from dsl.excerpt import visible

from ..data import glance
from ..data import load as load_data
from ..data.checks import suggestion
from ..errors import GpubpError, reason
from ..frontend import loads
from ..paths import relative
from .color import say
from .examples import examples, files_of
from .output import write_output
from .quoting import quoted
from .starter import guess
from .starter_text import text

ARRAYS = frozenset((".npy", ".npz"))
"""How files of arrays end."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    parser.add_argument(
        "source",
        metavar="TARGET",
        nargs="?",
        help="a table (delimited text, Parquet, Arrow or Feather), or the name of an example; none: list the examples",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the file to write (default: the name of the table or example, with `.net`)",
    )
    parser.add_argument("--target", metavar="NAME", help="the column to predict (default: guessed)")
    parser.add_argument("--force", action="store_true", help="overwrite existing files")


def work(arguments: argparse.Namespace) -> int:
    """Write the file and say what was guessed; raises GpubpError, and writes nothing then."""
    source: str | None = arguments.source
    if source is None:
        _list()
        return 0
    known = examples()
    if source in known and not Path(source).is_file():
        return _example(source, arguments)
    if not Path(source).exists() and not Path(source).suffix:
        help = suggestion(source, known, "`gpubp init` lists the examples")
        raise GpubpError(f"there is no example `{visible(source)}`, and no such file; {help}")
    if Path(source).suffix.lower() in ARRAYS:
        reader = Path(source).suffix.lower().removeprefix(".")
        help = f"`{reader}(...)` in the `data` of a file reads it; `gpubp init digits` writes one to start from"
        raise GpubpError(f"`{visible(source)}` holds arrays, not a table with named columns: {help}")
    return _table(Path(source), arguments)


def _list() -> None:
    known = examples()
    width = max(map(len, known), default=0)
    say("\n".join(f"{name.ljust(width)}  {shows}" for name, shows in known.items()))
    say("\n`gpubp init NAME` writes one of them, `gpubp init TABLE` a starter file for a table")


def _example(name: str, arguments: argparse.Namespace) -> int:
    if arguments.target is not None:
        raise GpubpError("`--target` is for tables; an example has a target")
    (_, main), *data = files_of(name).items()
    output = Path(arguments.output or f"{name}.net")
    lines = _write({output: main, **{output.parent / path: content for path, content in data}}, arguments.force)
    print("\n".join(lines))
    print(f"\n`gpubp run {quoted(output)}` trains it")
    return 0


def _table(table: Path, arguments: argparse.Namespace) -> int:
    found = guess(glance(table, () if arguments.target is None else (arguments.target,)), arguments.target)
    stem = table.name.removesuffix(".gz")
    output = Path(arguments.output or f"{Path(stem).stem}.net")
    path = relative(table, output.parent).as_posix()
    _require_free([output], arguments.force)
    if not output.parent.is_dir():
        raise GpubpError(f"there is no folder `{visible(str(output.parent))}` to write `{visible(str(output))}` to")
    made = text(found, output.name, path)
    if found.table.complete:  # reading all of a large table is left to `check`
        net = loads(made, str(output), base=output.parent)
        load_data(net.graph, net.base, 0)
    # It is written before anything is said: who reads that may leave after the first line.
    lines = _write({output: made.encode()}, arguments.force)
    print("\n".join([*found.said(), "", *lines]))
    shown = quoted(output)
    print(f"\n`gpubp check {shown}` shows its layers, `gpubp run {shown}` trains it")
    if arguments.target is None:
        print(f"`gpubp init {quoted(table)} --target NAME --force` predicts another column")
    return 0


def _require_free(paths: list[Path], force: bool) -> None:
    for path in paths:
        if path.exists() and (path.is_dir() or not force):
            help = "it is a folder" if path.is_dir() else "`--force` writes over it, `-o FILE` to another place"
            raise GpubpError(f"`{visible(str(path))}` already exists: {help}")


def _write(files: dict[Path, bytes], force: bool) -> list[str]:
    """Write all of them, or nothing where one would be lost; those that are there already, byte for byte, stay. A line
    for each says which it was."""
    wanted = {path: content for path, content in files.items() if not _same(path, content)}
    _require_free(list(wanted), force)
    for path, content in wanted.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GpubpError(f"cannot write `{visible(str(path))}`: {reason(error)}") from None
        write_output(path, content)
    return [f"{'wrote' if path in wanted else 'kept'} {visible(str(path))}" for path in files]


def _same(path: Path, content: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content
