"""Row-wise primitives decomposed into others, if a row is not contiguous, or too long to be buffered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...ir import Eqn, Program, RowDecomposition, map_bodies, recording
from ..c.row_parts import BUFFERED


def decompose_rows(program: Program) -> Program:
    """The program with such rows decomposed. Takes and returns a verified program."""
    program = map_bodies(program, decompose_rows)
    return replace(program, eqns=tuple(step for eqn in program.eqns for step in _decomposed(eqn)))


def _decomposed(eqn: Eqn) -> Iterator[Eqn]:
    form, axis = eqn.op.c, eqn.params.get("axis")
    if not isinstance(form, RowDecomposition):
        yield eqn
        return
    shape = eqn.output.shape
    if axis in (-1, len(shape) - 1) and shape[-1] <= BUFFERED:
        yield eqn
        return
    with recording() as steps:
        out = form.steps(*eqn.inputs, **eqn.params)
    for step in steps:
        outputs = eqn.outputs if step.output is out else step.outputs
        yield Eqn(step.op, step.inputs, step.params, outputs, eqn.origin)
