"""Reverse-mode differentiation as a program transformation: cotangents are ordinary equations, appended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import GpubpError
from ..ir import FLOATS, Program, Var, leading_to, pullback, recorded, recording
from ..ops import full


def backward(program: Program, of: Var, wrt: Sequence[Var]) -> tuple[Program, dict[Var, Var]]:
    """The program with the backward pass from the scalar `of` to each value of `wrt` (inputs or results of equations)
    appended, outputs and updates unchanged.

    Returns it with the derivatives of `of` with respect to every value on the way; a value without one has no
    influence. Loops on the way collect their residuals. Raises GpubpError if `of` is not a float scalar.
    """
    if of.shape != () or of.dtype not in FLOATS:
        raise GpubpError(f"a gradient needs a float scalar, not {of.aval}")
    with recording() as tail:
        eqns, cotangents = pullback(program.eqns, {of: full((), 1.0, of.dtype)}, wrt)
    return Program(program.inputs, (*eqns, *tail), program.outputs, program.updates), cotangents


def grad(program: Program, of: Var, wrt: Sequence[Var]) -> tuple[Program, list[Var | None]]:
    """As `backward`, with only the derivatives with respect to `wrt`, in order; None for one that `of` does not depend
    on."""
    grown, cotangents = backward(program, of, wrt)
    return grown, [cotangents.get(v) for v in wrt]


def derivative(of: Var, by: Var, source: object = None) -> Var | None:
    """Record the derivative of the sum of `of` with respect to `by`, in the program that is being recorded; None if
    `of` does not depend differentiably on `by`.

    Its equations are ordinary ones, with origin `source`: `grad` and `derivative` can differentiate them again, as far
    as their primitives have derivatives. Loops on the way collect their residuals.
    """
    tape = recorded()
    needed = leading_to(of, tape)
    with recording() as tail:
        kept, cotangents = pullback(needed, {of: full(of.shape, 1.0, of.dtype)}, [by])
    if by in cotangents:
        grown = dict(zip(needed, kept, strict=True))
        tape[:] = (*(grown.get(eqn, eqn) for eqn in tape), *(replace(eqn, origin=source) for eqn in tail))
    return cotangents.get(by)
