"""`export RUN`: a trained net as a C file or an ONNX model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dsl.excerpt import visible

from ..training import c_text, check_suffix, exported, identifier, load_run, source_name
from .output import write_output


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    parser.add_argument("run", metavar="RUN", help="a run's folder, or a checkpoint in it")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the .c or .onnx file to write; a C function is named after it (default: C, to standard output)",
    )


def work(arguments: argparse.Namespace) -> int:
    """Print or write the file; raises GpubpError."""
    output = None if arguments.output is None else Path(arguments.output)
    if output is None:
        run = load_run(arguments.run, "cpu")
        sys.stdout.write(c_text(run, identifier(Path(source_name(run.net)).stem)))
        return 0
    check_suffix(output)
    content = exported(load_run(arguments.run, "cpu"), output)
    write_output(output, content)
    how = "the top of the file says how to call it" if output.suffix.lower() == ".c" else "for any number of rows"
    print(f"wrote {visible(str(output))}: {max(len(content) // 1000, 1):,} kB; {how}")
    return 0
