"""Algebraic simplification rules: what the pass `simplify` replaces, and by what.

Most rules are bit-exact up to the sign of zero, as long as no intermediate value overflows or is subnormal. Those
marked *rounding* change the last digits, with an error bound no larger than before.
"""

from __future__ import annotations

from ..ir import FLOATS, PRIMITIVES, Eqn, Operand, Var
from .choices import cast_primitive
from .elementwise import add, div, mul, neg, sub
from .moves import MOVES
from .rewrites import Rules, Scope, single_use, value_of
from .shaping import sum_primitive

STEPS = 8
"""Maximum search depth for a sign or a factor."""


def _is(x: Operand, value: float) -> bool:
    return not isinstance(x, Var) and x == value


# Signs and literal factors -------------------------------------------------------------------------------------------
def _without_sign(x: Operand, scope: Scope, steps: int = STEPS) -> Operand | None:
    """-x, if that saves an equation: x is a negation, or a product, quotient, sum or view with a single use that
    contains one."""
    eqn = scope.producer_of(x)
    if eqn is None or steps == 0:
        return None
    if eqn.op is neg:
        return eqn.inputs[0]
    if scope.uses_of(x) != 1:
        return None
    if eqn.op in (mul, div):
        a, b = eqn.inputs
        if (unsigned := _without_sign(a, scope, steps - 1)) is not None:
            return eqn.op(unsigned, b)
        return eqn.op(a, unsigned) if (unsigned := _without_sign(b, scope, steps - 1)) is not None else None
    if eqn.op is sum_primitive or eqn.op is cast_primitive or eqn.op.trait == "view":
        unsigned = _without_sign(eqn.inputs[0], scope, steps - 1)
        return None if unsigned is None else eqn.op(unsigned, **eqn.params)
    return None


def _literal_factor(x: Operand, scope: Scope, steps: int = STEPS) -> tuple[float, Var] | None:
    """(c, v) with x = c v, where c is a literal or a sign: x is a product, or a sum or view with a single use of
    one."""
    eqn = scope.producer_of(x)
    if eqn is None or steps == 0:
        return None
    if eqn.op is neg:
        return -1.0, value_of(eqn.inputs[0])
    if scope.uses_of(x) != 1:
        return None
    if eqn.op is mul:
        for c, v in (eqn.inputs, eqn.inputs[::-1]):
            if not isinstance(c, Var) and isinstance(v, Var):
                return float(c), v
    if eqn.op is sum_primitive or eqn.op.trait == "view":
        inner = _literal_factor(eqn.inputs[0], scope, steps - 1)
        return None if inner is None else (inner[0], eqn.op(inner[1], **eqn.params))
    return None


def _scaled(c: float, x: Var) -> Var | None:
    """c x, if the literal c, possibly a product of literals, is a normal number."""
    if c == 1:
        return x
    if c == -1:
        return -x
    smallest, largest = (2.0**-126, 2.0**127) if x.dtype == "float32" else (2.0**-1022, 2.0**1023)
    return c * x if smallest <= abs(c) <= largest else None


def _neg(eqn: Eqn, scope: Scope) -> Var | None:
    """-(c x) = (-c) x; -(a - b) = b - a; -(-a b) = a b."""
    (x,) = eqn.inputs
    if (inner := _literal_factor(x, scope)) is not None:
        return _scaled(-inner[0], inner[1])
    producer = single_use(x, scope)
    if producer is not None and producer.op is sub:
        return sub(producer.inputs[1], producer.inputs[0])
    unsigned = _without_sign(x, scope)
    return unsigned if isinstance(unsigned, Var) else None


def _scale(eqn: Eqn, scope: Scope) -> Var | None:
    """1 x = x; -1 x = -x; c (d x) = (c d) x, also with a sum in between (*rounding*, except for a sign or a power of
    two)."""
    for c, x in (eqn.inputs, eqn.inputs[::-1]):
        if not isinstance(c, Var) and isinstance(x, Var) and x.dtype in FLOATS:
            if c in (1, -1):
                return _scaled(c, x)
            inner = _literal_factor(x, scope)
            return None if inner is None else _scaled(c * inner[0], inner[1])
    return None


