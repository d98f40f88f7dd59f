"""Buffer assignment: every value of a program gets its place in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from types import MappingProxyType

from dsl.records import dataclass

from ..ir import Aval, Eqn, Program, Var, aval_of, bodies
from ..ops import copy
from .arena import Buffer, pack
from .destinations import destinations
from .fuse import Group
from .liveness import live
from .loops import one_round
from .plan import Piece, Place, Plan, Step, dense
from .schedule import Schedule, schedule

_NONE: Mapping[Var, Var] = MappingProxyType({})


def plan(
    program: Program,
    feeds: Sequence[Var],
    homes: Mapping[Var, Var] = _NONE,
    lie: Mapping[Var, tuple[int, ...]] = MappingProxyType({}),
) -> Plan:
    """Place every value of a verified program. `feeds`: the inputs that are filled before each step; all others are
    states. `homes`: values with a caller-owned array each, passed after the states, so that constant parts of them are
    written once. `lie`: strides, in elements, of states that are not in row-major order."""
    return _Planner(program, feeds, homes, schedule(program), lie).plan()


@dataclass(eq=False)
class _Planner:
    program: Program
    feeds: Sequence[Var]
    homes: Mapping[Var, Var]
    order: Schedule
    lie: Mapping[Var, tuple[int, ...]]
    places: dict[Var, Place] = field(default_factory=dict)
    destinations: Mapping[Var, Place] = field(default_factory=dict)
    makers: dict[Var, Eqn] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    views: list[Eqn] = field(default_factory=list)
    constants: list[Eqn] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    copies: int = 0

    def plan(self) -> Plan:
        order, program = self.order, self.program
        states = tuple(v for v in program.inputs if v not in self.feeds)
        for eqn in (*order.constants, *order.early, *order.late):
            self.makers.update(dict.fromkeys(eqn.outputs, eqn))
        for var in program.inputs:
            self.fresh(var, "state" if var in states else "arena")
        for eqn in order.constants:
            for var in eqn.outputs:
                self.fresh(var, "constant")
        self.constants += order.constants
        at_home = {value: self.fresh(home, "state") for value, home in self.homes.items()}
        self.destinations = destinations(program, order, self.places, at_home)
        for group in order.before:
            self.place_all(group)
        early = len(self.steps)
        for group in order.after:
            self.place_all(group)
        copies = tuple((s, v) for s, v in program.updates if self.places[v] != self.places[s])
        buffers = live(program, self.steps, self.feeds, copies, self.places)
        return Plan(
            program,
            tuple(self.feeds),
            (*states, *self.homes.values()),
            tuple(self.constants),
            tuple(self.views),
            tuple(self.steps),
            tuple(self.pieces),
            early,
            copies,
            MappingProxyType(self.places),
            pack(buffers),
        )

    def fresh(self, var: Var, kind: str = "arena") -> Place:
        """A new buffer for a value."""
        buffer = Buffer(kind, var.aval.size, var.dtype, -1, -1)  # type: ignore[arg-type]
        self.places[var] = Place(buffer, 0, var.shape, self.lie.get(var, dense(var.shape)))
        return self.places[var]

    def place_all(self, group: Group) -> None:
        first, copies = len(self.steps), self.copies
        for eqn in group.eqns:
            self.place(eqn)
        if len(self.steps) > first:
            # A copy between them would read all rows at once.
            shape = group.shape if self.copies == copies else None
            self.pieces.append(Piece(first, len(self.steps), shape))

    # The walk -------------------------------------------------------------------------------------------------------
    def place(self, eqn: Eqn) -> None:
        """Place an equation's results, and make it a step or a view."""
        view = eqn.op.view
        if view is not None and eqn.output not in self.destinations:
            (source,) = eqn.operands
            found = view(*self.lies(source), **eqn.params)
            if found is None:
                source = self.copied(source)
                eqn = Eqn(eqn.op, (source,), eqn.params, eqn.outputs, eqn.origin)
                found = view(*self.lies(source), **eqn.params)
                assert found is not None
            self.views.append(eqn)
            self.places[eqn.output] = Place(self.places[source].buffer, found[0], eqn.output.shape, found[1])
            return
        if eqn.op.parts is not None:
            self.put_together(eqn)
            return
        if bodies(eqn):
            self.place_loop(eqn)
            return
        for var in eqn.outputs:
            if var in self.destinations:
                self.places[var] = self.destinations[var]
            else:
                self.fresh(var)
        scratch: tuple[Var, ...] = ()
        if eqn.op.scratch is not None:
            scratch = tuple(map(Var, eqn.op.scratch(*map(aval_of, eqn.inputs), **eqn.params)))
            for var in scratch:
                self.fresh(var)
        self.steps.append(Step(eqn, scratch))

    def place_loop(self, eqn: Eqn) -> None:
        """Plan the body of a loop. Its temporaries are live only during the loop; inputs are read in place."""
        n, m = eqn.params["carries"], eqn.params["scanned"]
        inputs = tuple(
            self.copied(x) if i < n and self.places[x].strides != dense(x.shape) else x
            for i, x in enumerate(eqn.operands)
        )
        eqn = Eqn(eqn.op, inputs, eqn.params, eqn.outputs, eqn.origin)
        strides = [self.places[x].strides for x in inputs]
        slices = [s[1:] if n <= i < n + m else s for i, s in enumerate(strides)]
        planned = one_round(eqn, slices, lambda program, homes, lie: plan(program, (), homes, lie))
        memory = Var(Aval((planned.plan.arena,), "bool"))
        for var in (*eqn.outputs, memory):
            self.fresh(var)
        self.steps.append(Step(eqn, (memory,), planned))

    def lies(self, var: Var) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
        place = self.places[var]
        return place.offset, place.shape, place.strides

    def copied(self, source: Var) -> Var:
        """The values of a view that has no constant strides, copied to contiguous memory."""
        self.copies += 1
        fresh = Var(source.aval, source.hint)
        self.fresh(fresh)
        maker = self.makers.get(source)
        self.steps.append(Step(Eqn(copy, (source,), {}, (fresh,), maker and maker.origin)))
        return fresh

    def put_together(self, eqn: Eqn) -> None:
        """Copy the pieces that could not be computed in place; a constant piece of a caller-owned array is copied
        once."""
        (out,) = eqn.outputs
        whole = self.places[out] = self.destinations[out]
        assert eqn.op.parts is not None
        starts = eqn.op.parts(*map(aval_of, eqn.inputs), **eqn.params)
        for piece, start in zip(eqn.operands, starts, strict=True):
            offset = whole.offset + sum(i * s for i, s in zip(start, whole.strides, strict=True))
            target = Place(whole.buffer, offset, piece.shape, whole.strides)
            if self.places[piece] == target:
                continue
            slot = Var(piece.aval, piece.hint)
            self.places[slot] = target
            put = Eqn(copy, (piece,), {}, (slot,), eqn.origin)
            # The arena is shared by programs, a caller-owned array keeps its content.
            if self.places[piece].buffer.kind == "constant" and whole.buffer.kind == "state":
                self.constants.append(put)
            else:
                self.steps.append(Step(put))
