"""Which labels the outputs and the metrics of a net are about."""

from __future__ import annotations

from dsl.graph import Node, ancestors

from .net import Net


def label_targets(net: Net) -> dict[str, str]:
    """For each output of class probabilities, the target that the loss or a metric compares it with."""
    targets = {node.name for node in net.graph.targets}
    return {output: name for output, (name, of) in predicted_labels(net).items() if name == of and name in targets}


def predicted_labels(net: Net) -> dict[str, tuple[str, str]]:
    """For each output of class probabilities, the name of its labels and the input or target they come from, according
    to the loss or a metric. Labels may be rearranged, like the next words of a text."""
    graph = net.graph
    outputs = {node: name for name, node in graph.outputs.items()}
    found: dict[str, tuple[str, str]] = {}
    for node in graph.train_nodes:
        pair = [source for source in node.inputs if source in outputs]
        for labels in node.inputs if pair else ():
            base = _label_source(labels)
            if base is None or base.type is None:
                continue
            of = base.name
            name = labels.label if labels.label and labels.label not in graph.outputs else of
            for output in pair:
                if net.outputs[outputs[output]] == (*net.shapes[labels], base.type.classes):
                    found.setdefault(outputs[output], (name, of))
    return found


def metric_labels(net: Net) -> dict[str, str]:
    """For each metric that compares with labels, by name, the input or target that these come from."""
    sources = ((name, _label_source(source)) for name, node in net.graph.metrics for source in node.inputs)
    return {name: base.name for name, base in sources if base is not None}


_KEEP_LABELS = frozenset({"slice", "concat", "stack", "reshape", "flatten", "transpose"})
"""Functions that preserve labels."""


def _label_source(node: Node) -> Node | None:
    """The input or target that labels originate from, if there is exactly one."""
    known: dict[Node, Node | None] = {}
    for one in ancestors(node):
        if one.type is not None:
            known[one] = one if one.type.classes is not None else None
        elif one.kind in _KEEP_LABELS:
            bases = {known[source] for source in one.inputs}
            known[one] = bases.pop() if len(bases) == 1 else None
        else:
            known[one] = None
    return known[node]
