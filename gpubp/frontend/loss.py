"""Checking of loss and metrics: one number per example, penalties separate."""

from __future__ import annotations

import math
from dataclasses import replace

from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.graph import LayerGraph, Node

from .. import ops
from ..errors import ShapeError
from ..ir import FLOATS, Var
from ..layers import Accumulation
from ..layers.metrics import mean_of
from .layer_errors import shape_diagnostic
from .lowering import Lowering
from .shape_history import type_text


def data_and_penalties(graph: LayerGraph, cx: Lowering) -> tuple[Var, Var]:
    """The loss of each example, shape (batch,), and the sum of the penalties, shape ().

    A term that depends on no input, target or random draw is a penalty. Raises DiagnosticError unless the loss is one
    number per example.
    """
    assert graph.train is not None
    terms = _terms(graph.train.loss)
    # A plain number is not a penalty on weights: it belongs to the data loss.
    ours = cx.varying | cx.random
    data = [node for node in terms if node in ours or not isinstance(cx.values[node], Var)]
    penalties = [node for node in terms if node not in data]
    if not any(node in cx.varying for node in data):
        raise DiagnosticError(
            Diagnostic(
                "E0302",
                "the loss depends on no input",
                graph.train.loss.span,
                help=(_compared(graph),),
            )
        )
    first = next(node for node in data if node in cx.varying)
    total = per_example(first, cx)
    for node in data:
        if node is not first:
            value = cx.values[node]
            total = total + (per_example(node, cx) if isinstance(value, Var) else float(value))
    penalty: Var | None = None
    for node in penalties:
        # Times 1: a separate value, because a weight's memory changes in the step that reports it.
        scalar = 1.0 * ops.reshape(one_number(node, cx, "a penalty is one number"), shape=())
        penalty = scalar if penalty is None else penalty + scalar
    return total, ops.full((), 0.0, cx.dtype) if penalty is None else penalty


def _terms(node: Node) -> list[Node]:
    """The terms of a sum, left to right."""
    out: list[Node] = []
    work = [node]
    while work:
        top = work.pop()
        if top.kind == "+":
            work += reversed(top.inputs)
        else:
            out.append(top)
    return out


def per_example(node: Node, cx: Lowering, what: str = "a loss") -> Var:
    """A node's value as one number per example, shape (batch,). Raises DiagnosticError, in which `what` names its
    role."""
    value = one_number(node, cx, f"{what} is one number per example")
    flat = ops.reshape(value, shape=(value.shape[0],))
    return ops.broadcast_to(flat, shape=(cx.batch,))


def one_number(node: Node, cx: Lowering, rule: str) -> Var:
    """A node's value, with one element per example. Raises DiagnosticError with the violated `rule`."""
    value = cx.values[node]
    if isinstance(value, Var) and value.dtype in FLOATS and math.prod(value.shape[1:]) == 1:
        return value
    help = "`mean(...)` or `sum(...)` reduces it to one number"
    if not isinstance(value, Var):
        error = ShapeError(f"{rule}, this is a plain number", code="E0302")
    elif value.dtype in FLOATS:
        error = ShapeError(f"{rule}, this is {type_text(cx, value)}", help, code="E0302")
    else:
        error = ShapeError(f"{rule}, this is a class label", code="E0306")
    finding = shape_diagnostic(cx, node, error, own=True)
    train = cx.graph.train
    if train is not None and node is train.loss and node not in train.nodes:
        finding = replace(finding, span=train.spans["loss"])  # a value of the model, by name
    raise DiagnosticError(finding)


def metric_terms(graph: LayerGraph, cx: Lowering) -> dict[str, Accumulation]:
    """Every metric as sums of terms; a loss or a plain value is averaged over the examples. Raises DiagnosticError for
    all that are not metrics."""
    assert graph.train is not None
    out: dict[str, Accumulation] = {}
    found: list[Diagnostic] = []
    for name, node in graph.train.metrics:
        if name in ("loss", "penalty"):
            message = f"a metric cannot be called `{name}`: that name is already taken"
            found.append(Diagnostic("E0503", message, node.span, help=("give the value another name",)))
        elif node in cx.values:
            value = cx.values[node]
            try:
                made = isinstance(value, Accumulation)
                out[name] = value if made else mean_of(per_example(node, cx, f"the metric `{name}`"))
            except DiagnosticError as error:
                found += error.diagnostics
    if found:
        raise DiagnosticError(*found)
    return out


def _compared(graph: LayerGraph) -> str:
    """The help for a missing loss: an output and a target to compare, if the model has them."""
    output = next(iter(graph.outputs), "p")
    target = next((node.name for node in graph.targets), "")
    if target:
        return f"compare an output with a target: for example `mse({output}, {target})`"
    return f"declare what to learn, `target y: [...]`, and compare: for example `mse({output}, y)`"
