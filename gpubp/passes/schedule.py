"""Scheduling: constants first and once, then scalars of the states alone, what the guard depends on, and the rest."""

from __future__ import annotations

from collections.abc import Sequence

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
    so the guard and the outputs come first, with all their dependencies; and the loops of an optimizer with products of
    their results, which on a GPU are not always kernels that could ask for the guard. Without a guard everything is
    before it.

    Scalars that no other equation leads up to, such as the learning rate and Adam's corrections, start the step: on a
    GPU they are computed beside the forward pass, where at the end everything would wait for them.
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
    from_loops: set[Var] = set()
    for eqn in main:
        if bodies(eqn) or not from_loops.isdisjoint(eqn.operands):
            from_loops.update(eqn.outputs)
            if bodies(eqn) or eqn.op.trait == "gemm":
                early.update(eqn.outputs)
    before: list[Eqn] = []
    for eqn in reversed(main):
        if not early.isdisjoint(eqn.outputs):
            before.append(eqn)
            early.update(eqn.operands)
    early_ids = set(map(id, before))
    scalars, after = _scalars(program, before, [eqn for eqn in main if id(eqn) not in early_ids])
    return Schedule(tuple(constants), tuple(fuse([*scalars, *before[::-1]])), tuple(fuse(after)))


def _scalars(program: Program, before: Sequence[Eqn], after: Sequence[Eqn]) -> tuple[list[Eqn], list[Eqn]]:
    """The equations `after` the guard that compute scalars from inputs and from each other alone, and the others. New
    values of states are left out: they are computed in place."""
    computed = {x for eqn in (*before, *after) for x in eqn.outputs}
    updated = {value for _, value in program.updates}
    scalars, rest = list[Eqn](), list[Eqn]()
    for eqn in after:
        scalar = all(x.aval.size == 1 for x in eqn.outputs) and eqn.op.trait == "elementwise"
        if scalar and computed.isdisjoint(eqn.operands) and updated.isdisjoint(eqn.outputs):
            scalars.append(eqn)
            computed.difference_update(eqn.outputs)
        else:
            rest.append(eqn)
    return scalars, rest
