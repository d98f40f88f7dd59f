"""A trace as plain data: what the command prints, what `--json` gives and what the page shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..health import Size, diagnose
from .trace import Line, Step, Trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHOLE = 16
"""Arrays of up to so many numbers are given whole."""
FIRST = 6
"""Numbers that are given of a larger one, the first in its order."""


def document(trace: Trace, layers: Sequence[Size] = (), rows: int = 0) -> dict[str, Any]:
    """The trace as dictionaries, lists, texts and numbers, ready for JSON. An array is its `shape` and all of its
    `values`, nested as it is; a large one the `first` ones and its `min`, `max` and `mean`. What is not finite is a
    text. `layers`: their sizes over `rows` rows."""
    return {
        "file": trace.net.graph.source.name,
        "precision": trace.dtype,
        "step": trace.number,
        "rows": trace.rows,
        "feeds": [_line(line) for line in trace.feeds],
        "layers": [_layer(step) for step in trace.steps],
        "loss": [_line(line) for line in trace.loss],
        "gradients": {name: summary(value) for name, value in trace.gradients.items()},
        "update": {
            "formulas": list(trace.update),
            "parameters": {
                one.parameter: {
                    "before": summary(one.before),
                    "change": summary(one.after - one.before),
                    "after": summary(one.after),
                }
                for one in trace.changes
            },
        },
        "health": {
            "rows": rows,
            "layers": [_size(size) for size in layers],
            "findings": [asdict(finding) for finding in diagnose(trace.net, layers)],
        },
    }


def _size(size: Size) -> dict[str, Any]:
    return {
        "number": size.layer.number,
        "name": size.layer.name,
        "result": _plain(size.result),
        "delta": _plain(size.delta),
        "dead": size.dead,
        "saturated": size.saturated,
    }


def _layer(step: Step) -> dict[str, Any]:
    return {
        "number": step.layer.number,
        "name": step.layer.name,
        "text": step.layer.text,
        "functions": [node.kind for node in step.layer.nodes],
        "result": step.result,
        "delta": step.delta,
        "forward": [_line(line) for line in step.forward],
        "backward": [_line(line) for line in step.backward],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "name": line.name,
        "formula": line.formula,
        "about": line.about,
        "inner": list(line.inner),
        "value": summary(line.value),
    }


def summary(array: NDArray[Any]) -> dict[str, Any]:
    """What is shown of an array."""
    shape = list(array.shape)
    if array.size <= WHOLE:
        return {"shape": shape, "values": _plain(array.tolist())}
    return {
        "shape": shape,
        "first": _plain(array.reshape(-1)[:FIRST].tolist()),
        "min": _plain(array.min().item()),
        "max": _plain(array.max().item()),
        "mean": _plain(array.mean(dtype="float64").item()),
    }


def _plain(value: Any) -> Any:
    """Numbers as JSON has them: it knows no infinity."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)
