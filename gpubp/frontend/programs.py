"""The programs of a net: one for each (mode, batch, dtype), built from the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from dsl.diagnostics import DiagnosticError
from dsl.graph import LayerGraph, Node
from dsl.records import dataclass

from .. import ops
from ..errors import NetError
from ..ir import Aval, Program, Var, origin, recording, verify
from ..layers import Accumulation
from ..layers.metrics import mean_of
from ..memory import uncollected
from ..passes import optimise, rewrite
from ..transforms import grad
from .least_squares import curvature
from .loss import data_and_penalties, metric_terms
from .lowering import Lowering
from .net import Net
from .squared_deviations import PARTS, combine_deviations, deviation_parts
from .states import States
from .tracing import Mode, losses, lowering
from .update import GUARD, gradient_name, update

Finish = Mapping[str, Callable[[Mapping[str, Any], int], Any]]
"""For each metric what computes it from its sums and the number of rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """A program with the roles of its inputs and outputs: `feeds` come from the batch, `states` are kept by the
    executor, by name; `outputs` names the results; `homes` are results with an array of their own, persistent between
    steps; `hints` are readable names of values, `notation` what formulas of the update write for some; `finish`
    computes metrics from the sums of a measuring program."""

    program: Program
    feeds: tuple[str, ...]
    states: tuple[str, ...]
    outputs: tuple[str, ...]
    homes: Mapping[Var, Var]
    hints: Mapping[Var, str]
    notation: Mapping[Var, str]
    finish: Finish


KEPT = "|"
"""Separates metric and term in the name of an output that is kept per row or piece, not summed."""

MASK = "mask"
"""Name of the feed that marks which rows of a batch count."""


@uncollected()
def build(net: Net, mode: Mode, batch: int, dtype: str, fit: object | None = None, *, passes: bool = True) -> Built:
    """The program of `net` for one mode, batch size and float dtype. `fit`: the layer whose statistics a `fit` program
    computes; with `passes` False it is not optimised. Raises NetError if a layer works in training mode but not in this
    mode."""
    try:
        return _build(net, mode, batch, dtype, fit, passes)
    except DiagnosticError as error:
        raise NetError(error.diagnostics) from error.__cause__


def _build(net: Net, mode: Mode, batch: int, dtype: str, fit: object | None, passes: bool) -> Built:
    cx, states = lowering(net, mode, batch, dtype, fit)
    with recording() as eqns:
        feeds, outputs, finish = _traced(net, mode, cx, fit)
    # Evaluation changes no state, even if a layer asks for it.
    updates = tuple(cx.updates.items()) if mode in ("train", "fit") else ()
    inputs = (*feeds, *states.vars.values())
    program = rewrite(verify(Program(inputs, tuple(eqns), tuple(outputs.values()), ())))
    outputs = dict(zip(outputs, program.outputs, strict=True))
    if mode in ("gradients", "train"):
        program, outputs = _backward(net, mode, program, outputs, cx, states, updates)
    else:
        program = replace(program, updates=updates)
    program = verify(replace(program, inputs=(*feeds, *states.vars.values())))
    program = optimise(program) if passes else program
    program, used = without_unused(program, states)
    flat = set(map(gradient_name, net.layout.groups))
    # Programs of all batch sizes share these, and the padding between gradients stays zero.
    results = zip(program.outputs, outputs, strict=True)
    homes = {v: Var(v.aval, name) for v, name in results if name in flat}
    fed = tuple(v.hint for v in feeds)
    return Built(verify(program), fed, used, tuple(outputs), homes, _hints(cx), states.notation, finish)


def _traced(net: Net, mode: Mode, cx: Lowering, fit: object | None) -> tuple[list[Var], dict[str, Var], Finish]:
    """Record the forward pass: what is fed to it, its results by name, and what finishes the metrics among them."""
    graph = net.graph
    nodes = graph.inputs if mode == "predict" else (*graph.inputs, *graph.targets)
    feeds = [cx.feed(node) for node in (fed_to_fit(net, [fit]) if mode == "fit" else nodes)]
    cx.run(graph.nodes)
    if fit in graph.train_nodes:
        cx.run(graph.train_nodes)
    if mode == "predict":
        return feeds, {name: cx.values[node] for name, node in graph.outputs.items()}, {}
    if mode == "measure":
        mask = Var(Aval((cx.batch,), "float64"), MASK)
        return [*feeds, mask], *_measure(graph, cx, mask)
    return feeds, losses(graph, cx) if mode in ("gradients", "train") else {}, {}


def _hints(cx: Lowering) -> dict[Var, str]:
    """Readable names of values and parameters."""
    computed = ((n, v) for n, v in cx.values.items() if isinstance(v, Var) and n.kind not in ("input", "target"))
    hints = {v: n.label or n.name for n, v in computed}
    return {**hints, **{var: known.name for known, var in cx.parameters.values()}}


