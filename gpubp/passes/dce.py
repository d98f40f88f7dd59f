"""Dead-code elimination."""

from __future__ import annotations

from dataclasses import replace

from ..ir import Eqn, Program, Var


def dce(program: Program) -> Program:
    """Remove equations that no output and no update depends on; of loops, also unused results and the parts of bodies
    that lead to none. Inputs stay, used or not. Takes and returns a verified program, the same object if nothing is
    dead."""
    needed: set[Var | None] = {*program.outputs, *(value for _, value in program.updates), program.guard}
    kept: list[Eqn] = []
    for eqn in reversed(program.eqns):
        if not needed.isdisjoint(eqn.outputs):
            used = eqn if eqn.op.prune is None else eqn.op.prune(eqn, needed, dce)
            kept.append(used)
            needed.update(used.operands)
    eqns = tuple(reversed(kept))
    return program if eqns == program.eqns else replace(program, eqns=eqns)
