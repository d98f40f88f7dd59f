"""The plan: a program whose every value has its place in memory, so that a step allocates nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from dsl.records import dataclass

from ..ir import Eqn, Program, Var
from .arena import Buffer


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lies: from element `offset` of a buffer, with strides in elements."""

    buffer: Buffer
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Whether the value is its buffer: all of it, in row-major order."""
        return self.offset == 0 and math.prod(self.shape) == self.buffer.size and self.strides == dense(self.shape)


def dense(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of values one behind the other in row-major order."""
    out: list[int] = []
    step = 1
    for n in reversed(shape):
        out.append(step)
        step *= n
    return tuple(reversed(out))


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """An equation that is computed in every step, with the values that it needs on the way. A loop has the plan of one
    `round`, whose arena is the last of `scratch`."""

    eqn: Eqn
    scratch: tuple[Var, ...] = ()
    round: Round | None = None

    @property
    def values(self) -> Iterator[Var]:
        yield from self.eqn.operands
        yield from self.eqn.outputs
        yield from self.scratch


@dataclass(frozen=True, slots=True)
class Piece:
    """Steps from `first` to before `stop` that can be one kernel: computed row by row of `shape`, or, without one, on
    their own."""

    first: int
    stop: int
    shape: tuple[int, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """How one round of a loop runs. The inputs of its body, and the `slots` that what is collected is written to, are
    states of the plan. `follow`: the carries whose new values are collected, and the number of the slot; nothing is
    carried for them, a round reads what the one before has collected. The other carries change in place."""

    plan: Plan
    inputs: tuple[Var, ...]
    slots: tuple[Var, ...]
    follow: Mapping[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How a program runs.

    `feeds` are the inputs that lie in the arena and are filled before each step; `states` the others, arrays that are
    kept between steps, and behind them the arrays of values that have a home of their own. When it is bound to its
    arrays, `constants` are computed once and `views` are set up. A step then runs `steps`, the first `early` of them
    before the guard is looked at, in `pieces` that can be one kernel each, and last the `copies` (state, value) of new
    states that could not be computed in their place. `places` tells where each value lies, `arena` how many bytes all
    that are no states and no constants need together.
    """

    program: Program
    feeds: tuple[Var, ...]
    states: tuple[Var, ...]
    constants: tuple[Eqn, ...]
    views: tuple[Eqn, ...]
    steps: tuple[Step, ...]
    pieces: tuple[Piece, ...]
    early: int
    copies: tuple[tuple[Var, Var], ...]
    places: Mapping[Var, Place]
    arena: int
