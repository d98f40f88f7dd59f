"""Dead code elimination."""

from __future__ import annotations

from dataclasses import replace

from ..ir import Eqn, Program, Var


def dce(program: Program) -> Program:
    """Leave out the equations that no output and no update needs. Inputs stay, used or not. Takes and gives a
    verified program, the same one where all are needed."""
    needed: set[Var | None] = {*program.outputs, *(value for _, value in program.updates), program.guard}
    kept: list[Eqn] = []
    for eqn in reversed(program.eqns):
        if not needed.isdisjoint(eqn.outputs):
            kept.append(eqn)
            needed.update(eqn.operands)
    return program if len(kept) == len(program.eqns) else replace(program, eqns=tuple(reversed(kept)))
