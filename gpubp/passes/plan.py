"""The plan: a program in which every value has its place in memory, so that a step allocates nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from dsl.records import dataclass

from ..ir import Eqn, Program, Var
from .arena import Buffer


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a value: from element `offset` of a buffer, with strides in elements."""

    buffer: Buffer
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Whether the value is its whole buffer, in row-major order."""
        return math.prod(self.shape) == self.buffer.size and self.strides == dense(self.shape)


def dense(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of contiguous values in row-major order."""
    out: list[int] = []
    step = 1
    for n in reversed(shape):
        out.append(step)
        step *= n
    return tuple(reversed(out))


def base_of(x: Var, views: Mapping[Var, Eqn]) -> Var:
    """The value whose memory `x` is a view of, through any number of `views`; `x` itself if it is none."""
    while x in views:
        (x,) = views[x].operands
    return x


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """An equation that is computed in every step, and its scratch. A loop has the plan of its `body`, whose arena is
    the last of `scratch`."""

    eqn: Eqn
    scratch: tuple[Var, ...] = ()
    body: LoopBody | None = None

    @property
    def values(self) -> Iterator[Var]:
        yield from self.eqn.operands
        yield from self.eqn.outputs
        yield from self.scratch


@dataclass(frozen=True, slots=True)
class Fusion:
    """Steps from `first` to `stop` (exclusive) that can be one kernel: computed row by row of `shape`, or, without one,
    a single step."""

    first: int
    stop: int
    shape: tuple[int, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class LoopBody:
    """How one iteration of a loop runs. The inputs of its body, and the `slots` that collected results are written to,
    are states of the plan. `collected_carries`: the index of each carry whose new values are collected, with the number
    of the slot; these are not stored separately, an iteration reads what the previous one collected. The other carries
    are updated in place."""

    plan: Plan
    inputs: tuple[Var, ...]
    slots: tuple[Var, ...]
    collected_carries: Mapping[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How a program runs.

    `feeds` are the inputs in the arena, filled before each step; `states` the others, arrays that persist between
    steps, followed by the caller-owned arrays. When the plan is bound to its arrays, `constants` are computed once and
    `views` are set up. A step then runs `steps`, the first `early` of them before the guard is tested, in `fusions`
    that can be one kernel each, and last the `copies` (state, value) of new states that could not be computed in place.
    `places` maps each value to its place, `arena` is the size in bytes of everything that is neither state nor
    constant.
    """

    program: Program
    feeds: tuple[Var, ...]
    states: tuple[Var, ...]
    constants: tuple[Eqn, ...]
    views: tuple[Eqn, ...]
    steps: tuple[Step, ...]
    fusions: tuple[Fusion, ...]
    early: int
    copies: tuple[tuple[Var, Var], ...]
    places: Mapping[Var, Place]
    arena: int
