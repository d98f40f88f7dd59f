"""Numerically stabilising rules: what the pass `rewrite` replaces before differentiation, and by what.

Losses take probabilities (the results of `sigmoid`, `softmax`) and their logarithm, which would overflow if computed
literally. Each rule looks at one equation and, through its scope, at the equations that produced its inputs, and
returns the value to use instead, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from ..ir import Eqn, Operand, Primitive, Program, Var
from .choices import where
from .elementwise import (
    add,
    exp,
    log,
    log_probability,
    maximum,
    mul,
    neg,
    sigmoid,
    sigmoid_cross_entropy,
    softplus,
    sub,
)
from .reduce import log_softmax, softmax


class Scope(Protocol):
    """What a rule may ask about the program around an equation."""

    def producer_of(self, x: Operand) -> Eqn | None:
        """The equation that produced a value; None for a literal or an input."""

    def uses_of(self, x: Operand) -> int:
        """How many equations, outputs and updates use a value."""


Rule = Callable[[Eqn, Scope], Var | None]
Rules = Mapping[Primitive, tuple[Rule, ...]]
"""The rules to try on an equation of a primitive, first match first."""


SMALL = -30.0
"""Where e^z is negligible against 1 in double precision: log(1 + e^z) is e^z, to a relative 5e-14."""


def single_use(x: Operand, scope: Scope) -> Eqn | None:
    """The equation of a value with a single use: replacing it costs nothing extra."""
    return scope.producer_of(x) if scope.uses_of(x) == 1 else None


def value_of(operand: Operand) -> Var:
    """An operand that cannot be a literal, since no equation has only literals."""
    if not isinstance(operand, Var):
        raise TypeError("an equation of literals only")
    return operand


def _stable_log(x: Operand, scope: Scope) -> Var | None:
    """log(sigmoid(z)) = -softplus(-z), log(1 - sigmoid(z)) = -softplus(z), log(softmax(z)) = log_softmax(z),
    log(exp(z)) = z, log(softplus(z)) = z where exp(z) is negligible against 1."""
    eqn = scope.producer_of(x)
    if eqn is None:
        return None
    if eqn.op is sigmoid:
        return -softplus(-value_of(eqn.inputs[0]))
    if eqn.op is softmax:
        return log_softmax(value_of(eqn.inputs[0]), axis=eqn.params["axis"])
    if eqn.op is exp:
        return value_of(eqn.inputs[0])
    if eqn.op is softplus:
        z = value_of(eqn.inputs[0])
        bound = scope.producer_of(z)
        if bound is not None and bound.op is maximum and bound.inputs[1] == SMALL:
            return None  # it is what this rule has made
        return where(z < SMALL, z, log(softplus(maximum(z, SMALL))))
    if eqn.op is sub and not isinstance(eqn.inputs[0], Var) and eqn.inputs[0] == 1:
        return _log_of_complement(eqn.inputs[1], scope)
    return _through_view(eqn, scope, _stable_log)


def _log_of_complement(x: Operand, scope: Scope) -> Var | None:
    """log(1 - x) where x is a sigmoid."""
    eqn = scope.producer_of(x)
    if eqn is None:
        return None
    return -softplus(value_of(eqn.inputs[0])) if eqn.op is sigmoid else _through_view(eqn, scope, _log_of_complement)


def _through_view(eqn: Eqn, scope: Scope, rule: Callable[[Operand, Scope], Var | None]) -> Var | None:
    """log commutes with views."""
    value = rule(eqn.inputs[0], scope) if eqn.op.trait == "view" else None
    return None if value is None else eqn.op(value, **eqn.params)


def _cross_entropy(eqn: Eqn, scope: Scope) -> Var | None:
    """y log s(z) + (1 - y) log(1 - s(z)) = -sigmoid_cross_entropy(z, y), whose derivative is the textbook's s(z) - y.

    The logarithms have become -softplus(-z) and -softplus(z).
    """
    for with_y, without_y in (eqn.inputs, eqn.inputs[::-1]):
        for y, log_p in _factors(with_y, scope):
            for rest, log_q in _factors(without_y, scope):
                complement = scope.producer_of(rest)
                if complement is None or complement.op is not sub or complement.inputs[0] != 1:
                    continue
                if complement.inputs[1] is y and (z := _logit(log_p, log_q, scope)) is not None:
                    return -sigmoid_cross_entropy(z, y)
    return None


def _factors(x: Operand, scope: Scope) -> Iterator[tuple[Operand, Operand]]:
    """The factors of a product, in both orders."""
    eqn = scope.producer_of(x)
    if eqn is not None and eqn.op is mul:
        a, b = eqn.inputs
        yield from ((a, b), (b, a))


def _logit(log_p: Operand, log_q: Operand, scope: Scope) -> Var | None:
    """z, if log_p = -softplus(-z) and log_q = -softplus(z), behind the same views."""
    views: list[Eqn] = []
    while True:
        p, q = scope.producer_of(log_p), scope.producer_of(log_q)
        if p is None or q is None or p.op is not q.op or p.params != q.params:
            return None
        if p.op.trait != "view":
            break
        views.append(p)
        log_p, log_q = p.inputs[0], q.inputs[0]
    if p.op is not neg:
        return None
    p, q = scope.producer_of(p.inputs[0]), scope.producer_of(q.inputs[0])
    if p is None or q is None or p.op is not softplus or q.op is not softplus:
        return None
    z = value_of(q.inputs[0])
    if not _opposite(p.inputs[0], z, scope):
        return None
    for view in reversed(views):
        z = view.op(z, **view.params)
    return z


def _opposite(a: Operand, b: Operand, scope: Scope) -> bool:
    """Whether one is computed as the negative of the other."""
    producers = (scope.producer_of(a), scope.producer_of(b))
    return any(m is not None and m.op is neg and m.inputs[0] is x for m, x in zip(producers, (b, a), strict=True))


STABILISING: Rules = {
    **{op: (lambda eqn, scope: _stable_log(eqn.inputs[0], scope),) for op in (log, log_probability)},
    add: (_cross_entropy,),
}
"""Not bit-identical, but more accurate: the exponentials of large numbers are never computed."""


def clamped_logs(program: Program) -> list[Eqn]:
    """The equations of losses whose logarithm no rule could stabilise: their probabilities are clamped at the smallest
    normal number."""
    return [eqn for eqn in program.eqns if eqn.op is log_probability]
