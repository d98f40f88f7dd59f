"""Liveness analysis: the first and last step at which each buffer is in use, and which values may share one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ir import Eqn, Program, Var
from .arena import Buffer
from .inplace import IN_PLACE, reads_before_write
from .plan import Place, Step


def assign_lifetimes(
    program: Program,
    steps: Sequence[Step],
    feeds: Iterable[Var],
    copies: Sequence[tuple[Var, Var]],
    places: dict[Var, Place],
) -> list[Buffer]:
    """Set the lifetime of each buffer, and let results reuse the memory of operands that die there, which updates
    `places`. Returns the buffers of the arena."""
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
    _reuse_operands(steps, places)
    return list({id(p.buffer): p.buffer for p in places.values() if p.buffer.kind == "arena"}.values())


def _reuse_operands(steps: Sequence[Step], places: dict[Var, Place]) -> None:
    """Let results reuse the memory of operands that die there, where size and read order allow it."""
    merged: dict[Buffer, Buffer] = {}

    def current(var: Var) -> Place:
        place = places[var]
        buffer = place.buffer
        while buffer in merged:
            buffer = merged[buffer]
        return place if buffer is place.buffer else Place(buffer, place.offset, place.shape, place.strides)

    for i, step in enumerate(steps):
        eqn = step.eqn
        if eqn.op.trait not in IN_PLACE:
            continue
        result = current(eqn.output)
        if result.buffer.kind != "arena" or not result.whole or result.buffer.first != i:
            continue
        operands = [current(x) if isinstance(x, Var) else None for x in eqn.inputs]
        for place in operands:
            if place is not None and place.buffer.last == i and _may_reuse(eqn, result, place, operands):
                merged[result.buffer] = place.buffer
                place.buffer.last = result.buffer.last
                break
    places.update((var, current(var)) for var in places)


def _may_reuse(eqn: Eqn, result: Place, operand: Place, others: Sequence[Place | None]) -> bool:
    """Whether a result may overwrite an operand: of the same shape and dtype, contiguous, and read elementwise before
    it is written."""
    return (
        operand.buffer.kind == "arena"
        and operand.buffer is not result.buffer
        and operand.whole
        and (operand.buffer.size, operand.buffer.dtype) == (result.buffer.size, result.buffer.dtype)
        and operand.shape == result.shape
        and all(
            reads_before_write(eqn, k) and other == operand
            for k, other in enumerate(others)
            if other is not None and other.buffer is operand.buffer
        )
    )
