"""The programs of a net: one for each (mode, batch, dtype), made from the graph alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from dsl.diagnostics import DiagnosticError
from dsl.graph import Choice, LayerGraph, Node

from .. import ops
from ..errors import NetError
from ..ir import Aval, Program, Var, origin, recording, verify
from ..layers import Accumulation
from ..passes import optimise, rewrite
from ..registry import lookup
from ..transforms import grad
from .layout import Buffer, Group, Layout, Parameter, aligned
from .loss import data_and_penalties, metric_terms
from .lowering import Lowering

if TYPE_CHECKING:
    from .net import Net

Mode = Literal["predict", "measure", "gradients", "train", "fit"]


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """A program with what its inputs and outputs are: `feeds` come from the batch, `states` are kept by the executor,
    by name; `outputs` names the results; `homes` are arrays that results lie in, kept between steps as they are;
    `hints` are readable names of values; `finish` makes figures of a measuring program's sums."""

    program: Program
    feeds: tuple[str, ...]
    states: tuple[str, ...]
    outputs: tuple[str, ...]
    homes: Mapping[Var, Var]
    hints: Mapping[Var, str]
    finish: Mapping[str, Callable[[Mapping[str, Any], int], float]]


STEP, SEED, RATE_SCALE, MASK = "step", "seed", "rate_scale", "mask"
"""Names of the counters among the states, and of the feed that says which rows of a batch count."""

GUARD = "finite"
"""Output of a training program: whether every gradient is a finite number. Where one is not, the step changes
nothing."""


def gradient_name(group: Group) -> str:
    """The output of a training program that holds the gradients of a group's parameters, laid out as they are."""
    return f"gradient.{group.name}"


COUNTERS: dict[str, tuple[str, float]] = {STEP: ("int64", 0), SEED: ("int64", 0), RATE_SCALE: ("float64", 1.0)}
"""Type and first value of each counter."""


class _States:
    """The states that a program turns out to need: made when first asked for."""

    def __init__(self, layout: Layout, dtype: str) -> None:
        self.layout, self.dtype = layout, dtype
        self.vars: dict[str, Var] = {}

    def get(self, name: str, shape: tuple[int, ...], dtype: str) -> Var:
        if name not in self.vars:
            self.vars[name] = Var(Aval(shape, dtype), name)
        return self.vars[name]

    def counter(self, name: str) -> Var:
        return self.get(name, (), COUNTERS[name][0])

    def flat(self, group: Group) -> Var:
        return self.get(group.name, (group.size,), self.dtype)

    def parameter(self, wanted: Parameter) -> Var:
        group, start = self.layout.places[wanted.name]
        piece = ops.slice_(self.flat(group), start=(start,), stop=(start + wanted.size,))
        return ops.reshape(piece, shape=wanted.shape)

    def buffer(self, wanted: Buffer) -> Var:
        return self.get(wanted.name, wanted.shape, wanted.dtype)


@dataclass(eq=False)
class _Update:
    """The `cx` of an optimizer (gpubp.optim.UpdateContext) for one group."""

    states: _States
    group: Group
    t: Var
    updates: list[tuple[Var, Var]]

    @property
    def decays(self) -> bool:
        return self.group.decays

    @property
    def step(self) -> Var:
        return self.t

    def rate(self, lr: float) -> Var:
        return self.states.counter(RATE_SCALE) * lr

    def scalar(self, value: Var) -> Var:
        return ops.cast(value, dtype=self.states.dtype)

    def state(self, name: str, like: Var) -> Var:
        return self.states.get(f"{name}.{self.group.name}", like.shape, self.states.dtype)

    def assign(self, state: Var, value: Var) -> Var:
        self.updates.append((state, value))
        return value


def build(net: Net, mode: Mode, batch: int, dtype: str, fit: object | None = None, *, passes: bool = True) -> Built:
    """The program of `net` for one mode, batch size and float type. `fit`: the layer whose statistics a `fit` program
    gathers; `passes` False leaves it as it was traced. Raises NetError where a layer fits in training and not in this
    mode."""
    try:
        return _build(net, mode, batch, dtype, fit, passes)
    except DiagnosticError as error:
        raise NetError(error.diagnostics) from error.__cause__


