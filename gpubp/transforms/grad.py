"""Reverse mode as a transform of programs: cotangents are ordinary equations, appended."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import GpubpError
from ..ir import FLOATS, Program, Var, pullback, recording
from ..ops import full


def grad(program: Program, of: Var, wrt: Sequence[Var]) -> tuple[Program, list[Var | None]]:
    """The program with the derivatives of the scalar `of` with respect to each value of `wrt` (inputs or results of
    equations) appended.

    Returns the program, outputs and updates unchanged, and the gradients, None for a value that `of` does not depend
    on. A loop on the way collects what its derivative reads. Raises GpubpError where `of` is no float scalar.
    """
    if of.shape != () or of.dtype not in FLOATS:
        raise GpubpError(f"a gradient needs a float scalar, not {of.aval}")
    with recording() as tail:
        eqns, cotangents = pullback(program.eqns, {of: full((), 1.0, of.dtype)}, wrt)
    grown = Program(program.inputs, (*eqns, *tail), program.outputs, program.updates)
    return grown, [cotangents.get(v) for v in wrt]
