"""A table of a net's layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from dsl.graph import LayerGraph, Node, Type

from .layout import Layout


def summary(
    graph: LayerGraph, shapes: Mapping[Node, tuple[int, ...]], layout: Layout, flops: Mapping[Node, int] | None
) -> str:
    """One line for each value: its shape for one example, its trainable parameters, and the operation counts returned
    by `flops`."""
    rows = [["value", "function", "shape", "parameters"]]
    sizes = Counter[Node]()
    for parameter in layout.parameters.values():
        sizes[parameter.place] += parameter.size
    shown = [node for node in graph.nodes if node.kind not in ("target", "constant") and node in shapes]
    for node in shown:
        rows.append([node.name, node.kind, str(Type(shapes[node])), _count(sizes[node])])
    total = ["total", "", "", f"{sizes.total():,}"]
    if flops is None:
        rows.append(total)
    else:
        counts = [flops.get(node, 0) for node in shown]
        loss = sum(flops.values()) - sum(counts)
        rows += [["the loss", "", "", ""], total] if loss else [total]
        column = ["FLOP a row", *map(_count, [*counts, loss] if loss else counts), f"{sum(flops.values()):,}"]
        rows = [[*row, cell] for row, cell in zip(rows, column, strict=True)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = (
        [cell.rjust(w) if i >= 3 else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    )
    return "\n".join("  ".join(row).rstrip() for row in aligned)


def _count(number: int) -> str:
    return f"{number:,}" if number else ""
