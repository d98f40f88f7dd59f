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
            sweep.emit(eqn, 0)
    if not sweep.replaced:
        return program
    return replace(
        program,
        eqns=tuple(sweep.eqns),
        outputs=tuple(map(sweep.current, program.outputs)),
        updates=tuple((state, sweep.current(v)) for state, v in program.updates),
        guard=None if program.guard is None else sweep.current(program.guard),
    )


class _Sweep:
    """One sweep over a program; also the `scope` that rules see (gpubp.ops.rewrites.Scope)."""

    def __init__(self, program: Program, rules: Rules, tape: list[Eqn]) -> None:
        self.rules, self.tape = rules, tape
        self.inputs = set(program.inputs)
        self.escaping = {*program.outputs, *(value for _, value in program.updates)}
        self._escape_through_views(program.eqns)
        self.view_bases: dict[Var, Var] = {}
        self.replaced: dict[Operand, Var] = {}
        self.producers: dict[Operand, Eqn] = {}
        self.eqns: list[Eqn] = []
        self.uses: Counter[Operand] = Counter(x for eqn in program.eqns for x in eqn.operands)
        self.uses.update((*program.outputs, *(v for _, v in program.updates)))
        if program.guard is not None:
            self.uses[program.guard] += 1

    def producer_of(self, x: Operand) -> Eqn | None:
        return self.producers.get(x)

    def uses_of(self, x: Operand) -> int:
        return self.uses[x]

    def current(self, x: Var) -> Var:
        return self.replaced.get(x, x)

    def emit(self, old: Eqn, depth: int) -> None:
        """Append an equation, or its rewritten form, to the new program."""
        inputs = tuple([self.replaced.get(x, x) for x in old.inputs])
        eqn = old if inputs == old.inputs else replace(old, inputs=inputs)
        rules = self.rules.get(eqn.op, ()) if depth < DEPTH else ()
        for rule in rules:
            value = rule(eqn, self)
            recorded = [replace(m, origin=eqn.origin) for m in self.tape] if value is not None else []
            self.tape.clear()
            if value is not None and not self._would_alias_input(eqn, value, recorded):
                self._replace(eqn, value, recorded, depth)
                return
        self.eqns.append(eqn)
        for output in eqn.outputs:
            self.producers[output] = eqn
        if eqn.op.trait == "view":
            (x,) = eqn.operands
            self.view_bases[eqn.output] = self.view_bases.get(x, x)

    def _replace(self, eqn: Eqn, value: Var, recorded: list[Eqn], depth: int) -> None:
        self.uses.subtract(eqn.operands)
        self.uses.update(x for m in recorded for x in m.operands)
        if eqn.output in self.escaping:
            self.escaping.add(value)
            self._escape_through_views(recorded)
        for m in recorded:
            self.emit(m, depth + 1)
        value = self.replaced[eqn.output] = self.current(value)
        self.uses[value] += self.uses[eqn.output]

    def _escape_through_views(self, eqns: Sequence[Eqn]) -> None:
        """Whatever an output or a new state is a view of escapes as well."""
        for eqn in reversed(eqns):
            if eqn.op.trait == "view" and eqn.output in self.escaping:
                self.escaping.update(eqn.operands)

    def _would_alias_input(self, eqn: Eqn, value: Var, recorded: list[Eqn]) -> bool:
        """Whether an output or a new state that owned its memory would become a view of an input, which may change
        under its readers."""
        if eqn.output not in self.escaping or eqn.op.trait == "view":
            return False
        producers = {m.output: m for m in recorded if m.op.trait == "view"}
        while value in producers:
            (value,) = producers[value].operands
        return self.view_bases.get(value, value) in self.inputs
