"""The curvature of losses that are sums of squares, for optimizers that require them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from dsl.diagnostics import Diagnostic, Label
from dsl.graph import LayerGraph, Node, ancestors

from .. import ops
from ..data.batches import optimizer_of
from ..ir import Eqn, Program, Var, recording, verify
from ..ops.squares import SQUARES
from ..passes import cse, dce, rewrite
from ..transforms import NotSquaresError, diagonal, gauss_newton, inlined, jacobian, squared, stack
from .layout import Group
from .lowering import Lowering
from .net import Net
from .states import States
from .suspicions.derivatives import MIXES
from .tracing import losses, lowering
from .update import flattened

MOST = 4096
"""Parameters whose curvature is computed, a matrix of 128 MiB in float64."""


def curvature(net: Net, group: Group, states: States, feeds: Sequence[Var]) -> Var:
    """Record the Gauss-Newton approximation of the Hessian of the loss with respect to a group's parameters, (size,
    size): of the batch `feeds`, the inputs and targets, as the mean over its examples, and of the penalties.

    The net is traced for one example, and that program is stacked.
    """
    batch, graph = feeds[0].shape[0], net.graph
    cx, _ = lowering(net, "gradients", 1, states.dtype, states=states)
    with recording() as eqns:
        example = [cx.feed(node) for node in (*graph.inputs, *graph.targets)]
        cx.run(graph.nodes)
        terms = losses(graph, cx)
    kept = tuple(states.vars.values())
    weights = [cx.parameters[parameter.name][1] for parameter in group.parameters]
    program = Program((*example, *kept), tuple(eqns), (terms["data"], terms["penalty"], *weights))
    program = rewrite(cse(rewrite(verify(program))), SQUARES)
    data, penalty, *weights = program.outputs

    def flatten(gradients: Sequence[Var | None]) -> Var:
        pieces = zip(group.parameters, weights, gradients, strict=True)
        return flattened(group, {p.name: ops.full(w.shape, 0.0, w.dtype) if g is None else g for p, w, g in pieces})

    matrix = ops.full((group.size, group.size), 0.0, states.dtype)
    if squares := squared(program.eqns, data, weights):
        copies = stack(jacobian(program, squares, data, weights, flatten), batch, kept)
        rows = [ops.reshape(feed, shape=(batch, 1, *feed.shape[1:])) for feed in feeds]
        gradients, shares = inlined(copies, *rows, *kept)
        matrix = gauss_newton(gradients, shares * (1.0 / batch))
    penalties = dce(Program(kept, program.eqns, (penalty, *weights)))
    if not (squares := squared(penalties.eqns, penalty, weights)):
        return matrix
    if (of_weights := diagonal(penalties, squares, penalty, weights, flatten)) is not None:
        (elements,) = inlined(of_weights, *kept)
        return matrix + elements * ops.eye(group.size, states.dtype)
    return matrix + gauss_newton(*inlined(jacobian(penalties, squares, penalty, weights, flatten), *kept))


def check_least_squares(
    graph: LayerGraph, cx: Lowering, eqns: Sequence[Eqn], terms: Sequence[Var], frozen: Collection[str]
) -> Iterator[Diagnostic]:
    """What an optimizer that requires a sum of squares cannot minimise, if it is one, in the trace of a training:
    `terms`, the loss of each example and the penalties; `frozen`: names of parameters that are not trained."""
    train, optimizer = graph.train, optimizer_of(graph.train)
    if train is None or optimizer is None or not optimizer.least_squares:
        return
    name, place = optimizer.name, train.spans["optimizer"]
    asked = (Label(place, "asks for squares of errors"),)
    weights = {var: known for known, var in cx.parameters.values() if known.name not in frozen}
    size = sum(known.size for known in weights.values())
    if size > MOST:
        message = f"`{name}` computes a matrix of all pairs of parameters, of which {MOST:,} are the most, not {size:,}"
        yield Diagnostic("E0524", message, place, help=("a smaller net, or `lbfgs`, which needs vectors only",))
    for node in ancestors(train.loss):
        if node.kind in MIXES and node.name not in frozen:
            yield Diagnostic(
                "E0524",
                f"`{name}` takes the loss of each example alone, but `{node.kind}` mixes the examples of a batch",
                node.span,
                labels=asked,
                help=("`layernorm` looks at one example alone; `lbfgs` takes any loss",),
            )
    program = rewrite(cse(Program((), tuple(eqns), tuple(terms))), SQUARES)
    for term in program.outputs:
        try:
            squared(program.eqns, term, list(weights))
        except NotSquaresError as error:
            span = error.eqn.origin.span if isinstance(error.eqn.origin, Node) else train.spans["loss"]
            yield Diagnostic(
                "E0524",
                f"`{name}` minimises a sum of squares, which this is not",
                span,
                labels=asked,
                help=("such losses are `mse(p, y)` and `(p - y)^2`; `lbfgs` minimises any other",),
            )
