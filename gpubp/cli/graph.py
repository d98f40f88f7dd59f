"""`graph FILE`: the net as a picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dsl.excerpt import visible

from ..errors import GpubpError
from ..frontend import Net
from ..picture import graph, page
from ..training import net_of
from .arguments import add_file
from .nets import names_run, open_net
from .output import ends_otherwise, write_output
from .quoting import quoted


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_file(parser, help="a .net file, a run's folder, or a checkpoint in it")
    parser.add_argument(
        "--expand",
        metavar="NAME",
        action="append",
        default=[],
        help="expand blocks and layers of this name, `all` to expand everything (may be repeated)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="the .svg or .html file to write (default: SVG to standard output, unless that is a terminal)",
    )


def work(arguments: argparse.Namespace) -> int:
    """Print or write the picture; raises GpubpError."""
    output = None if arguments.output is None else Path(arguments.output)
    if output is not None and ends_otherwise(output, (".svg", ".html", ".htm")):
        raise GpubpError(f"`{visible(str(output))}` is neither an .svg nor an .html file")
    if output is None and sys.stdout.isatty():
        name = quoted(f"{Path(arguments.file).resolve().stem}.svg")
        raise GpubpError(
            f"a terminal shows no picture: `-o {name}` writes one, or a page with `.html`; "
            "`gpubp check` lists the layers as text"
        )
    drawn = graph(_net(arguments), arguments.expand)
    if output is None:
        sys.stdout.write(drawn.svg())
        return 0
    if output.suffix.lower() in (".html", ".htm"):
        about = "Shapes are those of one example." + (" Closed blocks are opened below." if drawn.closed else "")
        write_output(output, page(drawn.title, about, drawn.html()).encode())
    else:
        write_output(output, drawn.svg().encode())
    print(f"wrote {visible(str(output))}: {drawn.title}")
    return 0


def _net(arguments: argparse.Namespace) -> Net:
    path = Path(arguments.file)
    if names_run(path):
        if arguments.set:
            raise GpubpError("`--set` cannot be given with a run: its params are those that it was trained with")
        return net_of(path)
    return open_net(arguments)
