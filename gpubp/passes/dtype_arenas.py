"""Arenas for languages in which an array has one element type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .arena import ITEM, Buffer, pack
from .liveness import assign_lifetimes
from .plan import Plan, Step


def split_arena(plan: Plan) -> tuple[Plan, dict[str, range]]:
    """The plan with one section of the arena per dtype, and the bytes of each, widest dtype first. Equations have no
    scratch, and loops no arena of their own. Modifies the buffers of the given plan."""
    buffers: dict[str, list[Buffer]] = {}
    plan, sizes = _split(plan, {}, buffers)
    sections: dict[str, range] = {}
    start = 0
    for dtype in sorted(sizes, key=lambda dtype: (-ITEM[dtype], dtype)):
        sections[dtype] = range(start, start + sizes[dtype])
        for buffer in buffers[dtype]:
            buffer.start += start
        start += sizes[dtype]
    return replace(plan, arena=start), sections


def _split(plan: Plan, start: Mapping[str, int], buffers_of: dict[str, list[Buffer]]) -> tuple[Plan, dict[str, int]]:
    """The plan with its values from byte `start` of each dtype's section on, and where they end; adds its buffers to
    `buffers_of`. A loop's temporaries come after those of its enclosing program."""
    steps = [Step(step.eqn, (), step.body) for step in plan.steps]
    scratch = {v for step in plan.steps for v in step.scratch}
    places = {v: place for v, place in plan.places.items() if v not in scratch}
    arenas: dict[str, list[Buffer]] = {}
    for buffer in assign_lifetimes(plan.program, steps, plan.feeds, plan.copies, places):
        arenas.setdefault(buffer.dtype, []).append(buffer)
        buffers_of.setdefault(buffer.dtype, []).append(buffer)
    sizes = dict(start)
    for dtype, buffers in arenas.items():
        first = start.get(dtype, 0)
        sizes[dtype] = first + pack(buffers)
        for buffer in buffers:
            buffer.start += first
    largest = dict(sizes)
    for i, step in enumerate(steps):
        if step.body is not None:
            inner, inner_sizes = _split(step.body.plan, sizes, buffers_of)
            largest.update({dtype: max(size, largest.get(dtype, 0)) for dtype, size in inner_sizes.items()})
            steps[i] = Step(step.eqn, (), replace(step.body, plan=inner))
    return replace(plan, steps=tuple(steps), places=places), largest
