"""Destination-driven placement: operands of a concatenation are computed where they end up, new states in place of the
old ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..ir import Eqn, Program, Var, aval_of
from .arena import Buffer
from .inplace import IN_PLACE, WRITES_STRIDED, reads_before_write
from .plan import Place, dense
from .schedule import Schedule


def destinations(
    program: Program, order: Schedule, places: Mapping[Var, Place], preplaced: Mapping[Var, Place]
) -> dict[Var, Place]:
    """The values that can be computed directly at their destination, with that place. `places`: those of inputs and
    constants; `preplaced`: of values that must be there."""
    search = _Destinations(program, order, places, preplaced)
    for value, place in preplaced.items():
        search.place_source(value, place)
    for eqn in reversed(search.eqns):
        search.place_operands(eqn)
    for state, value in program.updates:
        search.update_in_place(state, value)
    return search.destinations


class _Destinations:
    def __init__(
        self, program: Program, order: Schedule, places: Mapping[Var, Place], preplaced: Mapping[Var, Place]
    ) -> None:
        self.places = places
        self.destinations: dict[Var, Place] = dict(preplaced)
        early = order.early
        self.eqns = (*early, *order.late)
        self.position = {id(eqn): i for i, eqn in enumerate(self.eqns)}
        self.producers = {v: eqn for eqn in (*order.constants, *self.eqns) for v in eqn.outputs}
        self.uses = Counter(x for eqn in program.eqns for x in eqn.operands)
        self.uses.update((*program.outputs, *(v for _, v in program.updates)))
        # No state may change before the guard is known.
        self.first = 0 if program.guard is None else len(early)
        self.memory: dict[Var, Buffer] = {}
        self.readers = self._readers()

    def place_source(self, value: Var, place: Place) -> None:
        """If `value` is a view, compute its source at `place`, so that nothing has to be copied there."""
        eqn = self.producers.get(value)
        if eqn is not None and eqn.op.view is not None:
            del self.destinations[value]
            others = len(self.destinations)
            self.assign(value, place)
            if len(self.destinations) == others:
                self.destinations[value] = place

    def place_operands(self, eqn: Eqn) -> None:
        """Compute the inputs of a concatenation in place."""
        if eqn.op.concat_starts is None:
            return
        (out,) = eqn.outputs
        result = self.destinations.get(out)
        if result is None:
            buffer = Buffer("arena", out.aval.size, out.dtype, -1, -1)
            result = self.destinations[out] = Place(buffer, 0, out.shape, dense(out.shape))
        starts = eqn.op.concat_starts(*map(aval_of, eqn.inputs), **eqn.params)
        for operand, start in zip(eqn.operands, starts, strict=True):
            offset = result.offset + sum(i * s for i, s in zip(start, result.strides, strict=True))
            self.assign(operand, Place(result.buffer, offset, operand.shape, result.strides))

    def assign(self, var: Var, place: Place) -> None:
        """Compute `var` at `place`, through any views between it and the equation that computes it, if possible."""
        eqn = self.producers.get(var)
        while eqn is not None and eqn.op.view is not None and eqn.op.inverse is not None:
            (source,) = eqn.operands
            inverse = eqn.op.inverse(source.shape, **eqn.params)
            layout = eqn.op.view(place.offset, place.shape, place.strides, **inverse)
            if layout is None:
                return
            var, place = source, Place(place.buffer, layout[0], source.shape, layout[1])
            eqn = self.producers.get(var)
        if eqn is None or var in self.destinations or var in self.places:
            return
        if eqn.op.trait in WRITES_STRIDED and not (eqn.op.helpers and place.strides != dense(place.shape)):
            self.destinations[var] = place

    def _readers(self) -> Mapping[Buffer, tuple[Eqn, ...]]:
        """The equations that read each state's memory, also through views, in order."""
        memory = self.memory
        memory.update({v: place.buffer for v, place in self.places.items() if place.buffer.kind == "state"})
        readers: dict[Buffer, list[Eqn]] = {}
        for eqn in self.eqns:
            buffers = {memory[x] for x in eqn.operands if x in memory}
            if eqn.op.view is not None and buffers:
                memory[eqn.output] = buffers.pop()
                continue
            for buffer in buffers:
                readers.setdefault(buffer, []).append(eqn)
        return {buffer: tuple(eqns) for buffer, eqns in readers.items()}

    def update_in_place(self, state: Var, value: Var) -> None:
        """Compute a new state in place of the old one, if nothing reads the old one afterwards and the guard is known
        before; also the values leading to it, from the old state's last reader on: `m *= 0.9; m += g` needs no
        temporary."""
        eqn = self.producers.get(value)
        if (
            eqn is None
            or eqn.op.view is not None
            or eqn.op.trait not in WRITES_STRIDED
            or not self._may_overwrite(value, state)
        ):
            return
        self.destinations[value] = self.places[state]
        while eqn is not None and eqn.op.trait in IN_PLACE:
            candidates = (x for i, x in enumerate(eqn.inputs) if isinstance(x, Var) and reads_before_write(eqn, i))
            operand = next((x for x in candidates if self._may_alias(x, state)), None)
            if operand is None:
                return
            self.destinations[operand] = self.places[state]
            eqn = self.producers[operand]

    def _may_overwrite(self, value: Var, state: Var) -> bool:
        """Whether `value` may overwrite `state`: nothing reads the old one later, and the equation itself reads each
        element before it writes it."""
        eqn, buffer = self.producers[value], self.places[state].buffer
        position = self.position.get(id(eqn), -1)
        if position < self.first or value in self.destinations:
            return False
        readers = self.readers.get(buffer, ())
        if any(self.position[id(reader)] > position for reader in readers):
            return False
        return eqn not in readers or (
            eqn.op.trait in IN_PLACE
            and all(
                x is state and reads_before_write(eqn, i)
                for i, x in enumerate(eqn.inputs)
                if isinstance(x, Var) and self.memory.get(x) is buffer
            )
        )

    def _may_alias(self, x: Var, state: Var) -> bool:
        """Whether an operand used by one equation alone may be computed in place of a state."""
        producer = self.producers.get(x)
        return (
            producer is not None
            and producer.op.trait in IN_PLACE
            and self.uses[x] == 1
            and x.aval == state.aval
            and x not in self.places
            and self._may_overwrite(x, state)
        )
