"""A training step for inspection: forward and backward equations, and what their values are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dsl.diagnostics import DiagnosticError
from dsl.graph import Node
from dsl.records import dataclass

from ..errors import NetError
from ..ir import Program, Var, origin, recording, verify
from ..passes import rewrite
from ..transforms import backward
from .net import Net
from .tracing import losses, lowering


@dataclass(frozen=True, slots=True, eq=False)
class TracedStep:
    """The training program of loss and gradients, plus the parts of the forward pass that the stabilising rules
    replaced, so that each node of the file has its value. Its inputs are `feeds`, rows of the inputs and targets,
    followed by `states`, by name; its outputs are the scalars `data`, `penalty` and `loss`. For a net without a loss it
    is the forward pass of a prediction, without outputs.

    `values` are those of the nodes; `parameters` by name; `updates` the new values of running statistics, by state;
    `cotangents` the derivatives of the whole loss with respect to every value in the backward pass.
    """

    program: Program
    feeds: tuple[str, ...]
    states: tuple[str, ...]
    values: Mapping[Node, Var]
    parameters: Mapping[str, Var]
    updates: Mapping[Var, Var]
    cotangents: Mapping[Var, Var]


def trace_step(net: Net, batch: int, dtype: str) -> TracedStep:
    """The step of `net` on `batch` rows, or its forward pass if it has no loss. Raises NetError if a layer refuses
    batches of that size."""
    graph = net.graph
    cx, states = lowering(net, "predict" if graph.train is None else "gradients", batch, dtype)
    try:
        with recording() as eqns:
            feeds = [cx.feed(node) for node in (*graph.inputs, *graph.targets)]
            cx.run(graph.nodes)
            outputs = losses(graph, cx) if graph.train is not None else {}
    except DiagnosticError as error:
        raise NetError(error.diagnostics) from error.__cause__
    inputs = (*feeds, *states.vars.values())
    program = verify(Program(inputs, tuple(eqns), tuple(outputs.values())))
    parameters = {name: var for name, (_, var) in cx.parameters.items()}
    cotangents: Mapping[Var, Var] = {}
    if outputs:
        stable = rewrite(program)
        trained = [var for name, var in parameters.items() if not net.layout.places[name][0].frozen]
        with origin("backpropagation"):
            program, cotangents = backward(stable, stable.outputs[-1], trained)
    computed = {v for eqn in program.eqns for v in eqn.outputs}
    replaced = (eqn for eqn in eqns if computed.isdisjoint(eqn.outputs))
    return TracedStep(
        verify(replace(program, eqns=(*program.eqns, *replaced))),
        tuple(v.hint for v in feeds),
        tuple(states.vars),
        {node: value for node, value in cx.values.items() if isinstance(value, Var)},
        parameters,
        cx.updates,
        cotangents,
    )
