"""`check FILE`: read and check everything, the data too, compute nothing."""

from __future__ import annotations

import argparse
import json
from importlib import import_module

from dsl.diagnostics import Diagnostic
from dsl.render import to_json

from ..errors import NetError
from ..frontend import Net, check_data, load_set, start_of
from ..memory import free_memory
from .arguments import add_file
from .codes import Explain
from .color import say, say_table
from .nets import open_net, rows_of, warn
from .plan_table import layers_and_costs

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
    _check_start(net)
    if data.dataset is not None and data.dataset.left_out:
        print(f"rows: {rows_of(data.dataset)}\n")
    if len(net.graph.nodes) > MAX_VALUES and not arguments.plan:
        table = net.summary()
        costs = f"the plan of a net of {len(net.graph.nodes):,} values takes seconds: --plan shows it"
    else:
        table, costs = layers_and_costs(net, data.train_rows)
    say_table(table)
    say(f"\n{costs}")
    for one in _run_needs(net):
        say(f"\n`gpubp run` needs more: {one.message}; {one.help[0]}")
    return 0


def _json(arguments: argparse.Namespace) -> int:
    """Print the file's name, all findings, warnings too, and what `run` still needs; returns the exit code."""
    found, needs = tuple[Diagnostic, ...](), tuple[Diagnostic, ...]()
    try:
        net = load_set(arguments.file, dict(arguments.set))
        found = net.warnings
        found = (*found, *check_data(net).warnings)
        _check_start(net)
        needs = _run_needs(net)
    except NetError as error:
        found = (*error.diagnostics, *found)
    lists = {"diagnostics": [*map(to_json, found)], "run_needs": [*map(to_json, needs)]}
    print(json.dumps({"file": arguments.file, **lists}, indent=2))
    return 2 if any(one.severity == "error" for one in found) else 0


def _check_start(net: Net) -> None:
    """Read the weights to start from, if there are any. Raises NetError."""
    if start_of(net) is not None:
        # Loaded only here: it would add a sixth to the start of the command.
        weights = import_module("..executor.initial_weights", __package__)
        weights.initial_weights(net, net.dtype, free_memory)


def _run_needs(net: Net) -> tuple[Diagnostic, ...]:
    """What a file that trains, and has no error, lacks for `gpubp run`: data, or a length."""
    if net.graph.train is None:
        return ()
    try:
        net.require_training()
    except NetError as error:
        return error.diagnostics
    return ()
