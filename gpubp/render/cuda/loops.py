"""Loops on a GPU: the kernels of the body, launched once per iteration on the memory of that iteration."""

from __future__ import annotations

from collections.abc import Iterator

from ..loop_addresses import LoopAddresses
from .launch import Frame


def frames(loop: LoopAddresses) -> Iterator[Frame]:
    """The memory of each iteration, in order of execution."""
    arena = loop.plan.places[loop.step.scratch[-1]].buffer.start
    for iteration in range(loop.length):
        index = loop.length - 1 - iteration if loop.reverse else iteration
        yield Frame(arena, tuple(loop.addresses[v].at(index, iteration) for v in loop.body.plan.states))
