"""What a look at a net may ask, and the words that every warning has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from dsl.diagnostics import Diagnostic, Label
from dsl.graph import LayerGraph, Node, ancestors
from dsl.records import dataclass
from dsl.resolve.report import expanded_from
from dsl.source import Span

from ...ir import Eqn, Var
from ..lowering import Lowering

MOVES = frozenset({"reshape", "flatten", "dropout"})
"""Functions that leave the range of the values as it is."""


@dataclass(frozen=True, eq=False)
class Traced:
    """A net without errors: its graph, the trace with its equations, and the loss of each example."""

    graph: LayerGraph
    cx: Lowering
    eqns: Sequence[Eqn]
    loss: Var | None

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        return self.graph.all_nodes

    @cached_property
    def users(self) -> dict[Node, list[Node]]:
        """The nodes that take each value."""
        out: dict[Node, list[Node]] = {}
        for node in self.nodes:
            for source in (*node.inputs, *(v for v in node.attrs.values() if isinstance(v, Node))):
                out.setdefault(source, []).append(node)
        return out

    @cached_property
    def in_loss(self) -> frozenset[Node]:
        """What the loss stands on."""
        return frozenset(ancestors(self.graph.train.loss)) if self.graph.train is not None else frozenset()

    def after(self, node: Node) -> list[Node]:
        """What stands on a node, nearest first, as far as the loss stands on it."""
        out: dict[Node, None] = {node: None}
        work = [node]
        for top in work:
            fresh = [user for user in self.users.get(top, ()) if user in self.in_loss and user not in out]
            out.update(dict.fromkeys(fresh))
            work += fresh
        return list(out)

    def shape(self, node: Node) -> tuple[int, ...]:
        value = self.cx.values[node]
        return value.shape[1:] if isinstance(value, Var) else ()


def made_by(node: Node) -> Node:
    """The node that computes a value, behind what only moves it."""
    while node.kind in MOVES:
        node = node.inputs[0]
    return node


def warning(
    code: str,
    message: str,
    node: Node,
    label: str,
    help: str,
    *,
    why: Iterable[str] = (),
    span: Span | None = None,
    labels: Iterable[Label] = (),
) -> Diagnostic:
    place = span or node.span
    notes = (*expanded_from(node.trace), *why)
    others = tuple(one for one in labels if one.span != place)
    return Diagnostic(code, message, place, label, others, notes, (help,), "warning")
