"""The layers of a net as people count them: a stage with weights and the activation after it are one layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dsl.records import dataclass

from ..frontend import SEED, Net, TracedStep
from ..ir import FLOATS, Var

if TYPE_CHECKING:
    from dsl.graph import Node


@dataclass(frozen=True, slots=True)
class Layer:
    """Layer `number`, from 1, in topological order: one node, or a node with weights and the activation that is its
    only user."""

    number: int
    nodes: tuple[Node, ...]

    @property
    def name(self) -> str:
        """The name of its value in the file, or else that of its weights."""
        return self.nodes[-1].label or self.nodes[0].name

    @property
    def text(self) -> str:
        """Its stages as the file writes them."""
        return " -> ".join(dict.fromkeys(" ".join(node.span.text.split()) for node in self.nodes))


def layers_of(net: Net, watched: TracedStep) -> list[Layer]:
    """The layers of a net's model without its loss, in topological order."""
    values = watched.values
    stages = [n for n in net.graph.nodes if n.type is None and n.kind != "constant"]
    nodes = [n for n in stages if n in values and values[n].dtype in FLOATS]
    # Uses of one shared layer have one name.
    owners = {p.place.name for p in net.layout.parameters.values()}
    uses = Counter(source for node in net.graph.all_nodes for source in node.inputs)
    seeds = {v for v in watched.program.inputs if v.hint == SEED}
    drawing = {eqn.origin for eqn in watched.program.eqns if not seeds.isdisjoint(eqn.operands)}
    groups: list[list[Node]] = []
    group_of: dict[Node, list[Node]] = {}
    for node in nodes:
        group = group_of.get(node.inputs[0]) if len(node.inputs) == 1 else None
        # Random stages such as dropout are not activations.
        follows = group is not None and len(group) == 1 and node not in drawing
        if group is not None and follows and _activates(node, group[0], owners, uses, values):
            group.append(node)
        else:
            group = [node]
            groups.append(group)
        group_of[node] = group
    return [Layer(number, tuple(group)) for number, group in enumerate(groups, start=1)]


def _activates(
    node: Node, previous: Node, owners: set[str], uses: Mapping[Node, int], values: Mapping[Node, Var]
) -> bool:
    """Whether a node is the activation of the one before, its only user: a function without weights that keeps the
    shape."""
    shapes: Sequence[object] = values[node].aval, values[previous].aval
    elementwise = node.name not in owners and shapes[0] == shapes[1]
    return previous.name in owners and elementwise and uses[previous] == 1
