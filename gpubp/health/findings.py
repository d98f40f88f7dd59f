"""Diagnoses from the sizes of layers: vanishing and exploding gradients, dead and saturated units, and remedies for
them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median_low

from dsl.records import dataclass

from ..frontend import Net, initialiser, with_init, with_rate
from ..wording import counted
from .gauges import BOUNDED, CUT, Size

VANISHING_RATIO = 1e-3
"""A gradient has vanished if its ratio between the first and the last layer with weights is below this, and exploded if
it is above the inverse."""
EXPLODING_RATIO = 1e4
"""A gradient has exploded if it is this many times as large as any earlier one."""
DEAD, SATURATED = 0.5, 0.9
"""Fractions from which on a layer is reported: of its units that are 0 for every row, and of its values that lie at the
ends of their range."""
STALLED_SPREAD, STALLED_EPOCHS = 0.01, 3
"""A loss has stalled if those of all epochs, of which there are at least so many, lie within this fraction of the
first."""
RISEN = 1.2
"""A loss has risen if that of the last epoch is this many times that of the first, or more."""
_UNBOUNDED = ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "hardswish", "softplus")
"""Activations whose slope is about 1 for large positive inputs, so that gradients pass."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem: its kind (`vanishing`, `exploding`, `dead`, `saturated`, `lost`, `still` or `risen`), a message, and
    remedies, most of them as text for the file."""

    kind: str
    message: str
    help: tuple[str, ...]


def diagnose(net: Net, sizes: Sequence[Size]) -> list[Finding]:
    """The problems that the sizes of one step show."""
    findings = []
    dead = [size for size in sizes if size.layer.nodes[-1].kind == CUT and size.dead >= DEAD]
    if dead:
        worst = max(dead, key=lambda size: size.dead)
        message = f"{worst.dead:.0%} of the units of {_name_of(worst)} are dead: relu gives 0 for every row"
        help = ("`-> leaky_relu` in its place", *_smaller_rate(net), *_reinitialise(worst))
        findings.append(Finding("dead", message + _others(dead), help))
    saturated = [size for size in sizes if size.saturated >= SATURATED and size.delta is not None and not size.output]
    if saturated:
        worst = max(saturated, key=lambda size: size.saturated)
        kind = worst.layer.nodes[-1].kind
        message = f"{worst.saturated:.0%} of the numbers of {_name_of(worst)} are saturated: {kind} is flat there"
        help = (f"`-> batchnorm -> {kind}`", *_reinitialise(worst), "inputs of about 1: `-> standardize`")
        findings.append(Finding("saturated", message + _others(saturated), help))
    return [*findings, *_gradient_flow(net, sizes)]


def _gradient_flow(net: Net, sizes: Sequence[Size]) -> list[Finding]:
    """Problems in how deltas grow or shrink in the backward pass, from one layer with weights to the next."""
    deltas = [(size, size.delta) for size in sizes if size.weights and size.delta is not None]
    zero = [size for size, delta in deltas if delta == 0]
    # A parameter by itself, `weight`, is no stage on the way through the net.
    nonzero = [(size, delta) for size, delta in deltas if delta != 0 and size.layer.nodes[0].inputs]
    findings = []
    if len(nonzero) > 2:
        (first, small), (last, large) = nonzero[0], nonzero[-1]
        if small < VANISHING_RATIO * large < math.inf:
            comparison = f"{_name_of(first)}, is {small / large:.1e} times that of {_name_of(last)}"
            if zero:
                comparison = f"{_name_of(zero[0])}, is 0, that of {_name_of(last)} {large:.1e}"
            message = f"the gradient vanishes: the delta of {comparison}"
            return [Finding("vanishing", message, _preserve_gradient(net, sizes))]
        if small * VANISHING_RATIO > large:
            message = f"the gradient explodes: the delta of {_name_of(first)}, is {small / large:.1e} times that of "
            findings.append(
                Finding(
                    "exploding", message + _name_of(last), (*_clip_gradient(net), *_reinitialise(first), _LAYERNORM)
                )
            )
    # If no layer has a delta, the loss has no gradient at all: it may already be minimal.
    if zero and deltas[-1][1]:
        downstream = sizes[sizes.index(zero[-1]) :]
        # Dead and saturated units have been reported already.
        if not any(size.dead == 1 or size.saturated >= SATURATED for size in downstream):
            message = f"no gradient reaches {_name_of(zero[-1])}: its delta is 0, and its weights do not change"
            first_weights = dict.fromkeys(line for size in (downstream[1], zero[-1]) for line in _reinitialise(size))
            findings.append(Finding("lost", message + _others(zero), (*first_weights, _LAYERNORM, *_smaller_rate(net))))
    return findings


def grown(net: Net, earlier: Sequence[Sequence[Size]], sizes: Sequence[Size]) -> list[Finding]:
    """Whether the gradient has exploded during training: it is far larger than any measured `earlier`."""
    largest = max(_deltas(sizes), default=0.0)
    previous = max((delta for step in earlier for delta in _deltas(step)), default=0.0)
    if not previous or not largest > EXPLODING_RATIO * previous:
        return []
    message = f"the gradient explodes: the largest delta is {largest / previous:.1e} times what it was before"
    return [Finding("exploding", message, (*_clip_gradient(net), *_smaller_rate(net)))]


def typical(steps: Sequence[Sequence[Size]]) -> list[Size]:
    """The median sizes of each layer over several steps, so that an outlier is not reported. A delta is 0 only if it is
    0 in all of them."""
    sizes = []
    for layer in zip(*steps, strict=True):
        deltas = [size.delta for size in layer if size.delta is not None]
        deltas = [delta for delta in deltas if delta] or deltas
        sizes.append(
            replace(
                layer[0],
                result=median_low(size.result for size in layer),
                delta=median_low(deltas) if deltas else None,
                dead=median_low(size.dead for size in layer),
                saturated=median_low(size.saturated for size in layer),
            )
        )
    return sizes


def still(net: Net, losses: Sequence[float]) -> list[Finding]:
    """Whether the loss has stalled."""
    if len(losses) < STALLED_EPOCHS or not max(losses) - min(losses) < STALLED_SPREAD * abs(losses[0]):
        return []
    message = f"the loss does not change: {losses[0]:.4g} in the first epoch, {losses[-1]:.4g} in the last"
    return [Finding("still", message, (*_rate(net, 10.0, "a larger rate"), *_rate(net, 0.1, "or a smaller one")))]


def risen(net: Net, losses: Sequence[float]) -> list[Finding]:
    """Whether the loss has risen since the first epoch: steps that are too large have left what was learnt in it. Dead
    units and vanishing gradients may follow from that."""
    if len(losses) < STALLED_EPOCHS or not 0 < RISEN * losses[0] <= losses[-1]:
        return []
    message = f"the loss has risen: {losses[0]:.4g} in the first epoch, {losses[-1]:.4g} in the last"
    return [Finding("risen", message, (*_smaller_rate(net), *_clip_gradient(net)))]


def _deltas(sizes: Sequence[Size]) -> list[float]:
    return [size.delta for size in sizes if size.weights and size.delta is not None]


def _name_of(size: Size) -> str:
    return f"layer {size.layer.number}, `{size.layer.name}`"


def _others(affected: Sequence[Size]) -> str:
    """The number of other layers with the problem; the worst is named."""
    count = len(affected) - 1
    return f"; the same holds for {counted(count, 'other layer')}" if count else ""


# Remedies --------------------------------------------------------------------------------------------------------
_LAYERNORM = "`-> layernorm` between layers"


def _preserve_gradient(net: Net, sizes: Sequence[Size]) -> tuple[str, ...]:
    """Remedies for a vanishing gradient, but for those that the net already has."""
    inner = [size.layer.nodes for size in sizes if len(size.layer.nodes) > 1 and initialiser(size.layer.nodes[0])]
    bounded = [nodes for nodes in inner if nodes[-1].kind in BOUNDED]
    normalized = any(node.kind.endswith("norm") for node in net.graph.nodes)
    help = [] if normalized else ["`-> batchnorm` before each activation"]
    if inner:
        first, last = (bounded or inner)[0]
        passes = last.kind in _UNBOUNDED
        stage = f"{with_init(first, 'he_normal')} -> {last.kind if passes else 'relu'}"
        if not passes or not str(initialiser(first)).startswith("he_"):
            help.insert(0, f"`-> {stage}`")
        help.append(f"residual connections: `x + (x -> {stage})`")
    return tuple(help)


def _reinitialise(size: Size) -> tuple[str, ...]:
    """A standard initialiser, for a layer that has another."""
    node = size.layer.nodes[0]
    init = initialiser(node)
    if init is None or init.startswith(("glorot", "xavier", "he_")):
        return ()
    scheme = "he_normal" if size.layer.nodes[-1].kind in _UNBOUNDED else "glorot_uniform"
    return (f"another initialiser: `{with_init(node, scheme)}`",)


def _clip_gradient(net: Net) -> tuple[str, ...]:
    return () if net.option("clip") is not None or net.searches_line else ("`clip = clip_norm(1.0)`",)


def _smaller_rate(net: Net) -> tuple[str, ...]:
    return _rate(net, 0.1, "a smaller rate")


def _rate(net: Net, factor: float, what: str) -> tuple[str, ...]:
    line = with_rate(net, factor)
    return () if line is None else (f"{what}: `{line}`",)
