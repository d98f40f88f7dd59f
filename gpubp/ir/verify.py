"""The verifier: every pass takes and returns a verified program. It knows no primitive by name."""

from __future__ import annotations

from ..errors import GpubpError
from .avals import Aval
from .program import Program, bodies
from .values import Var


def verify(program: Program) -> Program:
    """Return the program unchanged. Raises GpubpError if a value is used before its definition, is defined twice, or
    has another shape or dtype than the primitive's rule says, if an update does not match its state, or if an output or
    update is a view of a state that another update overwrites."""
    made: set[Var] = set(program.inputs)
    shown: dict[Var, Var] = {}
    if len(made) != len(program.inputs):
        raise GpubpError("an input is listed twice")
    for eqn in program.eqns:
        for x in eqn.operands:
            if x not in made:
                raise GpubpError(f"`{eqn.op.name}` uses a value that is not made yet: {x.hint or x.aval}")
        for body in bodies(eqn):
            verify(body)
        if eqn.fault:
            raise GpubpError(eqn.fault)
        for output in eqn.outputs:
            if output in made:
                raise GpubpError(f"`{eqn.op.name}` makes a value that already exists: {output.hint or output.aval}")
            made.add(output)
        if eqn.op.trait == "view" and isinstance(eqn.inputs[0], Var):
            shown[eqn.output] = shown.get(eqn.inputs[0], eqn.inputs[0])
    if program.guard is not None and (program.guard not in made or program.guard.aval != Aval((), "bool")):
        raise GpubpError("the guard is no bool scalar that the program makes")
    for output in program.outputs:
        if output not in made:
            raise GpubpError(f"an output is never made: {output.hint or output.aval}")
    states = [state for state, _ in program.updates]
    if len(set(states)) != len(states):
        raise GpubpError("a state is updated twice")
    for state, value in program.updates:
        if state not in program.inputs:
            raise GpubpError(f"an update writes to a value that is no input: {state.hint or state.aval}")
        if value not in made:
            raise GpubpError(f"the update of `{state.hint}` is never made")
        if shown.get(value, value) in states and value is not state:
            raise GpubpError(f"the update of `{state.hint}` is another state, which may be written first")
        if state.aval != value.aval:
            raise GpubpError(f"the update of `{state.hint}` is {value.aval}, the state {state.aval}")
    for output in program.outputs:
        state = shown.get(output, output)
        if state in states:
            raise GpubpError(f"an output shows the memory of the state `{state.hint}`, which an update changes")
    return program
