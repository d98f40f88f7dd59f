"""A trace as text for a terminal: the formulas of every layer, with numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ..wording import counted
from .document import count_of
from .formulas import FEW, FIRST

_FORWARD = "examples are rows and W is [in, out]: z = a @ W + b; @ is the matrix product, * works element by element;"
_BETWEEN = "t1, t2 ... stand for what is between"
_KEPT = "a prime marks the new value of a running statistic, which evaluation uses in place of the batch's own"
_BACKWARD = f"delta is dL/dz of a layer, dL/da of one without an activation; {_BETWEEN}"
_NO_LOSS = (
    "no loss, so nothing comes back and nothing is updated:",
    "  `train { ... }` with the lines `loss = ...` and `optimizer = sgd(lr = 0.1)` in it gives both",
)
_WORDS = {
    "t": "t, the number of this update, from 1",
    "step": "step, the batches before this one",
    "rate_scale": "rate_scale, a factor of the rate, 1 until `plateau` or `set_counters` changes it",
    "epoch_steps": "epoch_steps and total_steps, the batches of an epoch and of the training",
}
"""Explanations of the symbols that the formulas of an update take from the training."""
_LOSSES = {
    "sigmoid_cross_entropy": "sigmoid_cross_entropy(z, y) = log(1 + exp(z)) - y * z, which is "
    "-(y * log(a) + (1 - y) * log(1 - a)) for a = sigmoid(z)",
    "log_softmax": "log_softmax(z) = z - log(sum(exp(z))), which is log(a) for a = softmax(z)",
}
"""Explanations of the stable forms of losses, which replace the loss of an activation in the file."""
DIGITS = 4
"""Default number of significant digits."""
_WIDEST = 56
"""Maximum characters of a formula that has its value on the same line."""


def as_text(document: Mapping[str, Any], digits: int = DIGITS) -> str:
    """The text of a document (gpubp.insight.document), with `digits` significant digits."""
    parts = ["\n".join((*notation(document), *_cut(document))), block(document["feeds"], digits)]
    parts += ["forward", *(_titled(layer, layer["forward"], digits) for layer in document["layers"])]
    if document["loss"]:
        parts.append("\n".join(("the loss", block(document["loss"], digits), *_stable(document["loss"]))))
        back = [one for one in reversed(document["layers"]) if one["backward"]]
        parts += ["backward", *(_titled(one, one["backward"], digits) for one in back)]
        parts.append("\n".join(("the update", *_update(document["update"], digits))))
    else:
        parts.append("\n".join(_NO_LOSS))
    if document["health"]["layers"]:
        parts.append("\n".join(_health(document["health"])))
    return "\n\n".join(parts)


def notation(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Explanations of the notation, forward and backward."""
    signs = _FORWARD, _BACKWARD if document["loss"] else _BETWEEN
    primed = any(line["name"].endswith("'") for layer in document["layers"] for line in layer["forward"])
    return (*signs[:-1], f"{signs[-1]};", _KEPT) if primed else signs


def _cut(document: Mapping[str, Any]) -> Iterator[str]:
    """If arrays are abbreviated, the hint how to see them in full."""
    lines = (
        *document["feeds"],
        *(line for layer in document["layers"] for line in (*layer["forward"], *layer["backward"])),
    )
    for line in lines:
        if count_of(line["value"]) > FEW:
            yield f"of more than {FEW} numbers the first {FIRST} are shown: `--show {line['name']}` shows all"
            return


def _titled(layer: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], digits: int) -> str:
    return f"layer {layer['number']}, {layer['name']}: {layer['text']}\n{block(lines, digits)}"


