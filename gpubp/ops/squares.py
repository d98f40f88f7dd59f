"""How squares, and what is linear in them, are recognised."""

from __future__ import annotations

from collections.abc import Collection

from ..ir import Eqn, Var
from .choices import cast_primitive, gate, where
from .elementwise import add, div, mul, neg, sub
from .pieces import concat_primitive, copy, pad
from .rewrites import Rules, Scope
from .shaping import sum_primitive

_LINEAR = frozenset({add, sub, neg, sum_primitive, concat_primitive, pad, cast_primitive, copy})
"""Primitives that are linear in all operands together, beside those that are views."""


def root(eqn: Eqn) -> Var | None:
    """x if the equation is x * x."""
    return eqn.operands[0] if eqn.op is mul and eqn.inputs[0] is eqn.inputs[1] else None


def linear_in(eqn: Eqn, places: Collection[int]) -> bool:
    """Whether an equation is linear in its inputs at these places together."""
    if eqn.op is mul:
        return len(places) == 1
    if eqn.op is div:
        return 1 not in places
    if eqn.op in (where, gate):
        return 0 not in places
    return eqn.op.trait == "view" or eqn.op in _LINEAR


def _regroup(eqn: Eqn, scope: Scope) -> Var | None:
    """(c x) x = c (x x)."""
    for a, x in (eqn.inputs, eqn.inputs[::-1]):
        producer = scope.producer_of(a)
        if producer is not None and producer.op is mul and isinstance(x, Var) and x in producer.inputs:
            c = producer.inputs[producer.inputs[0] is x]
            return None if c is x else mul(c, mul(x, x))
    return None


SQUARES: Rules = {mul: (_regroup,)}
"""Rules that show products as multiples of squares."""
