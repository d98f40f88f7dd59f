"""The loss and the metrics of given outputs, such as the means over an ensemble, in place of those of one net."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from dsl.diagnostics import DiagnosticError

from .. import ops
from ..ir import Aval, Program, Var, leading_to, recording, verify
from ..layers.metrics import mean_of
from ..memory import uncollected
from ..passes import optimise, rewrite
from .loss import data_and_penalties, metric_terms
from .net import Net
from .programs import KEPT, MASK, Built, sums_of, without_unused
from .tracing import lowering


@uncollected()
def build_scores(
    net: Net, batch: int, dtype: str, outputs: Collection[str], own: Collection[str], shared: Collection[str]
) -> Built:
    """The measuring program that takes the named outputs behind inputs and targets. What depends on a state that is not
    `shared` in another way, such as on weights or a random draw, or on an input in `own`, is left out: the outputs do
    not tell it. Without penalties, which are those of weights."""
    graph = net.graph
    assert graph.train is not None
    cx, states = lowering(net, "measure", batch, dtype)
    with recording() as eqns:
        feeds = {node.name: cx.feed(node) for node in (*graph.inputs, *graph.targets)}
        given = {name: Var(Aval((batch, *net.outputs[name]), dtype), name) for name in outputs}
        cx.values.update((graph.outputs[name], var) for name, var in given.items())
        cx.varying.update(graph.outputs[name] for name in outputs)
        mask = Var(Aval((batch,), "float64"), MASK)
        # The derivative of a given output fails, and then is missing from the values, as is what is made of it.
        with suppress(DiagnosticError):
            cx.run(graph.all_nodes)
        figures = metric_terms(graph, cx)
        if graph.train.loss in cx.values:
            figures = {"loss": mean_of(data_and_penalties(graph, cx)[0]), **figures}
        sums, finish = sums_of(figures, cx, mask)
        penalty = ops.full((), 0.0, "float64")
    elsewhere = {feeds[name] for name in own} | {var for name, var in states.vars.items() if name not in shared}
    lost = {
        name.replace(KEPT, "/").partition("/")[0]
        for name, var in sums.items()
        if any(not elsewhere.isdisjoint(eqn.operands) for eqn in leading_to(var, eqns))
    }
    kept = {name: var for name, var in sums.items() if name.replace(KEPT, "/").partition("/")[0] not in lost}
    kept["penalty"] = penalty
    fed = (*feeds.values(), *given.values(), mask)
    program = rewrite(verify(Program((*fed, *states.vars.values()), tuple(eqns), tuple(kept.values()), ())))
    program, used = without_unused(optimise(program), states)
    finish = {name: one for name, one in finish.items() if name not in lost}
    return Built(verify(program), tuple(v.hint for v in fed), used, tuple(kept), {}, {}, states.notation, finish)
