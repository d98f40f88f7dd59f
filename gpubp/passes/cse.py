"""Common-subexpression elimination."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..ir import Eqn, Operand, Program, Var, map_bodies


def cse(program: Program) -> Program:
    """Merge equations with the same primitive, inputs and params into the first, which keeps its origin. Literals are
    equal if their type and every bit are. A random equation has its own stream number among its params, so that two
    draws are never merged. Bodies are equal if they print the same. Takes and returns a verified program, the same
    object if nothing is merged."""
    program = map_bodies(program, cse)
    first: dict[Any, Eqn] = {}
    replaced: dict[Operand, Var] = {}
    eqns: list[Eqn] = []
    for old in program.eqns:
        inputs = tuple([replaced.get(x, x) for x in old.inputs])
        eqn = old if inputs == old.inputs else replace(old, inputs=inputs)
        key = (eqn.op, tuple(map(_key, inputs)), tuple([(k, _key(v)) for k, v in eqn.params.items()]))
        earlier = first.setdefault(key, eqn)
        if earlier is eqn:
            eqns.append(eqn)
        else:
            replaced.update(zip(eqn.outputs, earlier.outputs, strict=True))
    if not replaced:
        return program
    return replace(
        program,
        eqns=tuple(eqns),
        outputs=tuple(replaced.get(v, v) for v in program.outputs),
        updates=tuple((state, replaced.get(v, v)) for state, v in program.updates),
        guard=None if program.guard is None else replaced.get(program.guard, program.guard),
    )


def _key(value: Any) -> Any:
    """Equal for equivalent inputs or params: numbers by type and sign, NaN equal to itself, programs by their printed
    form."""
    kind = type(value)
    if kind is Var or kind is str:
        return value
    if kind is tuple:
        return tuple(map(_key, value))
    return (kind, repr(value)) if isinstance(value, int | float | Program) else value
