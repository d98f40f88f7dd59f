"""Scheduling: constants first and once, then what the guard depends on, then the rest."""

from __future__ import annotations

from dsl.records import dataclass

from ..ir import Eqn, Program, Var, bodies
from .fuse import Group, fuse


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """`constants` depend on no input, are not loops, and are computed once; groups `before` the guard, and `after`
    it."""

    constants: tuple[Eqn, ...]
    before: tuple[Group, ...]
    after: tuple[Group, ...]

    @property
    def early(self) -> tuple[Eqn, ...]:
        """The equations before the guard."""
        return tuple(eqn for group in self.before for eqn in group.eqns)

    @property
    def late(self) -> tuple[Eqn, ...]:
        """The equations after it."""
        return tuple(eqn for group in self.after for eqn in group.eqns)


def schedule(program: Program) -> Schedule:
    """Partition a verified program's equations.

    States may be overwritten only once the guard is known, and a step that the guard rejects still returns its outputs:
    so the guard and the outputs come first, with all their dependencies. Without a guard everything is before it.
    """
    varying = set(program.inputs)
    constants: list[Eqn] = []
    main: list[Eqn] = []
    for eqn in program.eqns:
        if varying.isdisjoint(eqn.operands) and not bodies(eqn):
            constants.append(eqn)
        else:
            main.append(eqn)
            varying.update(eqn.outputs)
    if program.guard is None:
        return Schedule(tuple(constants), tuple(fuse(main)), ())
    early: set[Var] = {program.guard, *program.outputs}
    before: list[Eqn] = []
    for eqn in reversed(main):
        if not early.isdisjoint(eqn.outputs):
            before.append(eqn)
            early.update(eqn.operands)
    first = set(map(id, before))
    after = [eqn for eqn in main if id(eqn) not in first]
    return Schedule(tuple(constants), tuple(fuse(before[::-1])), tuple(fuse(after)))
