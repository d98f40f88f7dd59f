"""A net's data read, and what a training requires of it checked, without training."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Literal

from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.graph import Static
from dsl.records import dataclass

from ..data import LARGEST_SINGLE, Dataset, check_split, measure
from ..data import load as load_data
from ..errors import DataError
from .net import Net
from .programs import build
from .training_checks import length_of, require_parts
from .warm_start import require_start


@dataclass(frozen=True, slots=True)
class CheckedData:
    """Number of training rows, None for a net without data; warnings about the data; the data set itself, unless its
    rows stand in the file and are right at first sight."""

    train_rows: int | None = None
    warnings: tuple[Diagnostic, ...] = ()
    dataset: Dataset | None = None


def check_data(net: Net) -> CheckedData:
    """Read the data of a net's file, and check whether it can be trained on. Raises DataError for data that is missing,
    unreadable or does not fit the net, NetError for a training that it, or other files, do not allow."""
    require_start(net)
    if net.graph.rows is None:
        check_split(net.graph)
        return CheckedData()
    rows = _rows_at_first_sight(net) if net.inline else None
    if rows is not None:
        _check_training(net, {"train": range(rows)})
        return CheckedData(rows)
    dataset = load_data(net.graph, net.base, int(net.option("seed", 0)))
    _check_training(net, dataset.parts)
    return CheckedData(len(dataset.parts["train"]), dataset.warnings, dataset)


def _rows_at_first_sight(net: Net) -> int | None:
    """The number of rows that stand in the file, None where they need to be looked at closely: they are measured
    without NumPy, whose import would take most of the time."""
    data, nodes = net.graph.rows, (*net.graph.inputs, *net.graph.targets)
    assert data is not None
    wanted: dict[str, Literal["float", "class"]] = {
        node.name: "class" if node.type is not None and node.type.classes is not None else "float" for node in nodes
    }
    try:
        found = measure(data, wanted, net.base)
    except DiagnosticError as error:
        raise DataError(error.diagnostics) from None
    counts = {len(entry.value) for entry in data.entries if isinstance(entry.value, tuple)}
    fits = data.split is None and all(found[node.name] == node.type for node in nodes)
    small = all(_largest(entry.value) < LARGEST_SINGLE for entry in data.entries if isinstance(entry.value, tuple))
    return counts.pop() if len(counts) == 1 and fits and small else None


def _largest(rows: Static) -> float:
    """The largest magnitude of the numbers of a list."""
    if isinstance(rows, tuple):
        return max(map(_largest, rows), default=0)
    return abs(rows) if isinstance(rows, int | float) else 0


def _check_training(net: Net, parts: Mapping[str, Sized]) -> None:
    """Raise NetError if the file trains, and cannot on these parts of its data."""
    if net.graph.train is None:
        return
    require_parts(net, parts)
    rows = len(parts["train"])
    batch, per_epoch, steps = length_of(net, rows)
    ends_an_epoch = not 0 < steps < per_epoch
    if min(batch, rows) == 1 or (ends_an_epoch and rows % batch == 1):
        # Layers were traced with two rows; some refuse a single one.
        build(net, "gradients", 1, net.dtype, passes=False)
