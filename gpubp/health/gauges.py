"""The sizes of a net's layers in a training step, computed by a separate program.

The training program is not changed, nor are the bytes that it computes: this one takes the same rows, weights and
random draws, runs the forward and backward pass, and writes only its statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from .. import ops
from ..executor import Auxiliary, Executor
from ..frontend import Built, TracedStep, check_feeds, trace_step
from ..ir import Eqn, Program, Var, recording
from ..passes import optimise
from .layers import Layer, layers_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

BOUNDED = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""Saturating functions, and their ranges."""
CUT = "relu"
"""The activation whose units can die: if one is 0 for every row, it gets no gradient."""
_EDGE = 0.01
"""A value is saturated within this fraction of the range from an end: there the slope of a sigmoid is below 4 % of its
maximum."""


@dataclass(frozen=True, slots=True)
class Size:
    """Statistics of a layer in one step: the root mean squares of its `result` and of its `delta`, the gradient of the
    loss with respect to that (None without a gradient); the fraction of its units that are 0 for every row, if it ends
    in a relu; the fraction of its values at the ends of a bounded range; whether it has `weights` of its own, and is an
    `output` of the net."""

    layer: Layer
    result: float
    delta: float | None
    dead: float
    saturated: float
    weights: bool
    output: bool


class Gauges:
    """The program that computes the statistics of batches of `rows` rows, on the executor's device. Without a loss,
    there are no deltas. Raises NetError if a layer refuses batches of that size.

    `layers`: those with weights, or with an activation that can die or saturate, but not every operation of a formula.
    `blank`: their sizes, without statistics.
    """

    def __init__(self, executor: Executor, rows: int) -> None:
        cache, key = executor.programs.others, ("gauges", rows)
        if key not in cache:
            cache[key] = _build(executor, rows)
        self.blank, built, self._units = cache[key]
        self.layers = [size.layer for size in self.blank]
        self._program = Auxiliary(executor, built, rows)

    @property
    def memory(self) -> int:
        """Bytes that the program needs in addition to the net's state."""
        return self._program.memory

    def measure(self, batches: Iterable[Sequence[Any]]) -> list[Size]:
        """The sizes of all layers for the executor's current state, over several batches in the programs' input format.
        A unit is dead if it is so in every batch."""
        import numpy as np

        squares: list[NDArray[Any]] = []
        maxima: NDArray[Any] | None = None
        backend = self._program.backend
        with backend.running():
            for arrays in batches:
                outputs = self._program(arrays)
                squares.append(backend.to_host(outputs["figures"]).astype("float64"))
                units = backend.to_host(outputs["units"]) if self._units else np.zeros(0)
                maxima = units.copy() if maxima is None else np.maximum(maxima, units)
        assert maxima is not None
        with np.errstate(all="ignore"):
            figures = np.mean(squares, axis=0)[: 3 * len(self.blank)].reshape(-1, 3)
        return [self._size(size, figures[i], maxima) for i, size in enumerate(self.blank)]

    def _size(self, blank: Size, figures: NDArray[Any], maxima: NDArray[Any]) -> Size:
        result, delta, saturated = figures.tolist()
        dead = 0.0
        if blank.layer in self._units:
            dead = float((maxima[self._units[blank.layer]] == 0).mean())
        # -1 marks a missing delta: a mean square is never negative.
        root = None if delta < 0 else delta**0.5
        return replace(blank, result=result**0.5, delta=root, dead=dead, saturated=saturated)


def sizes(executor: Executor, batch: Mapping[str, Any]) -> list[Size]:
    """The sizes of the layers in a training step on a batch, which does not change the executor. Raises InputError for
    arrays that do not fit, and NetError as `Gauges` does."""
    net = executor.net
    with executor.backend.running():
        arrays, rows = check_feeds(executor.backend, (*net.graph.inputs, *net.graph.targets), batch, executor.dtype)
        return Gauges(executor, rows).measure([arrays])


