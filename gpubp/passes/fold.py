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
    known: dict[Var, Literal] = {}
    ends = {*program.outputs, *(value for _, value in program.updates)}
    out: list[Eqn] = []
    for eqn in program.eqns:
        value = uniform(eqn, known) if len(eqn.outputs) == 1 else None
        if value is not None:
            known[eqn.output] = value
            kept = is_constant(eqn) or (eqn.op.trait == "view" and eqn.output not in ends)
            out.append(eqn if kept else constant(eqn, value))
        else:
            out.append(_with_literals(eqn, known))
    same = all(a is b for a, b in zip(out, program.eqns, strict=True))
    return program if same else replace(program, eqns=tuple(out))


def _with_literals(eqn: Eqn, known: dict[Var, Literal]) -> Eqn:
    """The equation with its constant inputs as literals, if the result type stays the same."""
    if eqn.op.trait != "elementwise" or known.keys().isdisjoint(eqn.operands):
        return eqn
    inputs: tuple[Operand, ...] = tuple(known.get(x, x) if isinstance(x, Var) else x for x in eqn.inputs)
    try:
        fits = results(eqn.op, inputs, eqn.params) == (eqn.output.aval,)
    except ShapeError:
        fits = False
    return replace(eqn, inputs=inputs) if fits else eqn
