"""Names of loss and metric values, such as `valid.loss` and `train.penalty`, and properties of the metrics."""

from __future__ import annotations

from dsl.graph import LayerGraph

from ..registry import ENTRIES, Entry


def figures(graph: LayerGraph) -> list[str]:
    """The scalar values computed after each epoch, if there is a validation part."""
    metrics = [name for name in _metrics(graph) if name not in tables(graph)]
    return [*(f"valid.{name}" for name in ("loss", *metrics, "penalty")), "train.loss", "train.penalty"]


def tables(graph: LayerGraph) -> frozenset[str]:
    """The metrics that are tables, not scalars."""
    return frozenset(name for name, entry in _metrics(graph).items() if entry is not None and entry.table)


def higher_is_better(graph: LayerGraph, figure: str) -> bool:
    """Whether higher is better, according to the metric's definition."""
    entry = _metrics(graph).get(figure.partition(".")[2])
    return entry is not None and entry.rising


def _metrics(graph: LayerGraph) -> dict[str, Entry | None]:
    """The file's metrics by name, with their definitions; None for a plain value."""
    return {name: ENTRIES.get((node.part, node.kind)) for name, node in graph.metrics}
