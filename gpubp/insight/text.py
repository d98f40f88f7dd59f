"""A trace as text for a terminal: the formulas of every layer with the numbers beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NOTATION = (
    "examples are rows and W is [in, out]: z = a @ W + b; @ is the matrix product, * works element by element;",
    "delta is dL/dz of a layer, dL/da of one without an activation; t1, t2 ... stand for what is between",
)
_WORDS = {
    "step": "step, the batches before this one",
    "rate_scale": "rate_scale, 1 until `plateau` lowers it",
    "epoch_steps": "epoch_steps and total_steps, the batches of an epoch and of the training",
}
"""What the formulas of an update take from the training."""
_LOSSES = {
    "sigmoid_cross_entropy": "sigmoid_cross_entropy(z, y) = log(1 + exp(z)) - y * z, which is "
    "-(y * log(a) + (1 - y) * log(1 - a)) for a = sigmoid(z)",
    "log_softmax": "log_softmax(z) = z - log(sum(exp(z))), which is log(a) for a = softmax(z)",
}
"""What the stable forms of losses stand for: a reader of the file wrote a loss of the activation."""
_WIDEST = 56
"""A formula longer than this has its value on a line of its own."""


def as_text(told: Mapping[str, Any]) -> str:
    """The text of a document (gpubp.insight.document)."""
    parts = ["\n".join(NOTATION), _block(told["feeds"])]
    parts += ["forward", *(_titled(layer, layer["forward"]) for layer in told["layers"])]
    parts.append("\n".join(("the loss", _block(told["loss"]), *_stable(told["loss"]))))
    parts += ["backward", *(_titled(one, one["backward"]) for one in reversed(told["layers"]) if one["backward"])]
    parts.append("\n".join(("the update", *_update(told["update"]))))
    if told["health"]["layers"]:
        parts.append("\n".join(_health(told["health"])))
    return "\n\n".join(parts)


def _titled(layer: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> str:
    return f"layer {layer['number']}, {layer['name']}: {layer['text']}\n{_block(lines)}"


def _stable(lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the stable forms in some formulas stand for."""
    formulas = " ".join(line["formula"] for line in lines)
    yield from (f"  with {meant}" for name, meant in _LOSSES.items() if f"{name}(" in formulas)


def _block(lines: Sequence[Mapping[str, Any]]) -> str:
    """Lines with their values in one column."""
    heads = [_head(line) for line in lines]
    width = max((len(head) for head in heads if len(head) <= _WIDEST), default=0)
    out = []
    for head, line in zip(heads, lines, strict=True):
        out += [f"  {head}", *(f"      {inner}" for inner in line["inner"])]
        value = shown(line["value"])
        if line["inner"] or len(head) > _WIDEST:
            out.append(f"  {' ' * width}  {value}")
        else:
            out[-1] = f"  {head.ljust(width)}  {value}"
    return "\n".join(out)


def _head(line: Mapping[str, Any]) -> str:
    if line["formula"]:
        return f"{line['name']} = {line['formula']}"
    return f"{line['name']}  {line['about']}".rstrip()


def _update(update: Mapping[str, Any]) -> Iterator[str]:
    if not update["parameters"]:
        yield "  nothing is trained"
        return
    yield from (f"  {line}" for line in update["formulas"])
    told = " ".join(update["formulas"])
    words = (text for name, text in _WORDS.items() if name in told)
    yield f"  with {'; '.join(('g = dL/dw', *words))}; a prime marks a new value"
    width = max(map(len, update["parameters"]))
    for name, one in update["parameters"].items():
        before, after = one["before"], one["after"]
        if "values" not in before:
            what = f"changes by {shown(one['change'])}"
        elif before == after:
            what = f"{shown(before)} stays as it is"
        else:
            what = f"{shown(before)} becomes {shown(after)}"
        yield f"  {name.ljust(width)}  {what}"


def _health(health: Mapping[str, Any]) -> Iterator[str]:
    """The sizes of results and deltas, and what is wrong with them."""
    rows = [("layer", "", "result", "delta")]
    for one in health["layers"]:
        delta = "" if one["delta"] is None else _number(one["delta"])
        rows.append((str(one["number"]), one["name"], _number(one["result"]), delta))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    count = health["rows"]
    yield f"the layers over {count:,} row{'s' * (count > 1)}: root mean squares"
    for number, name, result, delta in rows:
        cells = (number.rjust(widths[0]), name.ljust(widths[1]), result.rjust(widths[2]), delta.rjust(widths[3]))
        yield f"  {'  '.join(cells)}".rstrip()
    for finding in health["findings"]:
        yield f"\n{finding['message']}"
        yield from (f"  help: {line}" for line in finding["help"])


def shown(value: Mapping[str, Any]) -> str:
    """An array as it is printed: its numbers, or its shape and what they are like."""
    if "values" in value:
        return _listed(value["values"])
    low, high, mean = (_number(value[key]) for key in ("min", "max", "mean"))
    return f"{value['shape']} {low} to {high}, mean {mean}: {_listed(value['first'])[1:-1]}, ..."


def _listed(values: Any) -> str:
    return f"[{', '.join(map(_listed, values))}]" if isinstance(values, list) else _number(values)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
