"""Constant folding."""

from __future__ import annotations

from dataclasses import replace

from ..errors import ShapeError
from ..ir import Eqn, Operand, Program, Var, map_bodies, results
from ..ops.constants import Literal, constant, is_constant, uniform


def fold(program: Program) -> Program:
    """Replace values whose elements are all one number, known at compile time: by literals in the elementwise equations
    that use them, where the result shape does not depend on them, and by one constant where the program returns, stores
    or computes them. Views of a constant stay. Takes and returns a verified program, the same object if nothing is
    constant; unused equations are left to `dce`."""
    program = map_bodies(program, fold)
    constants: dict[Var, Literal] = {}
    escaping = {*program.outputs, *(value for _, value in program.updates)}
    eqns: list[Eqn] = []
    for eqn in program.eqns:
        value = uniform(eqn, constants) if len(eqn.outputs) == 1 else None
        if value is not None:
            constants[eqn.output] = value
            unchanged = is_constant(eqn) or (eqn.op.trait == "view" and eqn.output not in escaping)
            eqns.append(eqn if unchanged else constant(eqn, value))
        else:
            eqns.append(_with_literals(eqn, constants))
    return program if eqns == [*program.eqns] else replace(program, eqns=tuple(eqns))


def _with_literals(eqn: Eqn, constants: dict[Var, Literal]) -> Eqn:
    """The equation with its constant inputs as literals, if the result type stays the same."""
    if eqn.op.trait != "elementwise" or constants.keys().isdisjoint(eqn.operands):
        return eqn
    inputs: tuple[Operand, ...] = tuple(constants.get(x, x) if isinstance(x, Var) else x for x in eqn.inputs)
    try:
        same_type = results(eqn.op, inputs, eqn.params) == (eqn.output.aval,)
    except ShapeError:
        same_type = False
    return replace(eqn, inputs=inputs) if same_type else eqn
