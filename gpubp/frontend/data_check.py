"""A net's data read and checked, without training."""

from __future__ import annotations

from typing import Literal

from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.records import dataclass

from ..data import Dataset, check_split, measure
from ..data import load as load_data
from ..errors import DataError
from .early_stopping import watch_of
from .net import Net


@dataclass(frozen=True, slots=True)
class CheckedData:
    """Number of training rows, None for a net without data; warnings about the data; the data set itself, unless its
    rows stand in the file and are right at first sight."""

    train_rows: int | None = None
    warnings: tuple[Diagnostic, ...] = ()
    dataset: Dataset | None = None


def check_data(net: Net) -> CheckedData:
    """Read the data of a net's file. Raises DataError for data that is missing, unreadable or does not fit the net."""
    data = net.graph.rows
    if data is None:
        check_split(net.graph)
        return CheckedData()
    if net.inline:
        # Rows that stand in the file are measured without NumPy, whose import would take most of the time.
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
            return CheckedData(counts.pop())
        # What does not fit at first sight is looked at closely.
    dataset = load_data(net.graph, net.base, int(net.option("seed", 0)))
    watch_of(net, dataset.parts)
    return CheckedData(len(dataset.parts["train"]), dataset.warnings, dataset)
