"""Losses and metrics that answer another question than the net asks."""

from __future__ import annotations

from collections.abc import Iterator

from dsl.diagnostics import Diagnostic, Label
from dsl.graph import LayerGraph, Node, ancestors

from ...data.batches import optimizer_of
from ...ir import Program, Var
from ...ops.rewrites import clamped_logs
from ...passes import rewrite
from .traced import Traced, made_by, warning

ANY_NUMBER = {
    "dense": "gives any number",
    "relu": "gives numbers from 0 up",
    "softplus": "gives numbers from 0 up",
    "tanh": "gives numbers from -1 to 1",
    **dict.fromkeys("leaky_relu elu selu gelu silu mish hardswish".split(), "gives numbers below 0 and above 1"),
}
"""Functions whose results are no probabilities."""

COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})


def logarithm(net: Traced) -> Iterator[Diagnostic]:
    """Losses that take the logarithm of something that is no sigmoid's or softmax's result."""
    for eqn in clamped_logs(rewrite(Program((), tuple(net.eqns), ()))):
        node = eqn.origin
        if not isinstance(node, Node):
            continue
        last = made_by(node.inputs[0]) if node.inputs else node
        if last.kind == "softmax":
            continue  # a loss for another question: `mismatched` says so
        counts = node.kind == "poisson"
        remedy = "softplus" if counts else "sigmoid" if _question(node) == "binary_cross_entropy" else "softmax"
        help = f"end the output with `{remedy}`: then the logarithm is computed without overflow"
        better = [name for name, end in net.graph.outputs.items() if end.kind == remedy and end.inputs[0] is last]
        if better and node.input_spans:  # logits are given, beside the output that was made of them
            call = node.span.text.replace(node.input_spans[0].text, better[0], 1)
            help = f"`{' '.join(call.split())}`: a loss takes the output itself"
        if node.inputs[:1] and node.inputs[0].kind == "target" and len(node.input_spans) == 2:
            target, output = (" ".join(span.text.split()) for span in node.input_spans)
            help = f"`{node.kind}({output}, {target})`: the target comes second"
        yield warning(
            "W0501",
            f"`{node.kind}` takes the logarithm of a value that is not the result of "
            + ("exp or softplus" if counts else "sigmoid or softmax"),
            node,
            "needs positive numbers" if counts else "needs probabilities",
            help,
            why=("0 counts as the smallest normal number there; a negative value gives NaN",),
            labels=(Label(last.span, ANY_NUMBER[last.kind]),) if last.kind in ANY_NUMBER else (),
        )


def _question(node: Node) -> str:
    """The loss of the same question: `focal` asks for each output by itself, or for one of several classes."""
    if node.kind != "focal":
        return node.kind
    type_ = node.inputs[1].type
    return "cross_entropy" if type_ is not None and type_.classes is not None else "binary_cross_entropy"


def mismatched(net: Traced) -> Iterator[Diagnostic]:
    for node in net.nodes:
        if node.part != "loss" or node not in net.in_loss or not node.inputs:
            continue
        last = made_by(node.inputs[0])
        texts = ", ".join(" ".join(span.text.split()) for span in node.input_spans)
        labels = (Label(last.span, f"ends in `{last.kind}`"),)
        if (node.kind, last.kind) == ("mse", "sigmoid"):
            yield warning(
                "W0502",
                "`mse` of a sigmoid learns slowly where the sigmoid is far off",
                node,
                "its slope vanishes there",
                f"for targets from 0 to 1: `binary_cross_entropy({texts})`",
                labels=labels,
            )
        elif (_question(node), last.kind) == ("binary_cross_entropy", "softmax") and net.shape(last)[-1] > 1:
            yield warning(
                "W0503",
                f"`{node.kind}` of a softmax",
                node,
                "asks about each output by itself",
                "for one of several classes `cross_entropy` and a target `class(n)`; for several at once `sigmoid`",
                labels=(Label(last.span, "one of several: the outputs sum to 1"),),
            )
        elif (_question(node), last.kind) == ("cross_entropy", "sigmoid"):
            yield warning(
                "W0503",
                f"`{node.kind}` of a sigmoid",
                node,
                "asks for the probability of the right class alone",
                "end in `softmax`",
                why=("every output can go to 1 at no cost",),
                labels=(Label(last.span, "each output by itself: they need not sum to 1"),),
            )


def accuracy_of_numbers(net: Traced) -> Iterator[Diagnostic]:
    for _, node in net.graph.metrics:
        if (node.part, node.kind) != ("metric", "accuracy"):
            continue
        last, target = made_by(node.inputs[0]), node.inputs[1]
        numbers = target.type is None or target.type.classes is None
        if numbers and last.kind in ANY_NUMBER and not _zeros_and_ones(net.graph, target):
            yield warning(
                "W0504",
                "`accuracy` of numbers asks only whether both are above 0.5",
                node,
                "not a fraction of correct answers",
                "for numbers: `r2` or `mae`",
                labels=(Label(last.span, ANY_NUMBER[last.kind]),),
            )


def _zeros_and_ones(graph: LayerGraph, target: Node) -> bool:
    """Whether the target's rows stand in the file and are 0 and 1 only."""
    rows = [e.value for e in (graph.rows.entries if graph.rows is not None else ()) if target.name in e.names]
    work: list[object] = [*rows]
    while work:
        top = work.pop()
        if isinstance(top, tuple):
            work += top
        elif top not in (0, 1):
            return False
    return bool(rows)


def drawn(net: Traced) -> Iterator[Diagnostic]:
    """Random draws in a loss that the optimizer compares with that of other weights."""
    train = net.graph.train
    optimizer = optimizer_of(train)
    if train is None or optimizer is None or not optimizer.line_search:
        return
    place = train.spans["optimizer"]
    for node in net.nodes:
        if node in net.cx.drawing & net.in_loss:
            yield warning(
                "W0509",
                f"`{optimizer.name}` compares the losses of different weights, but each also has other random numbers",
                node,
                "draws anew in every update",
                f"train with `adam`, or leave `{node.kind}` out",
                labels=(Label(place, "searches for a step that lowers the loss"),),
            )


def untrained(net: Traced) -> Iterator[Diagnostic]:
    """Weights that the loss does not depend on, or only through what has no derivative."""
    if net.graph.train is None or net.loss is None:
        return
    reached: set[Var] = {net.loss}
    for eqn in reversed(net.eqns):
        if eqn.op.vjp is not None and not reached.isdisjoint(eqn.outputs):
            reached.update(x for x in eqn.inputs if isinstance(x, Var))
    wanted = [*net.graph.outputs.values(), net.graph.train.loss, *(node for _, node in net.graph.train.metrics)]
    used = frozenset(ancestors(*wanted))
    told: set[str] = set()
    # A bias alone is left out where a loss is of slopes, which it does not change.
    trained = {parameter.place for parameter, var in net.cx.parameters.values() if var in reached}
    for parameter, _ in net.cx.parameters.values():
        node = parameter.place
        value = node.name.partition(".")[0]
        # What nothing uses at all is told by its name.
        if node in trained or node not in used or value in told:
            continue
        told.add(value)
        blocked = node in net.in_loss
        steps = [n for n in net.after(node) if n.kind in COMPARISONS] if blocked else []
        yield warning(
            "W0505",
            f"nothing trains the weights of `{value}`",
            node,
            "no derivative leads here from the loss" if blocked else "the loss does not depend on this",
            "let it reach the loss another way" if blocked else "give it a term in the loss, or leave it out",
            span=node.trace[0].span if node.trace else node.span,
            labels=[Label(step.span, "a comparison has no derivative") for step in steps[:1]],
        )