def _build(net: Net, mode: Mode, batch: int, dtype: str, fit: object | None, passes: bool) -> Built:
    graph = net.graph
    states = _States(net.layout, dtype)
    with recording() as eqns:
        cx = Lowering(
            graph,
            batch,
            dtype,
            training=mode in ("gradients", "train"),
            weigh=states.parameter,
            store=states.buffer,
            seed=states.counter(SEED),
            step=states.counter(STEP),
            fit=fit if isinstance(fit, Node) else None,
        )
        nodes = graph.inputs if mode in ("predict", "fit") else (*graph.inputs, *graph.targets)
        feeds = [cx.feed(node) for node in nodes]
        cx.run(graph.nodes)
        outputs: dict[str, Var] = {}
        finish: dict[str, Callable[[Mapping[str, Any], int], float]] = {}
        if mode == "predict":
            outputs = {name: cx.values[node] for name, node in graph.outputs.items()}
        elif mode == "measure":
            mask = Var(Aval((batch,), "float64"), MASK)
            feeds.append(mask)
            outputs, finish = _measure(graph, cx, mask)
        elif mode in ("gradients", "train"):
            assert graph.train is not None
            cx.run(graph.train.nodes)
            data, penalties = data_and_penalties(graph, cx)
            with origin("the loss: the mean over the batch"):
                loss = ops.mean(data, (0,))
            outputs = {"data": loss, "penalty": penalties, "loss": loss + penalties}
    # Evaluation changes nothing, whatever a layer asks for.
    updates = tuple(cx.updates) if mode in ("train", "fit") else ()
    inputs = (*feeds, *states.vars.values())
    program = rewrite(verify(Program(inputs, tuple(eqns), tuple(outputs.values()), ())))
    names = tuple(outputs)
    if mode in ("gradients", "train"):
        program, names = _backward(net, mode, program, names, cx, states, updates)
    else:
        program = replace(program, updates=updates)
    hints = {
        v: n.label or n.name for n, v in cx.values.items() if isinstance(v, Var) and n.kind not in ("input", "target")
    }
    hints.update({var: known.name for known, var in cx.parameters.values()})
    program = verify(replace(program, inputs=(*feeds, *states.vars.values())))
    program = optimise(program) if passes else program
    program, used = _without_unused(program, states)
    results = dict(zip(names, program.outputs, strict=True))
    flat = set(map(gradient_name, net.layout.groups))
    # Programs of all batch sizes share these, and the gaps between gradients stay zero.
    homes = {v: Var(v.aval, name) for name, v in results.items() if name in flat}
    fed = tuple(v.hint for v in feeds)
    return Built(verify(program, frozenset(program.eqns)), fed, used, names, homes, hints, finish)


def _without_unused(program: Program, states: _States) -> tuple[Program, tuple[str, ...]]:
    """The program without the states that nothing reads or writes, and the names of the others."""
    needed = {x for eqn in program.eqns for x in eqn.inputs if isinstance(x, Var)}
    needed.update(program.outputs, *program.updates, () if program.guard is None else (program.guard,))
    kept = {name: var for name, var in states.vars.items() if var in needed}
    gone = set(states.vars.values()) - set(kept.values())
    inputs = tuple(v for v in program.inputs if v not in gone)
    return replace(program, inputs=inputs), tuple(kept)


