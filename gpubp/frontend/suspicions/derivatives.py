"""Derivatives inside of a model that say something else in training than in evaluation."""

from __future__ import annotations

from collections.abc import Iterator

from dsl.diagnostics import Diagnostic, Label
from dsl.graph import Node, ancestors

from .traced import Traced, warning

MIXES = frozenset({"batchnorm"})
"""Functions that look at the other examples of a batch, in training."""


def through_a_batch(net: Traced) -> Iterator[Diagnostic]:
    """Derivatives of a value that depends on the other examples."""
    for node in net.nodes:
        if node.kind != "derivative":
            continue
        mixing = _between(*node.inputs)
        if mixing is not None:
            yield warning(
                "W0507",
                f"this derivative goes through `{mixing.kind}`",
                node,
                "in training it is of all examples of a batch",
                "`layernorm` looks at one example alone",
                labels=(Label(mixing.span, "mixes the examples of a batch"),),
            )


def _between(of: Node, by: Node) -> Node | None:
    """The first function on the way from one value to another that mixes examples."""
    reached = {by}
    for node in ancestors(of):
        if not reached.isdisjoint(node.inputs):
            reached.add(node)
            if node.kind in MIXES:
                return node
    return None
