"""`export RUN`: a trained net as one C file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dsl.excerpt import visible

from ..training import exported, function_name, identifier, load_run, source_name
from .output import write_output


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    parser.add_argument("run", metavar="RUN", help="a run's folder, or one checkpoint in it")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the .c file to write, after which its function is named (default: standard output)",
    )


def work(arguments: argparse.Namespace) -> int:
    """Print or write the file; raises GpubpError."""
    output = None if arguments.output is None else Path(arguments.output)
    name = None if output is None else function_name(output)
    run = load_run(arguments.run, "cpu")
    text = exported(run, name or identifier(Path(source_name(run.net)).stem))
    if output is None:
        sys.stdout.write(text)
        return 0
    write_output(output, text.encode())
    print(f"wrote {visible(str(output))}: {max(len(text) // 1000, 1):,} kB; how to call it stands at the top")
    return 0