def _measure(
    graph: LayerGraph, cx: Lowering, mask: Var
) -> tuple[dict[str, Var], dict[str, Callable[[Mapping[str, Any], int], float]]]:
    """Sums over the rows that count, in float64: of the loss, and of each metric's terms, named `metric/term`."""
    outputs: dict[str, Var] = {}
    finish: dict[str, Callable[[Mapping[str, Any], int], float]] = {}
    if graph.train is None:
        return outputs, finish
    cx.run(graph.train.nodes)
    data, penalties = data_and_penalties(graph, cx)
    terms = {"loss": Accumulation({"sum": ops.cast(data, dtype="float64")}, lambda sums, n: float(sums["sum"]) / n)}
    terms.update(metric_terms(graph, cx))
    for name, accumulation in terms.items():
        finish[name] = accumulation.finish
        for term, value in accumulation.terms.items():
            full = ops.broadcast_to(value, shape=(cx.batch, *value.shape[1:]))
            # Padding may hold anything, NaN too: it is chosen away, not multiplied.
            counts = ops.reshape(mask, shape=(cx.batch, *(1,) * (full.ndim - 1))) > 0.0
            outputs[f"{name}/{term}"] = ops.sum_(ops.where(counts, full, 0.0), (0,))
    outputs["penalty"] = ops.cast(penalties, dtype="float64")
    return outputs, finish


def _backward(
    net: Net,
    mode: Mode,
    program: Program,
    names: tuple[str, ...],
    cx: Lowering,
    states: _States,
    updates: tuple[tuple[Var, Var], ...],
) -> tuple[Program, tuple[str, ...]]:
    """Append the gradients, and for training the optimizer's update, which happens only if they are finite numbers."""
    known = dict(zip(names, program.outputs, strict=True))
    vars_ = {name: var for name, (_, var) in cx.parameters.items()}
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
            flat = {group: _flat(group, by_name) for group in net.layout.groups}
            known = {"data": known["data"], "penalty": known["penalty"]}
            known |= {gradient_name(group): g for group, g in flat.items()}
            with origin("the largest gradient, and whether all are finite numbers"):
                largest = _largest(flat.values(), states.dtype)
                guard = known[GUARD] = ops.isfinite(largest)
            updates = (*updates, *_update(net, states, flat, largest))
    program = Program(program.inputs, (*program.eqns, *tail), tuple(known.values()), updates, guard)
    return program, tuple(known)


def _flat(group: Group, gradients: Mapping[str, Var]) -> Var:
    """The gradients of a group in the order and with the gaps of its parameters."""
    pieces: list[Var] = []
    for p in group.parameters:
        pieces.append(ops.reshape(gradients[p.name], shape=(p.size,)))
        if aligned(p.size) > p.size:
            pieces.append(ops.full((aligned(p.size) - p.size,), 0.0, gradients[p.name].dtype))
    return ops.concat(pieces, axis=0)


def _largest(gradients: Iterable[Var], dtype: str) -> Var:
    """The largest absolute value, NaN where there is a NaN: finite if and only if all of them are."""
    largest: Var | None = None
    for g in gradients:
        top = ops.max_(ops.absolute(g))
        largest = top if largest is None else ops.maximum(largest, top)
    return ops.full((), 0.0, dtype) if largest is None else largest


def _update(net: Net, states: _States, gradients: Mapping[Group, Var], largest: Var) -> Sequence[tuple[Var, Var]]:
    """One update per group, on its flat buffer, and the step counter."""
    assert net.graph.train is not None
    optimizer, clip = net.graph.train.options["optimizer"], net.graph.train.options.get("clip")
    assert isinstance(optimizer, Choice)
    clipped = list(gradients.values())
    if isinstance(clip, Choice) and clipped:
        with origin("clipping"):
            clipped = lookup("clip", clip.name).function(clipped, largest, **clip.options)
    with origin("the optimizer"):
        step = states.counter(STEP)
        t = ops.cast(step, dtype="float64") + 1.0
        updates: list[tuple[Var, Var]] = []
        for group, g in zip(gradients, clipped, strict=True):
            flat = states.flat(group)
            cx = _Update(states, group, t, updates)
            updates.append((flat, lookup("optimizer", optimizer.name).function(cx, flat, g, **optimizer.options)))
        updates.append((step, step + 1))
    return updates


def describe(source: object) -> str:
    """The comment over the equations made for a node: its name and its text in the file."""
    if not isinstance(source, Node):
        return str(source)
    text = " ".join(source.span.text.split())
    return f"{source.name}: {text}" if len(text) <= 60 else source.name