def _build(executor: Executor, rows: int) -> tuple[list[Size], Built, dict[Layer, slice]]:
    """The layers without statistics, the program, and the slice of its output `units` for each layer."""
    net = executor.net
    traced = trace_step(net, rows, executor.dtype)
    owners = {p.place.name for p in net.layout.parameters.values()}
    outputs = set(net.graph.outputs.values())
    all_layers = layers_of(net, traced)
    weights = {layer: any(node.name in owners for node in layer.nodes) for layer in all_layers}
    last = {layer: layer.nodes[-1] for layer in all_layers}
    layers = [layer for layer in all_layers if weights[layer] or last[layer].kind in (CUT, *BOUNDED)]
    blank = [Size(layer, 0.0, 0.0, 0.0, 0.0, weights[layer], last[layer] in outputs) for layer in layers]
    return blank, *_program(traced, layers)


def _program(traced: TracedStep, layers: Sequence[Layer]) -> tuple[Built, dict[Layer, slice]]:
    """The program, and the slice of its output `units` for each layer that ends in a relu. Its output `figures` has
    three numbers per layer: the mean squares of its result and of its delta (-1 without one), and the saturated
    fraction. `units` holds the maximum of each unit of these layers over the rows."""
    figures: list[Var] = []
    maxima: list[Var] = []
    units: dict[Layer, slice] = {}
    at = 0
    with recording() as tail:
        zero = ops.full((), 0.0, "float64")
        for layer in layers:
            result, delta = traced.values[layer.nodes[-1]], traced.cotangents.get(traced.values[layer.nodes[0]])
            kind = layer.nodes[-1].kind
            figures += [_square(result), zero - 1.0 if delta is None else _square(delta)]
            figures.append(_saturated_fraction(result, *BOUNDED[kind]) if kind in BOUNDED else zero)
            if kind == CUT:
                maximum = ops.max_(result, tuple(range(result.ndim - 1)) or None)
                maxima.append(ops.reshape(maximum, shape=(maximum.aval.size,)))
                units[layer] = slice(at, at + maximum.aval.size)
                at += maximum.aval.size
        outputs = {"figures": ops.concat([ops.reshape(figure, shape=(1,)) for figure in figures or [zero]], axis=0)}
        if maxima:
            outputs["units"] = ops.concat(maxima, axis=0)
    program = optimise(replace(traced.program, eqns=_interleave(traced.program, tail), outputs=tuple(outputs.values())))
    return Built(program, traced.feeds, traced.states, tuple(outputs), {}, {}, {}, {}), units


def _square(x: Var) -> Var:
    """The mean square in float64, where squares of float32 cannot overflow."""
    x64 = ops.cast(x, dtype="float64")
    return ops.mean(x64 * x64)


def _saturated_fraction(x: Var, low: float, high: float) -> Var:
    """The fraction of values at an end of their range."""
    edge = _EDGE * (high - low)
    at_edge = ops.where(x < low + edge, 1.0, ops.where(x > high - edge, 1.0, ops.full(x.shape, 0.0, x.dtype)))
    return ops.cast(ops.mean(at_edge), dtype="float64")


def _interleave(program: Program, extra: Sequence[Eqn]) -> tuple[Eqn, ...]:
    """The equations of a program, with each of `extra` right after the last that it depends on: this does not extend
    the live ranges of its operands."""
    positions = {v: number for number, eqn in enumerate(program.eqns) for v in eqn.outputs}
    following: dict[int, list[Eqn]] = {}
    for eqn in extra:
        number = max((positions.get(v, -1) for v in eqn.operands), default=-1)
        positions |= dict.fromkeys(eqn.outputs, number)
        following.setdefault(number, []).append(eqn)
    ordered = list(following.get(-1, ()))
    for number, eqn in enumerate(program.eqns):
        ordered += [eqn, *following.get(number, ())]
    return tuple(ordered)
