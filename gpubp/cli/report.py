"""`report RUN`: one page with all that is known of a run."""

from __future__ import annotations

import argparse
from pathlib import Path

from dsl.excerpt import visible

from ..errors import GpubpError
from ..picture.report import report
from ..training import folder_of
from .output import ends_otherwise, write_output


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    parser.add_argument("run", metavar="RUN", help="a run's folder, or a checkpoint in it")
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="the .html page to write (default: report.html in the run's folder)"
    )


def work(arguments: argparse.Namespace) -> int:
    """Write the page; raises GpubpError."""
    run = Path(arguments.run)
    output = folder_of(run) / "report.html" if arguments.output is None else Path(arguments.output)
    if ends_otherwise(output, (".html", ".htm", "")):
        raise GpubpError(f"`{visible(str(output))}` is not an .html file, and a report is a page")
    text = report(run)
    write_output(output, text.encode())
    print(f"wrote {visible(str(output))}: it needs no network")
    return 0
