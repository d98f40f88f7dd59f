"""What exporting a net needs of it: a program for any batch size, names of its results, and errors."""

from __future__ import annotations

from typing import Final

from dsl.diagnostics import Diagnostic
from dsl.graph import Node

from ..errors import NetError
from ..ir import Eqn, Gather, Program, Var, bodies, source_of
from ..passes import same_but_for_batch
from .net import Net
from .programs import Built, build

BATCHES: Final = (2**31 - 1, 2**31 - 19)
"""Two primes larger than the number of elements of any example."""


def build_for_any_batch(net: Net, dtype: str) -> tuple[Built, int]:
    """The prediction program for any batch size, and the placeholder that stands for it: the multiples of it in the
    program are those of the batch size. Raises NetError if the computation depends on the batch size otherwise."""
    one, other = (build(net, "predict", batch, dtype) for batch in BATCHES)
    if not same_but_for_batch(one.program, other.program, BATCHES):
        message = "the net cannot be exported: its outputs for a row depend on the number of rows"
        help = "`gpubp export RUN -o net.c` exports it for one row at a time"
        raise NetError([Diagnostic("E0506", message, None, help=(help,))])
    return one, BATCHES[0]


def result_names(program: Program) -> dict[Var, str]:
    """Names of all results, after the layer and the operation."""
    found: dict[Var, str] = {}
    for eqn in program.eqns:
        node = source_of(eqn.origin)
        layer = f"{node.name}/" if isinstance(node, Node) else ""
        found |= {v: v.hint or f"{layer}{eqn.op.name}" for v in eqn.outputs}
        for body in bodies(eqn):
            found |= result_names(body)
    return found


def unsupported(eqn: Eqn, language: str) -> NetError:
    """The error for an equation without a form in C or ONNX, at the place in the file that it originates from."""
    node = source_of(eqn.origin)
    what, span = (f"`{node.name}`", node.span) if isinstance(node, Node) else ("a step of the net", None)
    help = "`gpubp ir FILE --mode predict` prints the program as Python over NumPy, which runs by itself"
    if language == "C" and isinstance(eqn.op.c, Gather):
        help = "windows of up to 64 places can be exported: two smaller ones, one after the other, see as much"
    elif language != "C" and eqn.op.c is not None:
        help = "it has a form in C: `gpubp export RUN -o net.c`"
    message = f"{what} cannot be exported: it has no form in {language}"
    label = "only Python computes this" if language == "C" else f"{language} has no such operation"
    return NetError([Diagnostic("E0506", message, span, label, help=(help,))])
