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
from .shaping import reshape_primitive

MadeBy = Callable[[Operand], Eqn | None]
Rule = Callable[[Eqn, MadeBy], Var | None]


def _made(operand: Operand, op: Primitive, made_by: MadeBy) -> Eqn | None:
    eqn = made_by(operand)
    return eqn if eqn is not None and eqn.op is op else None


def _log_of_sigmoid(eqn: Eqn, made_by: MadeBy) -> Var | None:
    """log(sigmoid(z)) = -softplus(-z)."""
    inner = _made(eqn.inputs[0], sigmoid, made_by)
    return None if inner is None else -softplus(-_var(inner.inputs[0]))


def _log_of_complement(eqn: Eqn, made_by: MadeBy) -> Var | None:
    """log(1 - sigmoid(z)) = -softplus(z)."""
    outer = _made(eqn.inputs[0], sub, made_by)
    if outer is None or isinstance(outer.inputs[0], Var) or outer.inputs[0] != 1:
        return None
    inner = _made(outer.inputs[1], sigmoid, made_by)
    return None if inner is None else -softplus(_var(inner.inputs[0]))


def _log_of_softmax(eqn: Eqn, made_by: MadeBy) -> Var | None:
    """log(softmax(z)) = log_softmax(z), also through a reshape."""
    inner = _made(eqn.inputs[0], softmax, made_by)
    if inner is not None:
        return log_softmax(_var(inner.inputs[0]), axis=inner.params["axis"])
    moved = _made(eqn.inputs[0], reshape_primitive, made_by)
    inner = None if moved is None else _made(moved.inputs[0], softmax, made_by)
    if moved is None or inner is None:
        return None
    return reshape_primitive(log_softmax(_var(inner.inputs[0]), axis=inner.params["axis"]), shape=moved.params["shape"])


def _var(operand: Operand) -> Var:
    if not isinstance(operand, Var):
        raise TypeError("a recorded activation of a literal")
    return operand


RULES: dict[Primitive, tuple[Rule, ...]] = dict.fromkeys(
    (log, log_probability), (_log_of_sigmoid, _log_of_complement, _log_of_softmax)
)
"""The rules to try on an equation of a primitive, first match first."""


def clamped_logs(program: Program) -> list[Eqn]:
    """The equations of losses whose logarithm no rule could make safe: their probabilities are clamped at the
    smallest normal number."""
    return [eqn for eqn in program.eqns if eqn.op is log_probability]
