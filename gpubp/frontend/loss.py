"""The loss and the metrics of a file, checked: one number per example, penalties apart."""

from __future__ import annotations

import math

from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.graph import LayerGraph, Node

from .. import ops
from ..ir import Var
from ..layers import Accumulation
from ..layers.metrics import mean_of
from .lowering import Lowering, shape_text


def data_and_penalties(graph: LayerGraph, cx: Lowering) -> tuple[Var, Var]:
    """The loss of each example, shape (batch,), and the sum of the penalties, shape ().

    A term of the sum that depends on no input, target or draw is a penalty. Raises DiagnosticError for a loss that is
    not one number per example.
    """
    assert graph.train is not None
    terms = _terms(graph.train.loss)
    # A plain number is no penalty on weights: it stays with the data loss.
    data = [node for node in terms if node in cx.varying or not isinstance(cx.values[node], Var)]
    penalties = [node for node in terms if node not in data]
    if not any(node in cx.varying for node in data):
        raise DiagnosticError(
            Diagnostic(
                "E0302",
                "the loss depends on no input",
                graph.train.loss.span,
                help=("for example `mse(output, target)`",),
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
        # Times 1: a value of its own, for a weight's memory changes in the step that reports it.
        scalar = 1.0 * ops.reshape(cx.values[node], shape=())
        penalty = scalar if penalty is None else penalty + scalar
    return total, ops.full((), 0.0, cx.dtype) if penalty is None else penalty


def _terms(node: Node) -> list[Node]:
    """The terms of a sum, from left to right."""
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
    """A node's value as one number per example, shape (batch,). Raises DiagnosticError; `what` it is to be."""
    value = cx.values[node]
    if not isinstance(value, Var) or math.prod(value.shape[1:]) != 1:
        found = shape_text(value) if isinstance(value, Var) else "a number"
        raise DiagnosticError(
            Diagnostic(
                "E0302",
                f"{what} is one number per example, this is {found}",
                node.span,
                help=("`mean(...)` or `sum(...)` makes one number of it",),
            )
        )
    flat = ops.reshape(value, shape=(value.shape[0],))
    return ops.broadcast_to(flat, shape=(cx.batch,))


def metric_terms(graph: LayerGraph, cx: Lowering) -> dict[str, Accumulation]:
    """Every metric as sums; a loss or a plain value counts as its mean over the examples."""
    assert graph.train is not None
    out: dict[str, Accumulation] = {}
    for name, node in graph.train.metrics:
        if name in ("loss", "penalty"):
            message = f"a metric cannot be called `{name}`: the figure of that name is there already"
            raise DiagnosticError(Diagnostic("E0503", message, node.span, help=("give the value another name",)))
        value = cx.values[node]
        out[name] = value if isinstance(value, Accumulation) else mean_of(per_example(node, cx, f"the metric `{name}`"))
    return out
