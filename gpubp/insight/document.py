"""A trace as plain data: the source of the printed text, of `--json` and of the page."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..health import Size, diagnose
from ..strict_json import finite, rounded
from .formulas import FEW, FIRST
from .trace import Line, Step, Trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 1_000_000
"""Maximum elements of an array that is included in full."""


def document(trace: Trace, layers: Sequence[Size] = (), rows: int = 0, most: int = MOST) -> dict[str, Any]:
    """The trace as dictionaries, lists, strings and numbers, ready for JSON. An array is its `shape` and its nested
    `values`, or with more than `most` elements, the `first` few; with more than 16, also its `min`, `max` and `mean`.
    Numbers are the shortest that round-trip in their dtype: 0.1 in float32 is 0.1. Non-finite numbers are strings.
    `layers`: the magnitudes of the layers over `rows` rows, to six digits."""

    def summary(array: NDArray[Any]) -> dict[str, Any]:
        return _summary(array, most)

    def line(one: Line) -> dict[str, Any]:
        return {
            "name": one.name,
            "formula": one.formula,
            "about": one.about,
            "inner": list(one.inner),
            "value": summary(one.value),
        }

    return {
        "file": trace.net.graph.source.name,
        "precision": trace.dtype,
        "step": trace.number,
        "rows": trace.rows,
        "feeds": list(map(line, trace.feeds)),
        "layers": [_layer(step, line) for step in trace.steps],
        "loss": list(map(line, trace.loss)),
        "gradients": {name: summary(value) for name, value in trace.gradients.items()},
        "update": {
            "formulas": list(trace.update),
            "parameters": {
                one.parameter: {
                    "before": summary(one.before),
                    "change": summary(one.after - one.before),
                    "after": summary(one.after),
                    "kept": {
                        name: {"before": summary(before), "after": summary(after)}
                        for name, (before, after) in one.kept.items()
                    },
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
        "result": rounded(size.result),
        "delta": None if size.delta is None else rounded(size.delta),
        "dead": size.dead,
        "saturated": size.saturated,
    }


def _layer(step: Step, line: Callable[[Line], dict[str, Any]]) -> dict[str, Any]:
    return {
        "number": step.layer.number,
        "name": step.layer.name,
        "text": step.layer.text,
        "functions": [node.kind for node in step.layer.nodes],
        "result": step.result,
        "delta": step.delta,
        "forward": list(map(line, step.forward)),
        "backward": list(map(line, step.backward)),
    }


def count_of(value: Mapping[str, Any]) -> int:
    """The number of elements of an array in a document."""
    return math.prod(value["shape"])


def _summary(array: NDArray[Any], most: int) -> dict[str, Any]:
    """An array in a document."""
    complete = array.size <= most
    listed = array if complete else array.reshape(-1)[:FIRST]
    summary = {"shape": list(array.shape), "values" if complete else "first": numbers(listed)}
    if array.size > FEW:
        mean = array.mean(dtype="float64")
        statistics = array.min(), array.max(), mean.astype(array.dtype) if array.dtype.kind == "f" else mean
        summary |= zip(("min", "max", "mean"), map(numbers, statistics), strict=True)
    return summary


def numbers(array: Any) -> Any:
    """An array, or a scalar, as Python numbers: the shortest that round-trip in its dtype."""
    if array.dtype == "float32":
        array = array.astype("S32").astype("float64")
    return finite(array.tolist())


def as_json(value: Any, indent: str = "") -> str:
    """A document as JSON, with each array on one line."""
    inner = f"{indent}  "
    if isinstance(value, Mapping) and value:
        items = [f"{json.dumps(key, ensure_ascii=False)}: {as_json(one, inner)}" for key, one in value.items()]
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        items = [as_json(one, inner) for one in value]
    else:
        return json.dumps(value, ensure_ascii=False)
    first, last = "{}" if isinstance(value, Mapping) else "[]"
    return f"{first}\n{inner}{f',{chr(10)}{inner}'.join(items)}\n{indent}{last}"
