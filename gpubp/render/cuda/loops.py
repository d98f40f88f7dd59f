"""The turns of a loop on a GPU: the kernels of one round, put into the stream once for each turn on its memory."""

from __future__ import annotations

from collections.abc import Iterator

from ..loop_addresses import LoopAddresses
from .launch import Frame


def frames(loop: LoopAddresses) -> Iterator[Frame]:
    """The memory of each turn, in order."""
    arena = loop.plan.places[loop.step.scratch[-1]].buffer.start
    for iteration in range(loop.length):
        index = loop.length - 1 - iteration if loop.reverse else iteration
        yield Frame(arena, tuple(loop.addresses[v].at(index, iteration) for v in loop.body.plan.states))
