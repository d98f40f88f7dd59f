"""`check FILE`: read and check everything, the data too, compute nothing."""

from __future__ import annotations

import argparse
import json
from typing import Literal

from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.render import to_json

from ..data import check_split, measure
from ..data import load as load_data
from ..errors import DataError, NetError
from ..frontend import Net, load, watch_of
from .codes import Explain
from .color import say
from .common import add_file, open_net, rows_of, warn
from .plan_table import with_plan

MOST_VALUES = 300
"""The plan of a net up to this size is made in a fraction of a second."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_file(parser)
    parser.add_argument(
        "--plan", action="store_true", help="show what a step costs for a large net too, which takes seconds"
    )
    parser.add_argument("--json", action="store_true", help="print what is found as one JSON document")
    parser.add_argument(
        "--explain", action=Explain, metavar="CODE", help="say what a code such as E0301 means, with an example"
    )


def work(arguments: argparse.Namespace) -> int:
    """Print the layers, or raise NetError; with `--json` print the findings."""
    if arguments.json:
        return _json(arguments)
    net = open_net(arguments)
    rows, odd, told = _check_data(net)
    warn(odd)
    if told:
        print(f"rows: {told}\n")
    if len(net.graph.nodes) > MOST_VALUES and not arguments.plan:
        say(f"{net.summary()}\n\nthe plan of a net of {len(net.graph.nodes):,} values takes seconds: --plan shows it")
        return 0
    say(with_plan(net, rows))
    return 0


def _json(arguments: argparse.Namespace) -> int:
    """Print the file's name and all findings, warnings too; returns the exit code."""
    found: tuple[Diagnostic, ...] = ()
    try:
        net = load(arguments.file, dict(arguments.set))
        found = net.warnings
        found = (*found, *_check_data(net)[1])
    except NetError as error:
        found = (*error.diagnostics, *found)
    print(json.dumps({"file": arguments.file, "diagnostics": [to_json(one) for one in found]}, indent=2))
    return 2 if any(one.severity == "error" for one in found) else 0


def _check_data(net: Net) -> tuple[int | None, tuple[Diagnostic, ...], str]:
    """Rows of the training data, what is odd about the data, and what is to be said of its rows. Raises DataError for
    data that is missing, unreadable or does not fit."""
    data = net.graph.rows
    if data is None:
        check_split(net.graph)
        return None, (), ""
    if net.inline:
        # Rows that stand in the file are measured without NumPy, whose import would take most of this command's time.
        nodes = (*net.graph.inputs, *net.graph.targets)
        wanted: dict[str, Literal["float", "class"]] = {
            node.label or node.name: "class" if node.type is not None and node.type.classes is not None else "float"
            for node in nodes
        }
        try:
            found = measure(data, wanted, net.base)
        except DiagnosticError as error:
            raise DataError(error.diagnostics) from None
        counts = {len(entry.value) for entry in data.entries if isinstance(entry.value, tuple)}
        if len(counts) == 1 and data.split is None and all(found[n.label or n.name] == n.type for n in nodes):
            watch_of(net, ("train",))
            return counts.pop(), (), ""
        # What does not fit at first sight is looked at closely.
    dataset = load_data(net.graph, net.base, int(net.option("seed", 0)))
    watch_of(net, dataset.parts)
    return len(dataset.parts["train"]), dataset.warnings, rows_of(dataset) if dataset.left_out else ""
