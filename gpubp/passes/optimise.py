"""The optimisation pipeline."""

from __future__ import annotations

from ..ir import Program, verify
from .cse import cse
from .dce import dce
from .fold import fold
from .simplify import simplify

PASSES = (fold, cse, simplify)
ROUNDS = 8
"""Maximum number of rounds; a training step needs two or three."""


def optimise(program: Program) -> Program:
    """An equivalent program with fewer equations: dead-code elimination, then every pass in turn until a fixed point;
    verified after each pass that changed it. Takes and returns a verified program."""
    for _ in range(ROUNDS):
        before = program = _verified(dce(program), program)
        for pass_ in PASSES:
            program = _verified(pass_(program), program)
        if program is before:
            break
    return dce(program)


def _verified(after: Program, before: Program) -> Program:
    return after if after is before else verify(after)
