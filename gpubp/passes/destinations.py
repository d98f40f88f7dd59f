"""Destination-driven placement: pieces of a concatenation are computed where they end up, new states in place of the
old ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..ir import Eqn, Program, Var, aval_of
from .arena import Buffer
from .inplace import DIRECT, IN_PLACE, read_first
from .plan import Place, dense
from .schedule import Schedule


def destinations(
    program: Program, order: Schedule, places: Mapping[Var, Place], at_home: Mapping[Var, Place]
) -> dict[Var, Place]:
    """The values that can be computed directly at their destination, with that place. `places`: those of inputs and
    constants; `at_home`: of values that must be there."""
    found = _Destinations(program, order, places, at_home)
    for value, place in at_home.items():
        found.see_through(value, place)
    for eqn in reversed(found.eqns):
        found.join(eqn)
    for state, value in program.updates:
        found.aim(state, value)
    return found.destinations


class _Destinations:
    def __init__(
        self, program: Program, order: Schedule, places: Mapping[Var, Place], at_home: Mapping[Var, Place]
    ) -> None:
        self.places = places
        self.destinations: dict[Var, Place] = dict(at_home)
        early = order.early
        self.eqns = (*early, *order.late)
        self.position = {id(eqn): i for i, eqn in enumerate(self.eqns)}
        self.makers = {v: eqn for eqn in (*order.constants, *self.eqns) for v in eqn.outputs}
        self.uses = Counter(x for eqn in program.eqns for x in eqn.operands)
        self.uses.update((*program.outputs, *(v for _, v in program.updates)))
        # No state may change before the guard is known.
        self.first = 0 if program.guard is None else len(early)
        self.memory: dict[Var, Buffer] = {}
        self.readers = self._readers()

    def see_through(self, value: Var, place: Place) -> None:
        """If `value` is a view, compute its source at `place`, so that nothing has to be copied there."""
        eqn = self.makers.get(value)
        if eqn is not None and eqn.op.view is not None:
            del self.destinations[value]
            others = len(self.destinations)
            self.direct(value, place)
            if len(self.destinations) == others:
                self.destinations[value] = place

    def join(self, eqn: Eqn) -> None:
        """Compute the inputs of a concatenation in place."""
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
        """Compute `var` at `place`, through any views between it and the equation that computes it, if possible."""
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

    def _readers(self) -> Mapping[Buffer, tuple[Eqn, ...]]:
        """The equations that read each state's memory, also through views, in order."""
        memory = self.memory
        memory.update({v: place.buffer for v, place in self.places.items() if place.buffer.kind == "state"})
        found: dict[Buffer, list[Eqn]] = {}
        for eqn in self.eqns:
            known = {memory[x] for x in eqn.operands if x in memory}
            if eqn.op.view is not None and known:
                memory[eqn.output] = known.pop()
                continue
            for buffer in known:
                found.setdefault(buffer, []).append(eqn)
        return {buffer: tuple(eqns) for buffer, eqns in found.items()}

    def aim(self, state: Var, value: Var) -> None:
        """Compute a new state in place of the old one, if nothing reads the old one afterwards and the guard is known
        before; also the values leading to it, from the old state's last reader on: `m *= 0.9; m += g` needs no
        temporary."""
        eqn = self.makers.get(value)
        if eqn is None or eqn.op.view is not None or eqn.op.trait not in DIRECT or not self._free(value, state):
            return
        self.destinations[value] = self.places[state]
        while eqn is not None and eqn.op.trait in IN_PLACE:
            leading = (x for i, x in enumerate(eqn.inputs) if isinstance(x, Var) and read_first(eqn, i))
            found = next((x for x in leading if self._leads(x, state)), None)
            if found is None:
                return
            self.destinations[found] = self.places[state]
            eqn = self.makers[found]

    def _free(self, value: Var, state: Var) -> bool:
        """Whether `value` may overwrite `state`: nothing reads the old one later, and the equation itself reads each
        element before it writes it."""
        eqn, buffer = self.makers[value], self.places[state].buffer
        at = self.position.get(id(eqn), -1)
        if at < self.first or value in self.destinations:
            return False
        readers = self.readers.get(buffer, ())
        if any(self.position[id(reader)] > at for reader in readers):
            return False
        return eqn not in readers or (
            eqn.op.trait in IN_PLACE
            and all(
                x is state and read_first(eqn, i)
                for i, x in enumerate(eqn.inputs)
                if isinstance(x, Var) and self.memory.get(x) is buffer
            )
        )

    def _leads(self, x: Var, state: Var) -> bool:
        """Whether an operand used by one equation alone may be computed in place of a state."""
        maker = self.makers.get(x)
        return (
            maker is not None
            and maker.op.trait in IN_PLACE
            and self.uses[x] == 1
            and x.aval == state.aval
            and x not in self.places
            and self._free(x, state)
        )
