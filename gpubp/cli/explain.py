"""`explain FILE`: a step of training on one example, layer by layer: values, formulas, gradients, the update. Of a file
without `train` it is the forward pass; where there is no data, the examples are drawn."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from dsl.excerpt import visible

from ..errors import GpubpError
from ..insight import DIGITS, FEW, MOST, PAGED, as_html, as_json, as_text, explained, whole_text
from .arguments import whole
from .color import say
from .net_or_run import add_net_or_run, open_net_or_run
from .output import ends_otherwise, write_output

MAX_DIGITS = 15
"""A number of float64 has no more digits that are all its own."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_net_or_run(parser)
    parser.add_argument(
        "--example",
        type=whole(1),
        default=1,
        metavar="N",
        help="the training row to trace, counted from 1 (default: 1)",
    )
    parser.add_argument(
        "--step", type=whole(0), default=0, metavar="N", help="train N steps first (default: 0); not for a run"
    )
    parser.add_argument(
        "--digits", type=whole(1), metavar="N", help=f"significant digits, up to {MAX_DIGITS} (default: {DIGITS})"
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--html", metavar="OUT", help="write an interactive page that works offline")
    shown.add_argument(
        "--json",
        action="store_true",
        help=f"print one JSON document with every number (the first {MOST:,} of a larger array)",
    )
    shown.add_argument(
        "--show",
        metavar="NAME",
        action="append",
        help="print all numbers of a value (`z1`), a gradient (`dL/dW2`), a parameter, a layer or `loss` (may be "
        "repeated)",
    )


def work(arguments: argparse.Namespace) -> int:
    """Print the step; raises GpubpError."""
    if arguments.digits is not None and (arguments.json or arguments.html is not None):
        raise GpubpError("`--digits` is for what is printed; a page and a JSON document have all digits")
    if arguments.html and ends_otherwise(Path(arguments.html), (".html", ".htm", "")):
        raise GpubpError(f"`{visible(arguments.html)}` is not an .html file, and `--html` writes a page")
    digits = arguments.digits or DIGITS
    if digits > MAX_DIGITS:
        raise GpubpError(f"`--digits` goes up to {MAX_DIGITS}; `--json` tells each number from all others")
    # A text shows the first few of a large array: to turn all into Python's numbers would take most of its time.
    most = PAGED if arguments.html is not None else MOST if arguments.json or arguments.show else FEW
    document, about = explained(open_net_or_run(arguments), arguments.example, steps=arguments.step, most=most)
    document["file"] = arguments.file
    if arguments.json:
        print(as_json(document))
    elif arguments.html is not None:
        # The name of a file may hold what is no text.
        page = as_html(document, about).encode(errors="backslashreplace")
        write_output(Path(arguments.html), page)
        print(f"wrote {visible(arguments.html)}: {about}")
    elif arguments.show:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        say(f"{about}\n\n{whole_text(document, [*map(visible, arguments.show)], width, digits)}")
    else:
        say(f"{about}\n\n{as_text(document, digits)}")
    return 0