def fed_to_fit(net: Net, fitted: Sequence[object]) -> tuple[Node, ...]:
    """The inputs of a fit program: of layers their inputs, of losses the targets too."""
    judged = any(node in net.graph.train_nodes for node in fitted)
    return (*net.graph.inputs, *(net.graph.targets if judged else ()))


def without_unused(program: Program, states: States) -> tuple[Program, tuple[str, ...]]:
    """The program without unused states, and the names of the remaining ones."""
    needed = {x for eqn in program.eqns for x in eqn.inputs if isinstance(x, Var)}
    needed.update(program.outputs, *program.updates, () if program.guard is None else (program.guard,))
    kept = {name: var for name, var in states.vars.items() if var in needed}
    gone = set(states.vars.values()) - set(kept.values())
    inputs = tuple(v for v in program.inputs if v not in gone)
    return replace(program, inputs=inputs), tuple(kept)


def _measure(graph: LayerGraph, cx: Lowering, mask: Var) -> tuple[dict[str, Var], Finish]:
    """The sums of the loss and of each metric, and the penalties."""
    if graph.train is None:
        return {}, {}
    cx.run(graph.train.nodes)
    data, penalties = data_and_penalties(graph, cx)
    outputs, finish = sums_of({"loss": mean_of(data), **metric_terms(graph, cx)}, cx, mask)
    outputs["penalty"] = ops.cast(penalties, dtype="float64")
    return outputs, finish


def sums_of(figures: Mapping[str, Accumulation], cx: Lowering, mask: Var) -> tuple[dict[str, Var], Finish]:
    """For each figure sums of its terms over the rows that count, in float64, named `figure/term`; and the values that
    it keeps per row, or per piece, named `figure|term`. And what computes the figures from them."""
    outputs: dict[str, Var] = {}
    for name, accumulation in figures.items():
        for term, value in accumulation.terms.items():
            full = _for_each(value, cx)
            outputs[f"{name}/{term}"] = ops.sum_(ops.where(_counting(mask, full), full, 0.0), (0,))
        for term, value in accumulation.rows.items():
            outputs[f"{name}{KEPT}{term}"] = _for_each(value, cx)
        for term, value in accumulation.deviations.items():
            full = _for_each(value, cx)
            parts = deviation_parts(full, _counting(mask, full), ops.sum_(mask, (0,)))
            outputs |= {f"{name}{KEPT}{term}.{part}": statistic for part, statistic in parts.items()}
    return outputs, {name: partial(_finished, accumulation) for name, accumulation in figures.items()}


def _for_each(value: Var, cx: Lowering) -> Var:
    return ops.broadcast_to(value, shape=(cx.batch, *value.shape[1:]))


def _counting(mask: Var, like: Var) -> Var:
    """Which rows count. Padding may contain anything, even NaN: it is selected away, not multiplied by 0."""
    return ops.reshape(mask, shape=(*mask.shape, *(1,) * (like.ndim - 1))) > 0.0


def _finished(accumulation: Accumulation, sums: Mapping[str, Any], count: int) -> Any:
    squares = {
        term: combine_deviations({part: sums[f"{term}.{part}"] for part in PARTS}) for term in accumulation.deviations
    }
    return accumulation.finish({**sums, **squares}, count)


def _backward(
    net: Net,
    mode: Mode,
    program: Program,
    known: dict[str, Var],
    cx: Lowering,
    states: States,
    updates: tuple[tuple[Var, Var], ...],
) -> tuple[Program, dict[str, Var]]:
    """Append the gradients of everything not frozen, and for training the optimizer's update, guarded by their
    finiteness. `known`: the program's outputs by name."""
    train = net.graph.train
    assert train is not None
    vars_ = {name: var for name, (_, var) in cx.parameters.items() if not net.layout.places[name][0].frozen}
    with origin("backpropagation"):
        program, gradients = grad(program, known["loss"], list(vars_.values()))
    with recording() as tail:
        by_name = {
            name: g if g is not None else ops.full(var.shape, 0.0, var.dtype)
            for (name, var), g in zip(vars_.items(), gradients, strict=True)
        }
        if mode == "gradients":
            known, guard, updates = {"loss": known["loss"], **by_name}, None, ()
        else:
            feeds = [cx.values[node] for node in (*net.graph.inputs, *net.graph.targets)]
            hessian = partial(curvature, net, states=states, feeds=feeds)
            done = update(train, states, by_name, known["loss"], hessian, cx.batch)
            guard, data, penalty = done.guard, known["data"], known["penalty"]
            if done.retracted is not None:
                trial, before = done.retracted[0], ops.cast(done.retracted[1], dtype=cx.dtype)
                stays = ops.where(trial, done.finite, ops.equal(trial, False))
                data, penalty = ops.where(stays, data, before), ops.where(stays, penalty, 0.0)
                updates = tuple((state, ops.where(stays, value, state)) for state, value in updates)
            known = {"data": data, "penalty": penalty, GUARD: guard}
            known |= {gradient_name(group): g for group, g in done.gradients.items()}
            updates = (*updates, *done.states)
    return Program(program.inputs, (*program.eqns, *tail), tuple(known.values()), updates, guard), known
