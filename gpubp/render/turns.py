"""Loop iterations: the addresses that a loop body reads and writes in each of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from dsl.records import dataclass

from ..ir import Eqn, Var
from ..ops import copy
from ..passes import ALIGN, ITEM, Buffer, LoopBody, Place, Plan, Step
from .c.memory import Memory

Spot = tuple[int | None, int]
"""An address: the number of a state or constant, None for the arena, and the byte offset in it."""


@dataclass(frozen=True, slots=True)
class Stand:
    """The address of a state of the body: at `spot`, `step` bytes further for each index of the loop; in the first
    iteration at `first`, if that is different."""

    spot: Spot
    step: int = 0
    first: Spot | None = None

    def at(self, index: int, turn: int) -> Spot:
        if turn == 0 and self.first is not None:
            return self.first
        return self.spot[0], self.spot[1] + self.step * index

    def grain(self, of: Callable[[int | None], int]) -> int:
        """Its alignment in bytes in all iterations, if tables and the arena are aligned to `of` bytes."""
        spots = [self.spot] if self.first is None else [self.spot, self.first]
        return math.gcd(ALIGN, self.step, *(n for table, byte in spots for n in (byte, of(table))))


class Turns:
    """The iterations of the loop `step` of a plan whose states and constants have `numbers`."""

    def __init__(self, plan: Plan, numbers: Mapping[Buffer, int], step: Step, one: LoopBody) -> None:
        self.plan, self.numbers, self.step, self.one = plan, numbers, step, one
        params = step.eqn.params
        self.length, self.reverse = params["length"], params["reverse"]
        n, m = params["carries"], params["scanned"]
        operands, outputs = step.eqn.operands, step.eqn.outputs
        self.carries = tuple(zip(operands[:n], outputs, strict=False))
        self.collected = outputs[n:]
        self.stands: dict[Var, Stand] = {}
        for i, (v, x) in enumerate(zip(one.inputs[n:], operands[n:], strict=True)):
            self.stands[v] = Stand(self._spot(x), self._stride(x) if i < m else 0)
        for v, y in zip(one.slots, self.collected, strict=True):
            self.stands[v] = Stand(self._spot(y), self._stride(y))
        for i, (first, last) in enumerate(self.carries):
            self.stands[one.inputs[i]] = self._carry(i, first, last)

    def _carry(self, i: int, first: Var, last: Var) -> Stand:
        """A carry is updated in its result; one whose new values are collected is read where the previous iteration
        wrote it."""
        if i not in self.one.collected_carries:
            return Stand(self._spot(last))
        y = self.collected[self.one.collected_carries[i]]
        (table, byte), step = self._spot(y), self._stride(y)
        return Stand((table, byte + (step if self.reverse else -step)), step, self._spot(first))

    def _spot(self, x: Var) -> Spot:
        place = self.plan.places[x]
        byte = place.offset * ITEM[x.dtype]
        if place.buffer.kind == "arena":
            return None, place.buffer.start + byte
        return self.numbers[place.buffer], byte

    def _stride(self, x: Var) -> int:
        """The distance of the slices of a sequence in bytes."""
        return self.plan.places[x].strides[0] * ITEM[x.dtype]

    def grains(self, of: Callable[[int | None], int]) -> dict[Buffer, int]:
        """See gpubp.render.c.memory.Memory."""
        return {self.one.plan.places[v].buffer: self.stands[v].grain(of) for v in self.one.plan.states}

    def before(self) -> list[tuple[Var, Var]]:
        """Results to which the initial values of carries are copied before the first iteration: (from, to)."""
        return [pair for i, pair in enumerate(self.carries) if i not in self.one.collected_carries]

    def after(self, memory: Memory, wanted: Callable[[Var], object]) -> list[tuple[Var, Var, Var]]:
        """The same after the last iteration, for results that something reads: (slice, to, all that is collected); the
        slice is registered in `memory`."""
        found = []
        for i, number in self.one.collected_carries.items():
            last, whole = self.carries[i][1], self.collected[number]
            if wanted(last):
                slice_, place = Var(last.aval, last.hint), memory.places[whole]
                offset = place.offset + (0 if self.reverse else self.length - 1) * place.strides[0]
                memory.places[slice_] = Place(place.buffer, offset, last.shape, place.strides[1:])
                memory.views[slice_] = Eqn(copy, (whole,), {}, (slice_,))
                found.append((slice_, last, whole))
        return found
