"""Lifting: programs that differ only in literals become one program, which takes these numbers as inputs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from ..ir import Aval, Operand, Program, Var
from ..ops.constants import literal_dtype, runtime_literals

Column = tuple[str, tuple[float, ...]]
"""A literal that differs between programs: its dtype, and its value in the first, the second, ..."""


def outline(program: Program) -> Hashable:
    """A key that is equal for programs that differ only in literals named by `runtime_literals`: everything else in the
    program."""
    number_of: dict[Var, int] = {}

    def place(x: Operand) -> object:
        return number_of.setdefault(x, len(number_of)) if isinstance(x, Var) else repr(x)

    inputs = tuple((v.hint, str(v.aval), place(v)) for v in program.inputs)
    eqns = []
    for eqn in program.eqns:
        free = dict(runtime_literals(eqn))
        operands = tuple("" if i in free else place(x) for i, x in enumerate(eqn.inputs))
        params = tuple((key, repr(value)) for key, value in eqn.params.items())
        eqns.append((eqn.op.name, params, operands, tuple((place(v), str(v.aval)) for v in eqn.outputs)))
    updates = tuple((place(state), place(value)) for state, value in program.updates)
    guard = None if program.guard is None else place(program.guard)
    return inputs, tuple(eqns), tuple(map(place, program.outputs)), updates, guard


def lift(programs: Sequence[Program], names: dict[Column, str]) -> Program:
    """The first of several programs with the same `outline`, in which each literal that differs between them is
    replaced by a scalar input, after the others. `names`: the names of these inputs; new ones are added."""
    inputs: dict[Column, Var] = {}
    eqns = []
    for counterparts in zip(*(program.eqns for program in programs), strict=True):
        operands = list(counterparts[0].inputs)
        for numbers in zip(*map(runtime_literals, counterparts), strict=True):
            values = tuple(number for _, number in numbers)
            if len({*map(repr, values)}) > 1:
                i = numbers[0][0]
                column = literal_dtype(counterparts[0]), values
                name = names.setdefault(column, f"setting{len(names)}")
                operands[i] = inputs.setdefault(column, Var(Aval((), column[0]), name))
        eqns.append(replace(counterparts[0], inputs=tuple(operands)))
    first = programs[0]
    return replace(first, inputs=(*first.inputs, *inputs.values()), eqns=tuple(eqns))
