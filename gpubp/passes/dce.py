"""Dead code elimination."""

from __future__ import annotations

from ..ir import Eqn, Program, Var


def dce(program: Program) -> Program:
    """Leave out the equations that no output and no update needs. Inputs stay, used or not. Takes and gives a
    verified program."""
    needed: set[Var] = {*program.outputs, *(value for _, value in program.updates)}
    kept: list[Eqn] = []
    for eqn in reversed(program.eqns):
        if eqn.output in needed:
            kept.append(eqn)
            needed.update(x for x in eqn.inputs if isinstance(x, Var))
    return Program(program.inputs, tuple(reversed(kept)), program.outputs, program.updates)
