"""`check FILE`: read and check everything, the data too, compute nothing."""

from __future__ import annotations

import argparse
import json

from dsl.diagnostics import Diagnostic
from dsl.render import to_json

from ..errors import NetError
from ..frontend import check_data, load
from .arguments import add_file
from .codes import Explain
from .color import say
from .nets import open_net, rows_of, warn
from .plan_table import with_plan

MAX_VALUES = 300
"""The plan of a net up to this size is made in a fraction of a second."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_file(parser)
    parser.add_argument(
        "--plan", action="store_true", help="show the cost of a step even for a large net, which takes seconds"
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON document")
    parser.add_argument(
        "--explain", action=Explain, metavar="CODE", help="explain an error code such as E0301, with an example"
    )


def work(arguments: argparse.Namespace) -> int:
    """Print the layers, or raise NetError; with `--json` print the findings."""
    if arguments.json:
        return _json(arguments)
    net = open_net(arguments)
    data = check_data(net)
    warn(data.warnings)
    if data.dataset is not None and data.dataset.left_out:
        print(f"rows: {rows_of(data.dataset)}\n")
    if len(net.graph.nodes) > MAX_VALUES and not arguments.plan:
        say(f"{net.summary()}\n\nthe plan of a net of {len(net.graph.nodes):,} values takes seconds: --plan shows it")
    else:
        say(with_plan(net, data.train_rows))
    if net.graph.train is not None:
        try:
            net.require_training()
        except NetError as error:
            say("".join(f"\n`gpubp run` needs more: {one.message}; {one.help[0]}" for one in error.diagnostics))
    return 0


def _json(arguments: argparse.Namespace) -> int:
    """Print the file's name and all findings, warnings too; returns the exit code."""
    diagnostics: tuple[Diagnostic, ...] = ()
    try:
        net = load(arguments.file, dict(arguments.set))
        diagnostics = net.warnings
        diagnostics = (*diagnostics, *check_data(net).warnings)
    except NetError as error:
        diagnostics = (*error.diagnostics, *diagnostics)
    print(json.dumps({"file": arguments.file, "diagnostics": [to_json(one) for one in diagnostics]}, indent=2))
    return 2 if any(one.severity == "error" for one in diagnostics) else 0
