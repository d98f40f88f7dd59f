"""Buffer planning: liveness, one arena, views, results in the place of operands that die, of states and of joined
values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from ..ir import Eqn, Program, Var, aval_of
from ..ops import copy
from .arena import Buffer, pack
from .plan import Place, Plan, Step, dense
from .schedule import Schedule, schedule

IN_PLACE = frozenset({"elementwise", "rowwise"})
"""Traits of equations whose result may take the memory of an operand: each element is read before it is written."""

DIRECT = IN_PLACE | {"reduce", "gemm"}
"""Traits of equations that can write to a piece of something larger."""


def plan(program: Program, feeds: Sequence[Var]) -> Plan:
    """Place every value of a verified program. `feeds`: the inputs that are filled anew for each step; all others are
    states."""
    return _Planner(program, feeds, schedule(program)).plan()


@dataclass(eq=False)
class _Planner:
    program: Program
    feeds: Sequence[Var]
    order: Schedule
    places: dict[Var, Place] = field(default_factory=dict)
    destinations: dict[Var, Place] = field(default_factory=dict)
    makers: dict[Var, Eqn] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    views: list[Eqn] = field(default_factory=list)
    constants: list[Eqn] = field(default_factory=list)
    memory: dict[Var, Buffer] = field(default_factory=dict)
    order_of: dict[int, int] = field(default_factory=dict)

    def plan(self) -> Plan:
        order, program = self.order, self.program
        states = tuple(v for v in program.inputs if v not in self.feeds)
        for eqn in (*order.constants, *order.before, *order.after):
            self.makers.update(dict.fromkeys(eqn.outputs, eqn))
        for var in program.inputs:
            self.fresh(var, "state" if var in states else "arena")
        for eqn in order.constants:
            for var in eqn.outputs:
                self.fresh(var, "constant")
        self.constants += order.constants
        late = set(map(id, order.after)) if program.guard is not None else None
        self.order_of.update((id(eqn), i) for i, eqn in enumerate((*order.before, *order.after)))
        reads = self.reads()
        for eqn in reversed((*order.before, *order.after)):
            self.join(eqn)
        for state, value in program.updates:
            self.aim(state, value, reads, late)
        for eqn in order.before:
            self.place(eqn)
        early = len(self.steps)
        for eqn in order.after:
            self.place(eqn)
        copies = tuple((s, v) for s, v in program.updates if self.places[v] != self.places[s])
        buffers = self.live(copies, early)
        return Plan(
            program,
            tuple(self.feeds),
            states,
            tuple(self.constants),
            tuple(self.views),
            tuple(self.steps),
            early,
            copies,
            MappingProxyType(self.places),
            pack(buffers),
        )

    def fresh(self, var: Var, kind: str = "arena") -> Place:
        """A buffer of its own for a value."""
        buffer = Buffer(kind, var.aval.size, var.dtype, -1, -1)  # type: ignore[arg-type]
        self.places[var] = Place(buffer, 0, var.shape, dense(var.shape))
        return self.places[var]

    # Destinations: where a value should be made, decided before the walk ----------------------------------------------
    def join(self, eqn: Eqn) -> None:
        """Let what is put side by side be made where it ends up."""
        if eqn.op.parts is None:
            return
        (out,) = eqn.outputs
        whole = self.destinations.get(out)
        if whole is None:
            buffer = Buffer("arena", out.aval.size, out.dtype, -1, -1)
            whole = self.destinations[out] = Place(buffer, 0, out.shape, dense(out.shape))
        starts = eqn.op.parts(*map(aval_of, eqn.inputs), **eqn.params)
        for piece, start in zip(eqn.operands, starts, strict=True):
            offset = whole.offset + sum(i * s for i, s in zip(start, whole.strides, strict=True))
            self.direct(piece, Place(whole.buffer, offset, piece.shape, whole.strides))

    def direct(self, var: Var, place: Place) -> None:
        """Have `var` made at `place`, through the views that lie between it and the equation that computes it, if that
        can be."""
        eqn = self.makers.get(var)
        while eqn is not None and eqn.op.view is not None and eqn.op.inverse is not None:
            (source,) = eqn.operands
            back = eqn.op.inverse(source.shape, **eqn.params)
            found = eqn.op.view(place.offset, place.shape, place.strides, **back)
            if found is None:
                return
            var, place = source, Place(place.buffer, found[0], source.shape, found[1])
            eqn = self.makers.get(var)
        if eqn is None or var in self.destinations or var in self.places:
            return
        if eqn.op.trait in DIRECT and not (eqn.op.helpers and place.strides != dense(place.shape)):
            self.destinations[var] = place

    def reads(self) -> Mapping[Buffer, tuple[Eqn, ...]]:
        """The equations that read each state's memory, through views too, in order."""
        memory = self.memory
        memory.update({v: place.buffer for v, place in self.places.items() if place.buffer.kind == "state"})
        found: dict[Buffer, list[Eqn]] = {}
        for eqn in (*self.order.before, *self.order.after):
            known = {memory[x] for x in eqn.operands if x in memory}
            if eqn.op.view is not None and known:
                memory[eqn.output] = known.pop()
                continue
            for buffer in known:
                found.setdefault(buffer, []).append(eqn)
        return {buffer: tuple(eqns) for buffer, eqns in found.items()}

    def aim(self, state: Var, value: Var, reads: Mapping[Buffer, tuple[Eqn, ...]], late: set[int] | None) -> None:
        """Let a new state be computed in the old one's place, where nothing reads the old one afterwards and the guard
        is known before."""
        maker, place = self.makers.get(value), self.places[state]
        if maker is None or (late is not None and id(maker) not in late):
            return
        for reader in reads.get(place.buffer, ()):
            if self.order_of[id(reader)] > self.order_of.get(id(maker), -1):
                return
            if reader is maker and not (maker.op.trait in IN_PLACE and self.reads_only(maker, state)):
                return
        if maker.op.view is None and maker.op.trait in DIRECT and value not in self.destinations:
            self.destinations[value] = place

    def reads_only(self, eqn: Eqn, state: Var) -> bool:
        """Whether an equation that overwrites a state reads it as it lies, before it writes."""
        buffer = self.places[state].buffer
        return all(
            x is state and _read_first(eqn, i)
            for i, x in enumerate(eqn.inputs)
            if isinstance(x, Var) and self.memory.get(x) is buffer
        )

    # The walk -------------------------------------------------------------------------------------------------------
    def place(self, eqn: Eqn) -> None:
        """Find the places of an equation's results, and make it a step or a view."""
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

    def lies(self, var: Var) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
        place = self.places[var]
        return place.offset, place.shape, place.strides

    def copied(self, source: Var) -> Var:
        """The values of a view that is no even piece of memory, one behind the other."""
        fresh = Var(source.aval, source.hint)
        self.fresh(fresh)
        self.steps.append(Step(Eqn(copy, (source,), {}, (fresh,), self.makers[source].origin)))
        return fresh

    def put_together(self, eqn: Eqn) -> None:
        """Copy what could not be made in its place; a constant piece is copied once."""
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
            if self.places[piece].buffer.kind == "constant":
                self.constants.append(put)
            else:
                self.steps.append(Step(put))

    # Liveness -------------------------------------------------------------------------------------------------------
    def live(self, copies: Sequence[tuple[Var, Var]], early: int) -> list[Buffer]:
        """Find when each buffer of the arena is in use, share what may be shared, and return them."""
        end = len(self.steps)
        used: dict[Buffer, list[int]] = {}
        for i, step in enumerate(self.steps):
            for var in step.values:
                used.setdefault(self.places[var].buffer, []).append(i)
        for var in self.feeds:
            used.setdefault(self.places[var].buffer, []).insert(0, -1)
        for var in (*self.program.outputs, *(value for _, value in copies)):
            used.setdefault(self.places[var].buffer, []).append(end)
        if self.program.guard is not None:
            used.setdefault(self.places[self.program.guard].buffer, []).append(early)
        for eqn in self.constants:
            for var in eqn.outputs:  # a constant piece of something joined stays for ever
                used.setdefault(self.places[var].buffer, []).extend((-1, end))
        for buffer, positions in used.items():
            buffer.first, buffer.last = min(positions), max(positions)
        self.share()
        return list({id(p.buffer): p.buffer for p in self.places.values() if p.buffer.kind == "arena"}.values())

    def share(self) -> None:
        """Give results the memory of operands that die, wherever one has the same size and is read before."""
        taken: dict[Buffer, Buffer] = {}

        def current(var: Var) -> Place:
            place = self.places[var]
            buffer = place.buffer
            while buffer in taken:
                buffer = taken[buffer]
            return place if buffer is place.buffer else Place(buffer, place.offset, place.shape, place.strides)

        for i, step in enumerate(self.steps):
            eqn = step.eqn
            if eqn.op.trait not in IN_PLACE:
                continue
            own = current(eqn.output)
            if own.buffer.kind != "arena" or not own.whole or own.buffer.first != i:
                continue
            for x in eqn.operands:
                place = current(x)
                same = [k for k, y in enumerate(eqn.inputs) if isinstance(y, Var) and current(y).buffer is place.buffer]
                if (
                    place.buffer.kind == "arena"
                    and place.buffer.last == i
                    and place.buffer is not own.buffer
                    and place.whole
                    and place.buffer.bytes == own.buffer.bytes
                    and place.shape == own.shape
                    and all(_read_first(eqn, k) and current(eqn.inputs[k]) == place for k in same)  # type: ignore[arg-type]
                ):
                    taken[own.buffer] = place.buffer
                    place.buffer.last = own.buffer.last
                    break
        self.places.update((var, current(var)) for var in self.places)


def statements(eqn: Eqn) -> tuple[str, ...]:
    """What writes an equation's result to `{out}`, as templates; empty where it must be copied there."""
    into = eqn.op.into
    return into if isinstance(into, tuple) else into(**eqn.params)


def _read_first(eqn: Eqn, number: int) -> bool:
    """Whether input `number` is not read after `{out}` is first written."""
    texts = statements(eqn)
    first = next((i for i, text in enumerate(texts) if "{out}" in text), len(texts))
    return bool(texts) and not any(f"{{{number}}}" in text for text in texts[first + 1 :])
