"""Liveness analysis: the first and last step at which each buffer is in use, and which values may share one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ir import Eqn, Program, Var
from .arena import Buffer
from .inplace import IN_PLACE, read_first
from .plan import Place, Step


def live(
    program: Program,
    steps: Sequence[Step],
    feeds: Iterable[Var],
    copies: Sequence[tuple[Var, Var]],
    places: dict[Var, Place],
) -> list[Buffer]:
    """Find the lifetime of each buffer, and let results reuse the memory of dead operands; updates `places`.

    Returns the buffers of the arena.
    """
    end = len(steps)
    used: dict[Buffer, list[int]] = {}

    def use(var: Var, at: int) -> None:
        used.setdefault(places[var].buffer, []).append(at)

    for i, step in enumerate(steps):
        for var in step.values:
            use(var, i)
    for var in feeds:
        use(var, -1)
    for var in (*program.outputs, *(value for _, value in copies)):
        use(var, end)
    if program.guard is not None:
        use(program.guard, end)  # kernels on a GPU test it one by one
    for buffer, positions in used.items():
        buffer.first, buffer.last = min(positions), max(positions)
    _share(steps, places)
    return list({id(p.buffer): p.buffer for p in places.values() if p.buffer.kind == "arena"}.values())


def _share(steps: Sequence[Step], places: dict[Var, Place]) -> None:
    """Let results reuse the memory of operands that die there, where size and read order allow it."""
    taken: dict[Buffer, Buffer] = {}

    def current(var: Var) -> Place:
        place = places[var]
        buffer = place.buffer
        while buffer in taken:
            buffer = taken[buffer]
        return place if buffer is place.buffer else Place(buffer, place.offset, place.shape, place.strides)

    for i, step in enumerate(steps):
        eqn = step.eqn
        if eqn.op.trait not in IN_PLACE:
            continue
        own = current(eqn.output)
        if own.buffer.kind != "arena" or not own.whole or own.buffer.first != i:
            continue
        operands = [current(x) if isinstance(x, Var) else None for x in eqn.inputs]
        for place in operands:
            if place is not None and place.buffer.last == i and _may_take(eqn, own, place, operands):
                taken[own.buffer] = place.buffer
                place.buffer.last = own.buffer.last
                break
    places.update((var, current(var)) for var in places)


def _may_take(eqn: Eqn, own: Place, place: Place, operands: Sequence[Place | None]) -> bool:
    """Whether a result may overwrite an operand: of the same shape and dtype, contiguous, and read elementwise before
    it is written."""
    return (
        place.buffer.kind == "arena"
        and place.buffer is not own.buffer
        and place.whole
        and (place.buffer.size, place.buffer.dtype) == (own.buffer.size, own.buffer.dtype)
        and place.shape == own.shape
        and all(
            read_first(eqn, k) and other == place
            for k, other in enumerate(operands)
            if other is not None and other.buffer is place.buffer
        )
    )
