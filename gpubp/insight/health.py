"""What a step says of a net's health: where gradients vanish or explode, which units are dead or saturated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..executor import Executor
from ..frontend import Watched, check_feeds, watched
from ..ir import Var, evaluate
from ..passes import optimise
from .layers import Layer, layers_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAR = 1e-3
"""A gradient so much smaller at the first layer with weights than at the last has vanished; its inverse: exploded."""
DEAD, SATURATED = 0.5, 0.9
"""Parts of a layer's units that are 0 for every row, and of its numbers that lie at the ends of their range, from which
on it is told."""
_EDGE = 0.01
"""How near to an end of its range a sigmoid is flat: its slope is less than 4 % of what it is in the middle."""
_BOUNDED = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


@dataclass(frozen=True, slots=True)
class Size:
    """A layer in a step on many rows: the root mean square of its result and of its delta (None where nothing comes
    back); the part of its units that are 0 for every row; the part of its numbers that lie at the ends of a bounded
    range; whether it has `weights` of its own, and is an `output` of the net."""

    layer: Layer
    result: float
    delta: float | None
    dead: float
    saturated: float
    weights: bool
    output: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, in words, and what may be written to mend it."""

    kind: str
    message: str
    help: tuple[str, ...]


def sizes(executor: Executor, batch: Mapping[str, Any]) -> tuple[Size, ...]:
    """The layers' numbers in the next step on a batch, in training mode; the executor stays as it is. Raises
    InputError, NetError, GpubpError as `trace` does."""
    net = executor.net
    net.require_loss()
    arrays, rows = check_feeds(executor.backend, (*net.graph.inputs, *net.graph.targets), batch, executor.dtype)
    seen = watched(net, rows, executor.dtype)
    layers = layers_of(net, seen)
    owners = {p.place for p in net.layout.parameters.values()}
    outputs = set(net.graph.outputs.values())
    values = _values(executor, seen, layers, arrays)
    found = []
    for layer in layers:
        result = values[seen.values[layer.nodes[-1]]]
        delta = seen.cotangents.get(seen.values[layer.nodes[0]])
        found.append(
            Size(
                layer,
                _rms(result),
                None if delta is None else _rms(values[delta]),
                float((result.reshape(-1, result.shape[-1]) == 0).all(axis=0).mean()),
                _flat(layer, result),
                any(node in owners for node in layer.nodes),
                layer.nodes[-1] in outputs,
            )
        )
    return tuple(found)


def _values(executor: Executor, seen: Watched, layers: Sequence[Layer], arrays: Sequence[Any]) -> dict[Var, Any]:
    """The results and deltas of the layers, on the host."""
    nodes = [node for layer in layers for node in (layer.nodes[0], layer.nodes[-1])]
    wanted = dict.fromkeys(seen.values[node] for node in nodes)
    wanted |= dict.fromkeys(seen.cotangents[v] for v in list(wanted) if v in seen.cotangents)
    given = [*arrays, *(executor.arrays()[name] for name in seen.states)]
    made = tuple(v for v in wanted if v not in seen.program.inputs)
    with executor.backend.running():
        results = evaluate(optimise(replace(seen.program, outputs=made)), given, executor.xp)
    known = dict(zip(seen.program.inputs, given, strict=True)) | dict(zip(made, results, strict=True))
    return {v: executor.backend.to_host(known[v]) for v in wanted}


def _rms(array: NDArray[Any]) -> float:
    import numpy as np

    return float(np.sqrt(np.mean(np.square(array, dtype=np.float64))))


def _flat(layer: Layer, result: NDArray[Any]) -> float:
    """The part of the numbers that lie at an end of the range of the layer's last function, where that has one."""
    if layer.nodes[-1].kind not in _BOUNDED:
        return 0.0
    low, high = _BOUNDED[layer.nodes[-1].kind]
    edge = _EDGE * (high - low)
    return float(((result < low + edge) | (result > high - edge)).mean())


def diagnose(found: Sequence[Size]) -> list[Finding]:
    """What is wrong with the sizes of a step, the gravest first; nothing, where all is well."""
    findings: list[Finding] = []
    for size in found:
        if size.layer.nodes[-1].kind == "relu" and size.dead >= DEAD:
            message = f"{size.dead:.0%} of the units of {_named(size)} are dead: relu gives 0 for every row"
            help = ("`-> leaky_relu`", "a smaller rate: `optimizer = adam(lr = 1e-3)`", "`init = he_normal`")
            findings.append(Finding("dead", message, help))
        if size.saturated >= SATURATED and size.delta is not None and not size.output:
            kind = size.layer.nodes[-1].kind
            message = f"{size.saturated:.0%} of the numbers of {_named(size)} are saturated: {kind} is flat there"
            help = ("`-> batchnorm` before it", "smaller weights: `init = glorot_uniform`", "inputs `-> standardize`")
            findings.append(Finding("saturated", message, help))
    sent = [(size, size.delta) for size in found if size.weights and size.delta]
    if len(sent) > 2:
        (first, small), (last, large) = sent[0], sent[-1]
        ratio = small / large
        if ratio < FAR:
            message = f"the gradient vanishes: the delta of {_named(first)} is {ratio:.1e} of that of {_named(last)}"
            help = (
                "`-> dense(width, init = he_normal) -> relu`",
                "`-> batchnorm` before each activation",
                "layers that add to what they get: `x + (x -> dense(width) -> relu)`",
            )
            findings.append(Finding("vanishing", message, help))
        if ratio > 1 / FAR:
            message = f"the gradient explodes: the delta of {_named(first)} is {ratio:.1e} times that of {_named(last)}"
            help = (
                "`clip = clip_norm(1.0)`",
                "smaller weights: `init = glorot_uniform`",
                "`-> layernorm` between layers",
            )
            findings.append(Finding("exploding", message, help))
    return findings


def _named(size: Size) -> str:
    return f"layer {size.layer.number}, `{size.layer.name}`"
