"""What the values of a step are called: those of layer 2 are z2 and a2, W2 and b2, mean2 and its new value mean2',
delta2 and dL/dW2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..frontend import Buffer, Net, Parameter, TracedStep
from ..health import Layer
from ..ir import Var, source_of

if TYPE_CHECKING:
    from dsl.graph import Node

LOSS = ("data", "penalty", "L")
"""The mean loss of the rows, the penalties, and their sum; the sum alone where there are no penalties."""


class Labels:
    """Labels of values (`vars`), and where each is told: `forward` and `backward` by layer. Two may name one value.

    `parameters` and `about` give the full name of a parameter, for its own label and for that of its gradient;
    `statistics` that of what a layer knows of the data beforehand, which a step may change for the next;
    `gradients` the latter by full name; `by_row` are those of values with a row for each example; `result` and `delta`
    those of a layer's result and of what comes back to it. `forward_labels` are those of the forward pass.
    """

    def __init__(self, net: Net, traced: TracedStep, layers: Sequence[Layer]) -> None:
        self.vars: dict[str, Var] = {v.hint: v for v in traced.program.inputs[: len(traced.feeds)]}
        self._used = {v.hint for v in traced.program.inputs}
        self.feeds = tuple(self.vars)
        self.by_row = set(self.feeds)
        self.forward: dict[Layer, list[str]] = {}
        self.backward: dict[Layer, list[str]]
        self.parameters: dict[str, str] = {}
        self.about: dict[str, str] = {}
        self.gradients: dict[str, str] = {}
        self.result: dict[Layer, str] = {}
        self.delta: dict[Layer, str] = {}
        states = {v.hint: v for v in traced.program.inputs[len(traced.feeds) :]}
        self.statistics: dict[str, str] = {}
        owned: dict[Node, list[Parameter]] = {}
        for parameter in net.layout.parameters.values():
            owned.setdefault(parameter.place, []).append(parameter)
        for layer in layers:
            own = [parameter for node in layer.nodes for parameter in owned.get(node, ())]
            self.forward[layer] = [self._parameter(p, own, layer, traced) for p in own]
            statistics = [b for b in net.buffers.values() if b.place in layer.nodes and b.name in states]
            self.forward[layer] += [self._statistic(b, layer, states[b.name]) for b in statistics]
            if len(layer.nodes) > 1:
                self.forward[layer].append(self._row(f"z{layer.number}", traced.values[layer.nodes[0]]))
            self.result[layer] = self._row(f"a{layer.number}", traced.values[layer.nodes[-1]])
            self.forward[layer].append(self.result[layer])
            self.forward[layer] += [
                self._label(f"{label}'", new) for label, new in self._updated_statistics(layer, traced)
            ]
        self.forward_labels = frozenset(self.vars)
        self.backward = {layer: [] for layer in layers}
        if traced.program.outputs:
            self._loss_and_back(net, traced, layers)

    def _loss_and_back(self, net: Net, traced: TracedStep, layers: Sequence[Layer]) -> None:
        """Label the loss and the backward values."""
        producers = {v: eqn for eqn in traced.program.eqns for v in eqn.outputs}
        penalised = bool(producers[traced.program.outputs[1]].operands)
        for label, var in zip(LOSS, traced.program.outputs, strict=True):
            if penalised or label == LOSS[-1]:
                self._label(label, var)
        self.forward_labels = frozenset(self.vars)
        for layer in reversed(layers):
            self.backward[layer] = self._backward_labels(layer, traced)
            for label in self.forward[layer]:
                name = self.parameters.get(label)
                if name is None or net.layout.places[name][0].frozen:
                    continue
                self.gradients[name] = f"dL/d{label}"
                gradient = traced.cotangents.get(traced.parameters[name])
                if gradient is not None:
                    self.backward[layer].append(self._label(f"dL/d{label}", gradient))
                    self.about[f"dL/d{label}"] = name
        self.gradients = {name: self.gradients[name] for name in net.layout.parameters if name in self.gradients}

    def _backward_labels(self, layer: Layer, traced: TracedStep) -> list[str]:
        """Label the cotangents of a layer's result and of its z."""
        inner, outer = (traced.cotangents.get(traced.values[node]) for node in (layer.nodes[0], layer.nodes[-1]))
        labels = []
        if len(layer.nodes) > 1 and outer is not None:
            labels.append(self._row(f"dL/d{self.result[layer]}", outer))
        if inner is not None:
            self.delta[layer] = self._row(f"delta{layer.number}", inner)
            labels.append(self.delta[layer])
        return labels

    def _statistic(self, buffer: Buffer, layer: Layer, var: Var) -> str:
        """What the layer calls it, with the number of the layer."""
        label = self._label(f"{_local_name(buffer)}{layer.number}", var)
        self.statistics[label] = buffer.name
        return label

    def _updated_statistics(self, layer: Layer, traced: TracedStep) -> list[tuple[str, Var]]:
        """The statistics that a layer changes, its own or, in the last use of a shared layer, those of the first, and
        their new values."""
        updates = {label: traced.updates.get(self.vars[label]) for label in self.statistics}
        origins = {v: source_of(eqn.origin) for eqn in traced.program.eqns for v in eqn.outputs}
        return [(label, v) for label, v in updates.items() if v is not None and origins.get(v) in layer.nodes]

    def _parameter(self, parameter: Parameter, siblings: Sequence[Parameter], layer: Layer, traced: TracedStep) -> str:
        """W, b, or the layer's own name for it, followed by the number of the layer: `query_weight4` in an
        attention."""
        letter = {"weight": "W", "bias": "b"}.get(parameter.role)
        unique = sum(p.role == parameter.role for p in siblings) == 1
        local_name = _local_name(parameter)
        base = letter if letter and unique else local_name
        label = self._label(f"{base}{layer.number}", traced.parameters[parameter.name])
        self.parameters[label] = self.about[label] = parameter.name
        return label

    def _row(self, name: str, var: Var) -> str:
        label = self._label(name, var)
        self.by_row.add(label)
        return label

    def _label(self, name: str, var: Var) -> str:
        """Add a label, made unique by underscores."""
        while name in self._used:
            name += "_"
        self._used.add(name)
        self.vars[name] = var
        return name


def _local_name(value: Parameter | Buffer) -> str:
    """What a layer calls what it has."""
    return value.name.removeprefix(f"{value.place.name}.").replace(".", "_")
