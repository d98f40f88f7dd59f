"""Algebra that keeps numbers finite: what the pass `rewrite` replaces, and by what.

A loss takes the outputs that a reader sees (`sigmoid`, `softmax` results) and their logarithm; computed so, it
overflows. Each rule looks at one equation, through `made_by` at the equations that made its inputs, and returns the
value to use instead, or None.
"""

from __future__ import annotations

from collections.abc import Callable

from ..ir import Eqn, Operand, Primitive, Program, Var
from .elementwise import log, log_probability, sigmoid, softplus, sub
from .reduce import log_softmax, softmax

MadeBy = Callable[[Operand], Eqn | None]
Rule = Callable[[Eqn, MadeBy], Var | None]


def _stable_log(x: Operand, made_by: MadeBy) -> Var | None:
    """log(sigmoid(z)) = -softplus(-z), log(1 - sigmoid(z)) = -softplus(z), log(softmax(z)) = log_softmax(z)."""
    eqn = made_by(x)
    if eqn is None:
        return None
    if eqn.op is sigmoid:
        return -softplus(-_var(eqn.inputs[0]))
    if eqn.op is softmax:
        return log_softmax(_var(eqn.inputs[0]), axis=eqn.params["axis"])
    if eqn.op is sub and not isinstance(eqn.inputs[0], Var) and eqn.inputs[0] == 1:
        return _log_of_complement(eqn.inputs[1], made_by)
    return _behind_view(eqn, made_by, _stable_log)


def _log_of_complement(x: Operand, made_by: MadeBy) -> Var | None:
    """log(1 - x) where x is a sigmoid."""
    eqn = made_by(x)
    if eqn is None:
        return None
    return -softplus(_var(eqn.inputs[0])) if eqn.op is sigmoid else _behind_view(eqn, made_by, _log_of_complement)


def _behind_view(eqn: Eqn, made_by: MadeBy, rule: Callable[[Operand, MadeBy], Var | None]) -> Var | None:
    """The logarithm of moved values is the moved logarithm."""
    value = rule(eqn.inputs[0], made_by) if eqn.op.trait == "view" else None
    return None if value is None else eqn.op(value, **eqn.params)


def _var(operand: Operand) -> Var:
    if not isinstance(operand, Var):
        raise TypeError("a recorded activation of a literal")
    return operand


RULES: dict[Primitive, tuple[Rule, ...]] = {
    op: (lambda eqn, made_by: _stable_log(eqn.inputs[0], made_by),) for op in (log, log_probability)
}
"""The rules to try on an equation of a primitive, first match first."""


def clamped_logs(program: Program) -> list[Eqn]:
    """The equations of losses whose logarithm no rule could make safe: their probabilities are clamped at the
    smallest normal number."""
    return [eqn for eqn in program.eqns if eqn.op is log_probability]
