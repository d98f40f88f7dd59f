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
from .liveness import assign_lifetimes
from .loops import plan_body
from .plan import Fusion, Place, Plan, Step, dense
from .schedule import Schedule, schedule

_NONE: Mapping[Var, Var] = MappingProxyType({})


def plan(
    program: Program,
    feeds: Sequence[Var],
    homes: Mapping[Var, Var] = _NONE,
    strides: Mapping[Var, tuple[int, ...]] = MappingProxyType({}),
) -> Plan:
    """Place every value of a verified program. `feeds`: the inputs that are filled before each step; all others are
    states. `homes`: values with a caller-owned array each, passed after the states, so that constant parts of them are
    written once. `strides`: strides, in elements, of states that are not in row-major order."""
    return _Planner(program, feeds, homes, schedule(program), strides).plan()


@dataclass(eq=False)
class _Planner:
    program: Program
    feeds: Sequence[Var]
    homes: Mapping[Var, Var]
    order: Schedule
    strides: Mapping[Var, tuple[int, ...]]
    places: dict[Var, Place] = field(default_factory=dict)
    destinations: Mapping[Var, Place] = field(default_factory=dict)
    producers: dict[Var, Eqn] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    views: list[Eqn] = field(default_factory=list)
    constants: list[Eqn] = field(default_factory=list)
    fusions: list[Fusion] = field(default_factory=list)
    copy_count: int = 0

    def plan(self) -> Plan:
        order, program = self.order, self.program
        states = tuple(v for v in program.inputs if v not in self.feeds)
        for eqn in (*order.constants, *order.early, *order.late):
            self.producers.update(dict.fromkeys(eqn.outputs, eqn))
        for var in program.inputs:
            self.allocate(var, "state" if var in states else "arena")
        for eqn in order.constants:
            for var in eqn.outputs:
                self.allocate(var, "constant")
        self.constants += order.constants
        preplaced = {value: self.allocate(home, "state") for value, home in self.homes.items()}
        self.destinations = destinations(program, order, self.places, preplaced)
        for group in order.before:
            self.place_group(group)
        early = len(self.steps)
        for group in order.after:
            self.place_group(group)
        copies = tuple((s, v) for s, v in program.updates if self.places[v] != self.places[s])
        buffers = assign_lifetimes(program, self.steps, self.feeds, copies, self.places)
        return Plan(
            program,
            tuple(self.feeds),
            (*states, *self.homes.values()),
            tuple(self.constants),
            tuple(self.views),
            tuple(self.steps),
            tuple(self.fusions),
            early,
            copies,
            MappingProxyType(self.places),
            pack(buffers),
        )

    def allocate(self, var: Var, kind: str = "arena") -> Place:
        """A new buffer for a value."""
        buffer = Buffer(kind, var.aval.size, var.dtype, -1, -1)  # type: ignore[arg-type]
        self.places[var] = Place(buffer, 0, var.shape, self.strides.get(var, dense(var.shape)))
        return self.places[var]

    def place_group(self, group: Group) -> None:
        first, copies_before = len(self.steps), self.copy_count
        for eqn in group.eqns:
            self.place(eqn)
        if len(self.steps) > first:
            # A copy between them would read all rows at once.
            shape = group.shape if self.copy_count == copies_before else None
            self.fusions.append(Fusion(first, len(self.steps), shape))

    # The walk -------------------------------------------------------------------------------------------------------
    def place(self, eqn: Eqn) -> None:
        """Place an equation's results, and make it a step or a view."""
        view = eqn.op.view
        if view is not None and eqn.output not in self.destinations:
            (source,) = eqn.operands
            layout = view(*self.layout(source), **eqn.params)
            if layout is None:
                source = self.contiguous(source)
                eqn = Eqn(eqn.op, (source,), eqn.params, eqn.outputs, eqn.origin)
                layout = view(*self.layout(source), **eqn.params)
                assert layout is not None
            self.views.append(eqn)
            self.places[eqn.output] = Place(self.places[source].buffer, layout[0], eqn.output.shape, layout[1])
            return
        if eqn.op.concat_starts is not None:
            self.concatenate(eqn)
            return
        if bodies(eqn):
            self.place_loop(eqn)
            return
        for var in eqn.outputs:
            if var in self.destinations:
                self.places[var] = self.destinations[var]
            else:
                self.allocate(var)
        scratch: tuple[Var, ...] = ()
        if eqn.op.scratch is not None:
            scratch = tuple(map(Var, eqn.op.scratch(*map(aval_of, eqn.inputs), **eqn.params)))
            for var in scratch:
                self.allocate(var)
        self.steps.append(Step(eqn, scratch))

    def place_loop(self, eqn: Eqn) -> None:
        """Plan the body of a loop. Its temporaries are live only during the loop; inputs are read in place."""
        n, m = eqn.params["carries"], eqn.params["scanned"]
        inputs = tuple(
            self.contiguous(x) if i < n and self.places[x].strides != dense(x.shape) else x
            for i, x in enumerate(eqn.operands)
        )
        eqn = Eqn(eqn.op, inputs, eqn.params, eqn.outputs, eqn.origin)
        strides = [self.places[x].strides for x in inputs]
        slices = [s[1:] if n <= i < n + m else s for i, s in enumerate(strides)]
        planned = plan_body(eqn, slices, lambda program, homes, strides: plan(program, (), homes, strides))
        memory = Var(Aval((planned.plan.arena,), "bool"))
        for var in (*eqn.outputs, memory):
            self.allocate(var)
        self.steps.append(Step(eqn, (memory,), planned))

    def layout(self, var: Var) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
        place = self.places[var]
        return place.offset, place.shape, place.strides

    def contiguous(self, source: Var) -> Var:
        """The values of a view that has no constant strides, copied to contiguous memory."""
        self.copy_count += 1
        copied = Var(source.aval, source.hint)
        self.allocate(copied)
        producer = self.producers.get(source)
        self.steps.append(Step(Eqn(copy, (source,), {}, (copied,), producer and producer.origin)))
        return copied

    def concatenate(self, eqn: Eqn) -> None:
        """Copy the operands that could not be computed in place; a constant part of a caller-owned array is copied
        once."""
        (out,) = eqn.outputs
        result = self.places[out] = self.destinations[out]
        assert eqn.op.concat_starts is not None
        starts = eqn.op.concat_starts(*map(aval_of, eqn.inputs), **eqn.params)
        for operand, start in zip(eqn.operands, starts, strict=True):
            offset = result.offset + sum(i * s for i, s in zip(start, result.strides, strict=True))
            target = Place(result.buffer, offset, operand.shape, result.strides)
            if self.places[operand] == target:
                continue
            copied = Var(operand.aval, operand.hint)
            self.places[copied] = target
            copying = Eqn(copy, (operand,), {}, (copied,), eqn.origin)
            # The arena is shared by programs, a caller-owned array keeps its content.
            if self.places[operand].buffer.kind == "constant" and result.buffer.kind == "state":
                self.constants.append(copying)
            else:
                self.steps.append(Step(copying))
