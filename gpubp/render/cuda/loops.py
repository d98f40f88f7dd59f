"""The turns of a loop on a GPU: the kernels of one round, put into the stream once for each turn on its memory."""

from __future__ import annotations

from collections.abc import Iterator

from ..turns import Turns
from .launch import Frame


def frames(turns: Turns) -> Iterator[Frame]:
    """The memory of each turn, in order."""
    arena = turns.plan.places[turns.step.scratch[-1]].buffer.start
    for turn in range(turns.length):
        index = turns.length - 1 - turn if turns.reverse else turn
        yield Frame(arena, tuple(turns.stands[v].at(index, turn) for v in turns.one.plan.states))
