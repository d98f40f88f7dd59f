"""Algebraic simplification."""

from __future__ import annotations

from ..ir import Program
from ..ops.algebra import ALGEBRA
from .rewrite import rewrite


def simplify(program: Program) -> Program:
    """Apply the rules of `ops.algebra`, which reduce work without making any value less accurate. Takes and returns a
    verified program, the same object if nothing matched; unused equations are left to `dce`."""
    return rewrite(program, ALGEBRA)
