"""Activations, layers and first values that do nothing, or not what they seem to."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dsl.diagnostics import Diagnostic, Label
from dsl.graph import Choice, Node

from .traced import Traced, made_by, warning

ACTIVATIONS = frozenset(
    "sigmoid tanh relu leaky_relu elu selu gelu silu mish hardswish softplus softmax".split(),
)
FROM_ZERO_UP = frozenset({"relu", "sigmoid", "softmax", "softplus"})
"""Activations that give no number below 0."""

IDENTITY_FROM_ZERO_UP = frozenset({"relu", "leaky_relu", "elu"})


def softmax_of_one(net: Traced) -> Iterator[Diagnostic]:
    for node in net.nodes:
        if node.kind == "softmax" and net.shape(node)[-1] == 1:
            yield warning(
                "W0301",
                "`softmax` over one value always gives 1",
                node,
                "one value to choose from",
                "`sigmoid` gives one probability",
            )


def activation_twice(net: Traced) -> Iterator[Diagnostic]:
    for node in net.nodes:
        if node.kind not in ACTIVATIONS:
            continue
        first = made_by(node.inputs[0])
        said = _pair(first.kind, node.kind, net.shape(node)) if first.kind in ACTIVATIONS else None
        if said is not None:
            help = "keep one of the two, or put a layer with weights between them"
            labels = (Label(first.span, f"`{first.kind}` is here already"),)
            yield warning("W0302", f"`{node.kind}` follows `{first.kind}`", node, said, help, labels=labels)


def _pair(first: str, second: str, shape: tuple[int, ...]) -> str | None:
    """What one activation makes of another's results, where that is hardly meant."""
    if second in IDENTITY_FROM_ZERO_UP and first in FROM_ZERO_UP:
        return "changes nothing: there is no number below 0"
    if second == "sigmoid" and first in FROM_ZERO_UP:
        return "never goes below 0.5"
    if second == "softmax" and first in ("softmax", "sigmoid", "tanh"):
        spread = math.exp(2 if first == "tanh" else 1)
        return f"no probability can exceed {spread / (spread + shape[-1] - 1):.2g}" if shape[-1] > 1 else None
    if second == "softmax" and first == "relu":
        return "every score below 0 counts as 0"
    return "is applied twice" if first == second else None


# Layers --------------------------------------------------------------------------------------------------------------


def linear_twice(net: Traced) -> Iterator[Diagnostic]:
    uses: dict[str, int] = {}
    for node in net.nodes:
        uses[node.name] = uses.get(node.name, 0) + 1
    kept = set(net.graph.outputs.values())
    for node in net.nodes:
        if node.kind != "dense":
            continue
        between = node.inputs[0]
        passed = [node]
        while between.kind == "dropout":
            passed.append(between)
            between = between.inputs[0]
        if between.kind != "dense" or uses[node.name] > 1 or uses[between.name] > 1:
            continue
        if between in kept or any(len(net.users[one.inputs[0]]) > 1 or one.inputs[0] in kept for one in passed):
            continue
        inner, width = net.shape(between)[-1], net.shape(node)[-1]
        # Fewer units than go in and come out are a bottleneck: that is something of its own.
        if inner < min(net.shape(between.inputs[0])[-1], width):
            continue
        yield warning(
            "W0303",
            "two dense layers in a row compute no more than one",
            node,
            "and this one too",
            f"put an activation between them: `{' '.join(between.span.text.split())} -> relu`",
            labels=(Label(between.span, "this one is linear"),),
        )


def dropout_of_all_or_none(net: Traced) -> Iterator[Diagnostic]:
    for node in net.nodes:
        if node.kind != "dropout":
            continue
        rate, written = node.attrs["rate"], node.attr_spans.get("rate")
        if rate == 1:
            help = "a rate is the share that is dropped: `dropout(20%)` keeps 80%"
            yield warning("W0304", "dropout of all values lets nothing through", node, "gives zeros", help)
        # A param may well be 0: a search may ask whether dropout helps.
        elif rate == 0 and written is not None and written.text[:1] in "0.":
            yield warning("W0304", "dropout of no values changes nothing", node, "drops nothing", "leave it out")


def dropout_on_output(net: Traced) -> Iterator[Diagnostic]:
    for name, output in net.graph.outputs.items():
        node = output
        while node.kind in ("reshape", "flatten"):
            node = node.inputs[0]
        if node.kind == "dropout":
            yield warning(
                "W0305",
                f"the output `{name}` ends in dropout",
                node,
                "in training, results themselves are set to 0",
                "put dropout before the last layer with weights",
            )


def alike(net: Traced) -> Iterator[Diagnostic]:
    weighted = {parameter.place for parameter, _ in net.cx.parameters.values()}
    leads: set[Node] = set()
    for node in reversed(net.nodes):
        if node in weighted or node in leads:
            leads.update(node.inputs)
    for parameter, _ in net.cx.parameters.values():
        node, start = parameter.place, _one_number(parameter.init)
        after = [user for user in net.users.get(node, ()) if user.kind in ACTIVATIONS]
        if parameter.role != "weight" or start is None or math.prod(parameter.shape[-1:]) < 2 or len(after) == 0:
            continue
        if not any(user in leads for user in after):
            continue
        bias = net.cx.parameters.get(f"{node.name}.bias")
        still = start == 0 and (bias is None or _one_number(bias[0].init) == 0)
        dead = still and all(user.kind == "relu" for user in net.users[node])
        yield warning(
            "W0306",
            f"all {parameter.shape[-1]} hidden units start alike",
            node,
            f"every weight starts at {start:g}",
            "leave `init` out: its default makes the units differ",
            why=("`relu` has no slope at 0: these units never change",) if dead else (),
            span=node.attr_spans.get("init"),
        )


def _one_number(init: object) -> float | None:
    """The number that an initialiser puts everywhere, if it does."""
    if isinstance(init, Choice):
        init = init.options.get("value") if init.name == "constant" else init.name
    if isinstance(init, str):
        return {"zeros": 0.0, "ones": 1.0}.get(init)
    return float(init) if isinstance(init, int | float) else None
