"""`explain FILE`: a step of training on one example, layer by layer: values, formulas, gradients, the update. Of a file
without `train` it is the forward pass; where there is no data, the examples are drawn."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from dsl.excerpt import visible

from ..errors import GpubpError, NetError
from ..health import sizes
from ..insight import DIGITS, FEW, MOST, PAGED, as_html, as_json, as_text, document, drawn, trace, whole_text
from .color import say
from .common import whole
from .output import write_output
from .subject import Subject, add_subject, open_subject

MOST_DIGITS = 15
"""A number of float64 has no more digits that are all its own."""
MANY = 256
"""Rows that the sizes of the layers are taken over, where a batch is not larger, and that are drawn where there is no
data."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_subject(parser)
    parser.add_argument(
        "--example", type=whole(1), default=1, metavar="N", help="the training row to follow, from 1 (default: 1)"
    )
    parser.add_argument(
        "--step", type=whole(0), default=0, metavar="N", help="train so many steps first (default: 0); not with a run"
    )
    parser.add_argument(
        "--digits", type=whole(1), metavar="N", help=f"digits of each number, up to {MOST_DIGITS} (default: {DIGITS})"
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--html", metavar="OUT", help="write a page to step through, which needs no network")
    shown.add_argument(
        "--json",
        action="store_true",
        help=f"print one JSON document with every number (of an array of more than {MOST:,} the first)",
    )
    shown.add_argument(
        "--show",
        metavar="NAME",
        action="append",
        help="print all numbers of what is called so: `z1`, `dL/dW2`, a parameter, a layer (may be given many times)",
    )


def work(arguments: argparse.Namespace) -> int:
    """Print the step; raises GpubpError."""
    if arguments.digits is not None and (arguments.json or arguments.html is not None):
        raise GpubpError("`--digits` is for what is printed; a page and a JSON document have all digits")
    digits = arguments.digits or DIGITS
    if digits > MOST_DIGITS:
        raise GpubpError(f"`--digits` goes up to {MOST_DIGITS}; `--json` tells each number from all others")
    subject = open_subject(arguments)
    told, about = explained(subject, arguments)
    if arguments.json:
        print(as_json(told))
    elif arguments.html is not None:
        # The name of a file may hold what is no text.
        page = as_html(told, about).encode(errors="backslashreplace")
        write_output(Path(arguments.html), page)
        print(f"wrote {visible(arguments.html)}: {about}")
    elif arguments.show:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        say(f"{about}\n\n{whole_text(told, [*map(visible, arguments.show)], width, digits)}")
    else:
        say(f"{about}\n\n{as_text(told, digits)}")
    return 0


def explained(subject: Subject, arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """The document of the step that the arguments ask for, and a line that says which one that is."""
    executor, number, given = subject.executor, arguments.example, subject.rows is not None
    if not executor.net.graph.inputs:
        name = visible(executor.net.graph.source.name)
        raise GpubpError(f"`{name}` has no inputs, so there is no example to follow through it")
    if not given:
        subject = replace(subject, rows=drawn(executor.net, MANY))
    assert subject.rows is not None
    count = subject.count
    if number > count:
        there = f"the training data has {count:,} rows" if given else f"without `data` {count:,} are drawn"
        raise GpubpError(f"there is no example {number:,}: {there}")
    batch = min(int(executor.net.option("batch", 32)), count)
    if arguments.step:
        executor.net.require_training(epochs=1)
        if executor.step:
            raise GpubpError("`--step` cannot be given with a run: name one of its checkpoints for another step")
        executor.run_steps(executor.place(subject.rows), arguments.step, batch)
    rows = subject.batch(number - 1, 1)
    try:
        found = trace(executor, rows, subject.words)
    except NetError:
        # Statistics of a batch need several rows.
        first = min(number - 1, count - batch)
        rows = subject.batch(first, batch)
        rows = {name: _begin_with(array, number - 1 - first) for name, array in rows.items()}
        found = trace(executor, rows, subject.words)
    many = subject.batch(0, max(batch, min(count, MANY)))
    # A text shows the first few of a large array: to turn all into Python's numbers would take most of its time.
    most = PAGED if arguments.html is not None else MOST if arguments.json or arguments.show else FEW
    told = document(found, sizes(executor, many), max(batch, min(count, MANY)), most)
    told = {"example": number, **told, "file": arguments.file}
    after = f" after {arguments.step:,} step{'s' * (arguments.step > 1)}" if arguments.step else ""
    which = f"example {number:,} of {count:,}" if given else f"drawn example {number:,}"
    if found.rows > 1:
        which += f", in a batch of {found.rows:,} rows whose statistics it shares"
    return told, f"{subject.about}{after}: {which}; {executor.dtype}"


def _begin_with(array: Any, row: int) -> Any:
    """The rows with one of them in front."""
    return array[[row, *(i for i in range(len(array)) if i != row)]]
