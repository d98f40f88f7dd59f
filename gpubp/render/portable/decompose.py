"""Row-wise primitives decomposed into others, if a row is not contiguous, or too long to be buffered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...ir import Eqn, Program, RowDecomposition, map_bodies
from ..c.row_parts import BUFFERED, decomposition


def decompose_rows(program: Program) -> Program:
    """The program with such rows decomposed. Takes and returns a verified program."""
    program = map_bodies(program, decompose_rows)
    return replace(program, eqns=tuple(step for eqn in program.eqns for step in _decomposed(eqn)))


def _decomposed(eqn: Eqn) -> Iterator[Eqn]:
    form, shape = eqn.op.c, eqn.outputs[0].shape
    if isinstance(form, RowDecomposition) and (eqn.params["axis"] not in (-1, len(shape) - 1) or shape[-1] > BUFFERED):
        yield from decomposition(eqn, form)
    else:
        yield eqn
