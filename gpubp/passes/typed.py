"""Arenas for languages in which an array has one element type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .arena import ITEM, Buffer, pack
from .liveness import live
from .plan import Plan, Step


def typed(plan: Plan) -> tuple[Plan, dict[str, range]]:
    """The plan with one section of the arena per dtype, and the bytes of each, widest dtype first. Equations have no
    scratch, and loops no arena of their own. Modifies the buffers of the given plan."""
    found: dict[str, list[Buffer]] = {}
    plan, sizes = _packed(plan, {}, found)
    pieces: dict[str, range] = {}
    at = 0
    for dtype in sorted(sizes, key=lambda dtype: (-ITEM[dtype], dtype)):
        pieces[dtype] = range(at, at + sizes[dtype])
        for buffer in found[dtype]:
            buffer.start += at
        at += sizes[dtype]
    return replace(plan, arena=at), pieces


def _packed(plan: Plan, begin: Mapping[str, int], found: dict[str, list[Buffer]]) -> tuple[Plan, dict[str, int]]:
    """The plan with values after `begin` bytes of each dtype, and where they end; its buffers are `found`. A loop's
    temporaries come after those of its enclosing program."""
    steps = [Step(step.eqn, (), step.round) for step in plan.steps]
    scratch = {v for step in plan.steps for v in step.scratch}
    places = {v: place for v, place in plan.places.items() if v not in scratch}
    arenas: dict[str, list[Buffer]] = {}
    for buffer in live(plan.program, steps, plan.feeds, plan.copies, places):
        arenas.setdefault(buffer.dtype, []).append(buffer)
        found.setdefault(buffer.dtype, []).append(buffer)
    sizes = dict(begin)
    for dtype, buffers in arenas.items():
        first = begin.get(dtype, 0)
        sizes[dtype] = first + pack(buffers)
        for buffer in buffers:
            buffer.start += first
    largest = dict(sizes)
    for i, step in enumerate(steps):
        if step.round is not None:
            inner, own = _packed(step.round.plan, sizes, found)
            largest.update({dtype: max(size, largest.get(dtype, 0)) for dtype, size in own.items()})
            steps[i] = Step(step.eqn, (), replace(step.round, plan=inner))
    return replace(plan, steps=tuple(steps), places=places), largest
