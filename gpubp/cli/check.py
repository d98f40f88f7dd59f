"""`check FILE`: read and check everything, the data too, compute nothing."""

from __future__ import annotations

import argparse
from typing import Literal

from dsl.diagnostics import DiagnosticError

from ..data import load as load_data
from ..data import measure
from ..errors import DataError
from ..frontend import Net
from .common import add_file, open_net


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_file(parser)


def work(arguments: argparse.Namespace) -> int:
    """Print the layers, or raise NetError."""
    net = open_net(arguments)
    if net.graph.data is not None:
        _check_data(net)
    print(net.summary())
    return 0


def _check_data(net: Net) -> None:
    """Raise DataError for data that is missing, unreadable or of the wrong shape."""
    data = net.graph.data
    assert data is not None
    if not net.inline:
        load_data(net.graph, net.base, int(net.option("seed", 0)))
        return
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
    if any(node.type is not None and found[node.label or node.name].shape != node.type.shape for node in nodes):
        load_data(net.graph, net.base, int(net.option("seed", 0)))
