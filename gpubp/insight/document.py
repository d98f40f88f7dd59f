"""A trace as plain data: what the command prints, what `--json` gives and what the page shows."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..health import Size, diagnose
from .trace import Line, Step, Trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 1_000_000
"""Arrays of up to so many numbers are given whole."""
FEW = 16
"""Of one with more numbers than these it is said what they are like, too."""
FIRST = 6
"""Numbers that are given of an array that is not given whole, the first in its order."""
_DIGITS = 6
"""Of the sizes of layers, as `health.jsonl` has them."""


def document(trace: Trace, layers: Sequence[Size] = (), rows: int = 0, most: int = MOST) -> dict[str, Any]:
    """The trace as dictionaries, lists, texts and numbers, ready for JSON. An array is its `shape` and all of its
    `values`, nested as it is, or, of one with more than `most` numbers, the `first` ones; one with more than 16 has its
    `min`, `max` and `mean`, too. A number has as many digits as tell it from others of its type: of float32, 0.1 is
    0.1, which the type makes the same number of again. What is not finite is a text. `layers`: their sizes over `rows`
    rows, to six digits."""

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
        "result": _rounded(size.result),
        "delta": None if size.delta is None else _rounded(size.delta),
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
    """How many numbers an array of a document has."""
    return math.prod(value["shape"])


def _summary(array: NDArray[Any], most: int) -> dict[str, Any]:
    """What is told of an array."""
    whole = array.size <= most
    given = array if whole else array.reshape(-1)[:FIRST]
    found = {"shape": list(array.shape), "values" if whole else "first": numbers(given)}
    if array.size > FEW:
        mean = array.mean(dtype="float64")
        known = array.min(), array.max(), mean.astype(array.dtype) if array.dtype.kind == "f" else mean
        found |= zip(("min", "max", "mean"), map(numbers, known), strict=True)
    return found


def numbers(array: Any) -> Any:
    """An array, or one number of it, as Python's numbers, each the shortest of those that its type does not tell
    apart."""
    if array.dtype == "float32":
        array = array.astype("S16").astype("float64")
    return _plain(array.tolist())


def _rounded(value: float) -> Any:
    return _plain(float(f"{value:.{_DIGITS}g}"))


def as_json(value: Any, indent: str = "") -> str:
    """A document as a text whose arrays each stand on one line."""
    inner = f"{indent}  "
    if isinstance(value, Mapping) and value:
        items = [f"{json.dumps(key, ensure_ascii=False)}: {as_json(one, inner)}" for key, one in value.items()]
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        items = [as_json(one, inner) for one in value]
    else:
        return json.dumps(value, ensure_ascii=False)
    first, last = "{}" if isinstance(value, Mapping) else "[]"
    return f"{first}\n{inner}{f',{chr(10)}{inner}'.join(items)}\n{indent}{last}"


def _plain(value: Any) -> Any:
    """Numbers as JSON has them: it knows no infinity."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)
