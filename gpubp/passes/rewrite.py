"""The rewriting pass: applies the rules declared in `ops.rewrites` and `ops.algebra`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ..ir import Eqn, Operand, Program, Var, map_bodies, recording
from ..ops.rewrites import STABILISING, Rules

DEPTH = 16
"""Maximum depth of rewriting a rule's own result in one sweep, so that rules which undo each other terminate."""


def rewrite(program: Program, rules: Rules = STABILISING) -> Program:
    """Apply the rules in one sweep, in order; the result of a rule is rewritten again. Takes and returns a verified
    program, the same object if nothing matched; unused equations are left to `dce`."""
    program = map_bodies(program, lambda body: rewrite(body, rules))
    with recording() as tape:
        sweep = _Sweep(program, rules, tape)
        for eqn in program.eqns:
            sweep.take(eqn, 0)
    if not sweep.replaced:
        return program
    return replace(
        program,
        eqns=tuple(sweep.out),
        outputs=tuple(map(sweep.current, program.outputs)),
        updates=tuple((state, sweep.current(v)) for state, v in program.updates),
        guard=None if program.guard is None else sweep.current(program.guard),
    )


class _Sweep:
    """One sweep over a program; also the `scope` that rules see (gpubp.ops.rewrites.Scope)."""

    def __init__(self, program: Program, rules: Rules, tape: list[Eqn]) -> None:
        self.rules, self.tape = rules, tape
        self.inputs = set(program.inputs)
        self.open = {*program.outputs, *(value for _, value in program.updates)}
        self._follow(program.eqns)
        self.shown: dict[Var, Var] = {}
        self.replaced: dict[Var, Var] = {}
        self.makers: dict[Var, Eqn] = {}
        self.out: list[Eqn] = []
        self.uses = Counter(x for eqn in program.eqns for x in eqn.operands)
        self.uses.update((*program.outputs, *(v for _, v in program.updates)))
        if program.guard is not None:
            self.uses[program.guard] += 1

    def made_by(self, x: Operand) -> Eqn | None:
        return self.makers.get(x) if isinstance(x, Var) else None

    def uses_of(self, x: Operand) -> int:
        return self.uses[x] if isinstance(x, Var) else 0

    def current(self, x: Var) -> Var:
        return self.replaced.get(x, x)

    def take(self, old: Eqn, depth: int) -> None:
        """Append an equation, or its rewritten form, to the new program."""
        inputs = tuple(self.current(x) if isinstance(x, Var) else x for x in old.inputs)
        eqn = old if inputs == old.inputs else replace(old, inputs=inputs)
        rules = self.rules.get(eqn.op, ()) if depth < DEPTH else ()
        for rule in rules:
            value = rule(eqn, self)
            made = [replace(m, origin=eqn.origin) for m in self.tape] if value is not None else []
            self.tape.clear()
            if value is not None and not self._shows_input(eqn, value, made):
                self._replace(eqn, value, made, depth)
                return
        self.out.append(eqn)
        for output in eqn.outputs:
            self.makers[output] = eqn
        if eqn.op.trait == "view":
            (x,) = eqn.operands
            self.shown[eqn.output] = self.shown.get(x, x)

    def _replace(self, eqn: Eqn, value: Var, made: list[Eqn], depth: int) -> None:
        self.uses.subtract(eqn.operands)
        self.uses.update(x for m in made for x in m.operands)
        if eqn.output in self.open:
            self.open.add(value)
            self._follow(made)
        for m in made:
            self.take(m, depth + 1)
        value = self.replaced[eqn.output] = self.current(value)
        self.uses[value] += self.uses[eqn.output]

    def _follow(self, eqns: Sequence[Eqn]) -> None:
        """Whatever an output or a new state is a view of escapes as well."""
        for eqn in reversed(eqns):
            if eqn.op.trait == "view" and eqn.output in self.open:
                self.open.update(eqn.operands)

    def _shows_input(self, eqn: Eqn, value: Var, made: list[Eqn]) -> bool:
        """Whether an output or a new state that owned its memory would become a view of an input, which may change
        under its readers."""
        if eqn.output not in self.open or eqn.op.trait == "view":
            return False
        makers = {m.output: m for m in made if m.op.trait == "view"}
        while value in makers:
            (value,) = makers[value].operands
        return self.shown.get(value, value) in self.inputs
