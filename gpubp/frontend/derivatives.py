"""The expression that a derivative within a program is taken of: the value in its numerically stable form."""

from __future__ import annotations

from dataclasses import replace

from ..ir import Operand, Program, Var, leading_to, recorded
from ..passes import rewrite


def stabilised(of: Var, by: Var) -> Var:
    """The value `of` in the program that is being recorded, with logarithms of sigmoids and softmaxes in their stable
    forms, whose derivatives are finite everywhere; unchanged if there are none. New equations are appended.

    Nothing is rewritten across `by`: the logarithm of a probability has a derivative with respect to that probability.
    """
    tape = recorded()
    before = set(leading_to(by, tape))
    after = [eqn for eqn in leading_to(of, tape) if eqn not in before]
    safe = rewrite(Program((), tuple(after), (of,)))
    same = set(after)
    fresh: dict[Operand, Var] = {}
    for eqn in safe.eqns:
        if eqn not in same or not fresh.keys().isdisjoint(eqn.operands):
            fresh.update((v, Var(v.aval, v.hint)) for v in eqn.outputs)
            inputs, outputs = (tuple(fresh.get(x, x) for x in side) for side in (eqn.inputs, eqn.outputs))
            tape.append(replace(eqn, inputs=inputs, outputs=outputs))  # type: ignore[arg-type]
    (value,) = safe.outputs
    return fresh.get(value, value)
