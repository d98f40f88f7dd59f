"""The order of a program's equations: what is constant first and once, what the guard needs, and the rest after it."""

from __future__ import annotations

from dsl.records import dataclass

from ..ir import Eqn, Program, Var, bodies
from .fuse import Group, fuse


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """`constants` depend on no input, are no loops, and are computed once; the groups `before` the guard, and those
    `after` it."""

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
    """Divide a verified program's equations.

    States may be overwritten only when the guard is known, and a step that the guard refuses still has its outputs: so
    the guard and the outputs come first, with all that they need. Without a guard everything stands before it.
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
