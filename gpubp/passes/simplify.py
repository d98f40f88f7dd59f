"""Algebraic simplification."""

from __future__ import annotations

from ..ir import Program
from ..ops.algebra import ALGEBRA
from .rewrite import rewrite


def simplify(program: Program) -> Program:
    """Apply the rules of `ops.algebra`, which leave less to compute and make no value less exact. Takes and gives a
    verified program, the same one where nothing matched; equations left without use stay for `dce`."""
    return rewrite(program, ALGEBRA)
