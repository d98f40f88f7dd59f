"""ONNX forms of data movement, reductions and loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..ir import ONNX_TYPES, Aval, Graph, Nodes, OneNode, Program, Tensor, Var


def reshaped(g: Graph, out: Aval, x: Tensor, *, shape: tuple[int, ...]) -> str:
    """A single axis that scales with the batch is inferred by the runtime (-1)."""
    dynamic = [i for i, n in enumerate(shape) if g.scales(n)]
    if len(dynamic) == 1 and 0 not in shape:
        return g.node("Reshape", x, g.ints([-1 if i in dynamic else n for i, n in enumerate(shape)]))
    return g.node("Reshape", x, g.ints(shape))


def broadcast(g: Graph, out: Aval, x: Tensor, *, shape: tuple[int, ...]) -> str:
    """For `Expand`, size 1 leaves an axis unchanged."""
    before = (*(0,) * (len(shape) - len(x.shape)), *x.shape)
    return g.node("Expand", x, g.ints([1 if n == m else n for n, m in zip(shape, before, strict=True)]))


def transposed(g: Graph, out: Aval, x: Tensor, *, axes: tuple[int, ...]) -> Tensor:
    return g.transposed(x, axes)


def sliced(g: Graph, out: Aval, x: Tensor, *, start: tuple[int, ...], stop: tuple[int, ...]) -> str | Tensor:
    axes = [i for i, n in enumerate(x.shape) if (start[i], stop[i]) != (0, n)]
    if not axes:
        return x
    return g.node("Slice", x, g.ints([start[i] for i in axes]), g.ints([stop[i] for i in axes]), g.ints(axes))


def flipped(g: Graph, out: Aval, x: Tensor, *, axis: int) -> str:
    """Step -1 from the last element to before the first, which any very negative stop means."""
    return g.node("Slice", x, g.ints([-1]), g.ints([-(2**31)]), g.ints([axis]), g.ints([-1]))


def padded(g: Graph, out: Aval, x: Tensor, *, before: tuple[int, ...], after: tuple[int, ...]) -> str:
    return g.node("Pad", x, g.ints((*before, *after)))


def filled(g: Graph, out: Aval, *, shape: tuple[int, ...], value: float, dtype: str) -> str:
    return g.node("Expand", g.constant(value, dtype), g.ints(shape))


def counted(g: Graph, out: Aval, *, size: int, dtype: str) -> str | Tensor:
    if not g.scales(size):
        return g.constant(range(size), dtype)
    stop = g.node("Squeeze", g.ints([size]))
    numbers = g.node("Range", g.constant(0, "int64"), stop, g.constant(1, "int64"))
    return g.node("Cast", numbers, to=ONNX_TYPES[dtype])


def reduction(op: str) -> Nodes:
    """A sum or maximum. A transposed operand is reduced as stored if the remaining axes keep their order."""

    def write(g: Graph, out: Aval, x: Tensor, *, axis: tuple[int, ...], keepdims: bool) -> str | Tensor:
        reduced = sorted(i % len(x.shape) for i in axis)
        if not reduced:  # for ONNX no axes are all axes
            return x
        if x.axes is None:
            return g.node(op, x, g.ints(reduced), keepdims=int(keepdims))
        left = [x.axes[i] for i in range(len(x.shape)) if i not in reduced]
        stored = g.ints(sorted(x.axes[i] for i in reduced))
        if keepdims:
            return Tensor(out, g.node(op, x.name, stored, keepdims=1), x.axes)
        return g.node(op, *((x.name, stored) if left == sorted(left) else (x, g.ints(reduced))), keepdims=0)

    return Nodes(write)


ALIAS = Nodes(lambda g, out, x: x)
ARGMAX = OneNode("ArgMax", lambda *, axis: {"axis": axis, "keepdims": 0})
CAST = OneNode("Cast", lambda *, dtype: {"to": ONNX_TYPES[dtype]})


def along(op: str) -> OneNode:
    """A single node with the attribute `axis`."""
    return OneNode(op, lambda *, axis: {"axis": axis})


def scattered(g: Graph, out: Aval, updates: Tensor, indices: Tensor, *, rows: int) -> str:
    """Rows added to a table of zeros."""
    zeros = filled(g, out, shape=out.shape, value=0, dtype=out.dtype)
    places = g.node("Unsqueeze", g.node("Cast", indices, to=ONNX_TYPES["int64"]), g.ints([-1]))
    return g.node("ScatterND", zeros, places, updates, reduction="add")


def loop(
    g: Graph,
    out: Aval | tuple[Aval, ...],
    *inputs: Tensor,
    body: Program,
    length: int,
    carries: int,
    scanned: int,
    reverse: bool,
) -> Sequence[str]:
    """`Scan`, which requires at least one sequence: without any, the loop scans its own counter."""
    operands: list[Tensor | str] = [*inputs[: carries + scanned]]
    if scanned == 0:
        counter = Var(Aval((), "int64"), "counter")
        body = replace(body, inputs=(*body.inputs[:carries], counter, *body.inputs[carries:]))
        operands.append(g.ints(range(length)))
    attributes: dict[str, Any] = {
        "body": g.body(body, inputs[carries + scanned :]),
        "num_scan_inputs": max(scanned, 1),
        "scan_input_directions": [int(reverse)] * max(scanned, 1),
    }
    if collected := len(body.outputs) - carries:
        attributes["scan_output_directions"] = [int(reverse)] * collected
    return g.nodes("Scan", len(body.outputs), *operands, **attributes)
