"""Reverse mode as a transform of programs: cotangents are ordinary equations, appended."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import GpubpError
from ..ir import FLOATS, Eqn, Program, Var, origin, recording
from ..ops import full


def grad(program: Program, of: Var, wrt: Sequence[Var]) -> tuple[Program, list[Var | None]]:
    """The program with the derivatives of the scalar `of` with respect to each value of `wrt` (inputs or results of
    equations) appended.

    Returns the program, outputs and updates unchanged, and the gradients, None for a value that `of` does not depend
    on. Walks back only over the equations that lead from `wrt` to `of` (Griewank & Walther 2008, section 3.2). Raises
    GpubpError where `of` is no float scalar.
    """
    if of.shape != () or of.dtype not in FLOATS:
        raise GpubpError(f"a gradient needs a float scalar, not {of.aval}")
    live = set(wrt)
    for eqn in program.eqns:
        if eqn.op.vjp is not None and any(x in live for x in eqn.inputs if isinstance(x, Var)):
            live.add(eqn.output)
    with recording() as tail:
        cotangents: dict[Var, Var] = {of: full((), 1.0, of.dtype)}
        for eqn in reversed(program.eqns):
            if eqn.output in live and eqn.output in cotangents:
                with origin(eqn.origin):
                    _push(eqn, cotangents[eqn.output], live, cotangents)
    grown = Program(program.inputs, (*program.eqns, *tail), program.outputs, program.updates)
    return grown, [cotangents.get(v) for v in wrt]


def _push(eqn: Eqn, g: Var, live: set[Var], cotangents: dict[Var, Var]) -> None:
    """Send the cotangent of an equation's result on to its inputs."""
    if eqn.op.vjp is None:
        return
    for x, cotangent in zip(eqn.inputs, eqn.op.vjp(g, eqn.output, *eqn.inputs, **eqn.params), strict=True):
        if isinstance(x, Var) and cotangent is not None and x in live:
            if cotangent.aval != x.aval:
                raise GpubpError(f"the derivative of `{eqn.op.name}` gives {cotangent.aval} for {x.aval}")
            cotangents[x] = cotangents[x] + cotangent if x in cotangents else cotangent