def _stable(lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Explanations of the stable forms that occur in some formulas."""
    formulas = " ".join(line["formula"] for line in lines)
    yield from (f"  with {meant}" for name, meant in _LOSSES.items() if f"{name}(" in formulas)


def block(lines: Sequence[Mapping[str, Any]], digits: int) -> str:
    """Lines with their values in one column."""
    heads = [head(line) for line in lines]
    width = max((len(title) for title in heads if len(title) <= _WIDEST), default=0)
    out = []
    for title, line in zip(heads, lines, strict=True):
        out += [f"  {title}", *(f"      {inner}" for inner in line["inner"])]
        value = shown(line["value"], digits)
        if line["inner"] or len(title) > _WIDEST:
            out.append(f"  {' ' * width}  {value}")
        else:
            out[-1] = f"  {title.ljust(width)}  {value}"
    return "\n".join(out)


def head(line: Mapping[str, Any]) -> str:
    """The part of a line before its numbers."""
    if line["formula"]:
        return f"{line['name']} = {line['formula']}"
    return f"{line['name']}  {line['about']}".rstrip()


def meanings(formulas: Sequence[str]) -> str:
    """Explanations of the symbols in the formulas of an update."""
    joined = " ".join(formulas)
    words = (text for name, text in _WORDS.items() if re.search(rf"\b{name}\b", joined))
    return "; ".join(("g = dL/dw", *words, "a prime marks a new value"))


def _update(update: Mapping[str, Any], digits: int) -> Iterator[str]:
    if not update["parameters"]:
        yield "  nothing is trained"
        return
    yield from (f"  {line}" for line in update["formulas"])
    yield f"  with {meanings(update['formulas'])}"
    width = max(map(len, update["parameters"]))
    for name, one in update["parameters"].items():
        if count_of(one["before"]) > FEW:
            yield f"  {name.ljust(width)}  changes by {shown(one['change'], digits)}"
            continue
        yield f"  {name.ljust(width)}  {_becomes(one, digits)}"
        yield from (f"    {kept.ljust(width)}{_becomes(change, digits)}" for kept, change in one["kept"].items())


def _becomes(one: Mapping[str, Any], digits: int) -> str:
    before = shown(one["before"], digits)
    same = one["before"] == one["after"]
    return f"{before} stays as it is" if same else f"{before} becomes {shown(one['after'], digits)}"


def _health(health: Mapping[str, Any]) -> Iterator[str]:
    """The magnitudes of results and deltas, and the findings about them."""
    back = any(one["delta"] is not None for one in health["layers"])
    rows = [("layer", "", "result", "delta" if back else "")]
    for one in health["layers"]:
        delta = "" if one["delta"] is None else number(one["delta"])
        rows.append((str(one["number"]), one["name"], number(one["result"]), delta))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield f"the layers over {counted(health['rows'], 'row')}: root mean squares"
    for at, name, result, delta in rows:
        cells = (at.rjust(widths[0]), name.ljust(widths[1]), result.rjust(widths[2]), delta.rjust(widths[3]))
        yield f"  {'  '.join(cells)}".rstrip()
    for finding in health["findings"]:
        yield f"\n{finding['message']}"
        yield from (f"  help: {line}" for line in finding["help"])


def shown(value: Mapping[str, Any], digits: int = DIGITS) -> str:
    """An array as text: its elements, or its shape, range, mean and first elements."""
    if count_of(value) <= FEW:
        return _listed(value["values"], digits)
    low, high, mean = (number(value[key], digits) for key in ("min", "max", "mean"))
    first = ", ".join(number(one, digits) for one in islice(_flat(value.get("first", value.get("values"))), FIRST))
    return f"{value['shape']} {low} to {high}, mean {mean}: {first}, ..."


def _flat(values: Any) -> Iterator[Any]:
    """The elements of a nested list, in row-major order."""
    if isinstance(values, list):
        for one in values:
            yield from _flat(one)
    else:
        yield values


def _listed(values: Any, digits: int) -> str:
    if isinstance(values, list):
        return f"[{', '.join(_listed(one, digits) for one in values)}]"
    return number(values, digits)


def number(value: Any, digits: int = DIGITS) -> str:
    """A number as text, without negative zero."""
    return f"{value + 0.0:.{digits}g}" if isinstance(value, float) else str(value)