def _two_signs(eqn: Eqn, scope: Scope) -> Var | None:
    """(-a) (-b) = a b, and likewise for a quotient."""
    a, b = eqn.inputs
    if (first := _without_sign(a, scope)) is None or (second := _without_sign(b, scope)) is None:
        return None
    return eqn.op(first, second)


def _sign_to_factor(eqn: Eqn, scope: Scope) -> Var | None:
    """(c x) (-b) = (-c x) b, in either order, and likewise for a quotient: the sign moves into the literal."""
    for i in (0, 1):
        scaled, other = eqn.inputs[i], eqn.inputs[1 - i]
        if single_use(scaled, scope) is None or (inner := _literal_factor(scaled, scope)) is None or abs(inner[0]) == 1:
            continue
        if (unsigned := _without_sign(other, scope)) is not None and (
            negated := _scaled(-inner[0], inner[1])
        ) is not None:
            return eqn.op(*((negated, unsigned) if i == 0 else (unsigned, negated)))
    return None


def _div(eqn: Eqn, scope: Scope) -> Var | None:
    """x / 1 = x; c / (-x) = (-c) / x; (-x) / c = x / (-c)."""
    a, b = eqn.inputs
    if _is(b, 1) and isinstance(a, Var):
        return a
    if not isinstance(a, Var) and (unsigned := _without_sign(b, scope)) is not None:
        return div(-a, unsigned)
    if not isinstance(b, Var) and (unsigned := _without_sign(a, scope)) is not None:
        return div(unsigned, -b)
    return None


def _add(eqn: Eqn, scope: Scope) -> Var | None:
    """x + 0 = x; a + (-b) = a - b; x + x = 2 x if that can merge with another factor."""
    for a, b in (eqn.inputs, eqn.inputs[::-1]):
        if _is(b, 0) and isinstance(a, Var):
            return a
        if (unsigned := _without_sign(b, scope)) is not None and isinstance(a, Var):
            return sub(a, unsigned)
    a, b = eqn.inputs
    producer = scope.producer_of(a)
    if a is b and producer is not None and producer.op is mul and scope.uses_of(a) == 2:
        for c, x in (producer.inputs, producer.inputs[::-1]):
            if not isinstance(c, Var) and isinstance(x, Var):
                return _scaled(2.0 * c, x)
    return None


def _sub(eqn: Eqn, scope: Scope) -> Var | None:
    """x - 0 = x; 0 - x = -x; a - (-b) = a + b."""
    a, b = eqn.inputs
    if _is(b, 0) and isinstance(a, Var):
        return a
    if _is(a, 0) and isinstance(b, Var) and b.dtype in FLOATS:
        return -b
    return add(a, unsigned) if (unsigned := _without_sign(b, scope)) is not None else None


def _common_factor(eqn: Eqn, scope: Scope) -> Var | None:
    """c a - c b = c (a - b), and likewise for a sum (*rounding*): with unit roundoff u, the error is at most 2 u |c (a
    - b)|, never more than the original's u (|c a| + |c b| + |c (a - b)|)."""
    first, second = (single_use(x, scope) for x in eqn.inputs)
    if first is None or second is None or first.op is not mul or second.op is not mul:
        return None
    for c, a in (first.inputs, first.inputs[::-1]):
        for d, b in (second.inputs, second.inputs[::-1]):
            literals = not isinstance(c, Var) and not isinstance(d, Var) and c == d
            if (c is d and isinstance(c, Var) and c.dtype in FLOATS) or literals:
                return mul(c, eqn.op(a, b)) if isinstance(a, Var) or isinstance(b, Var) else None
    return None


_SIGNS: Rules = {
    neg: (_neg,),
    mul: (_scale, _two_signs, _sign_to_factor),
    div: (_div, _two_signs, _sign_to_factor),
    add: (_add, _common_factor),
    sub: (_sub, _common_factor),
}
ALGEBRA: Rules = {p: (*_SIGNS.get(p, ()), *MOVES.get(p, ())) for p in PRIMITIVES.values()}
"""Rules that make no value less accurate."""
