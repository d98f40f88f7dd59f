"""The rewriting pass: applies the rules that `ops.rewrites` declares."""

from __future__ import annotations

from ..ir import Eqn, Operand, Program, Var, origin, recording
from ..ops.rewrites import RULES


def rewrite(program: Program) -> Program:
    """Replace what the rules match, once, in order. Takes and gives a verified program; equations left without use
    stay for `dce`."""
    replaced: dict[Var, Var] = {}
    makers: dict[Var, Eqn] = {}
    out: list[Eqn] = []

    def current(operand: Operand) -> Operand:
        return replaced.get(operand, operand) if isinstance(operand, Var) else operand

    def made_by(operand: Operand) -> Eqn | None:
        return makers.get(operand) if isinstance(operand, Var) else None

    for old in program.eqns:
        inputs = tuple(map(current, old.inputs))
        eqn = old if inputs == old.inputs else Eqn(old.op, inputs, old.params, old.output, old.origin)
        for rule in RULES.get(eqn.op, ()):
            with recording() as made, origin(eqn.origin):
                value = rule(eqn, made_by)
            if value is not None:
                replaced[eqn.output] = value
                out += made
                makers.update((m.output, m) for m in made)
                break
        else:
            out.append(eqn)
            makers[eqn.output] = eqn
    return Program(
        program.inputs,
        tuple(out),
        tuple(replaced.get(v, v) for v in program.outputs),
        tuple((state, replaced.get(v, v)) for state, v in program.updates),
    )
