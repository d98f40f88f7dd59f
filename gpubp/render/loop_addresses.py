"""Loop iterations: the addresses that a loop body reads and writes in each of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from dsl.records import dataclass

from ..ir import Eqn, Var
from ..ops import copy
from ..passes import ALIGN, ITEM, Buffer, LoopBody, Place, Plan, Step
from .c.memory import Memory

Address = tuple[int | None, int]
"""An address: the number of a state or constant, None for the arena, and the byte offset in it."""


@dataclass(frozen=True, slots=True)
class StateAddress:
    """The address of a state of the body: at `start`, `step` bytes further for each index of the loop; in the first
    iteration at `first`, if that is different."""

    start: Address
    step: int = 0
    first: Address | None = None

    def at(self, index: int, iteration: int) -> Address:
        if iteration == 0 and self.first is not None:
            return self.first
        return self.start[0], self.start[1] + self.step * index

    def alignment(self, alignment_of: Callable[[int | None], int]) -> int:
        """Its alignment in bytes in all iterations, if tables and the arena are aligned to `alignment_of` bytes."""
        addresses = [self.start] if self.first is None else [self.start, self.first]
        return math.gcd(ALIGN, self.step, *(n for table, byte in addresses for n in (byte, alignment_of(table))))


class LoopAddresses:
    """The iterations of the loop `step` of a plan whose states and constants have `table_index`."""

    def __init__(self, plan: Plan, table_index: Mapping[Buffer, int], step: Step, body: LoopBody) -> None:
        self.plan, self.table_index, self.step, self.body = plan, table_index, step, body
        params = step.eqn.params
        self.length, self.reverse = params["length"], params["reverse"]
        n, m = params["carries"], params["scanned"]
        operands, outputs = step.eqn.operands, step.eqn.outputs
        self.carries = tuple(zip(operands[:n], outputs, strict=False))
        self.collected = outputs[n:]
        self.addresses: dict[Var, StateAddress] = {}
        for i, (v, x) in enumerate(zip(body.inputs[n:], operands[n:], strict=True)):
            self.addresses[v] = StateAddress(self._address(x), self._stride(x) if i < m else 0)
        for v, y in zip(body.slots, self.collected, strict=True):
            self.addresses[v] = StateAddress(self._address(y), self._stride(y))
        for i, (first, last) in enumerate(self.carries):
            self.addresses[body.inputs[i]] = self._carry(i, first, last)

    def _carry(self, i: int, first: Var, last: Var) -> StateAddress:
        """A carry is updated in its result; one whose new values are collected is read where the previous iteration
        wrote it."""
        if i not in self.body.collected_carries:
            return StateAddress(self._address(last))
        y = self.collected[self.body.collected_carries[i]]
        (table, byte), step = self._address(y), self._stride(y)
        return StateAddress((table, byte + (step if self.reverse else -step)), step, self._address(first))

    def _address(self, x: Var) -> Address:
        place = self.plan.places[x]
        byte = place.offset * ITEM[x.dtype]
        if place.buffer.kind == "arena":
            return None, place.buffer.start + byte
        return self.table_index[place.buffer], byte

    def _stride(self, x: Var) -> int:
        """The distance of the slices of a sequence in bytes."""
        return self.plan.places[x].strides[0] * ITEM[x.dtype]

    def alignments(self, alignment_of: Callable[[int | None], int]) -> dict[Buffer, int]:
        """The alignment in bytes of each buffer of the body's states; see gpubp.render.c.memory.Memory."""
        places = self.body.plan.places
        return {places[v].buffer: self.addresses[v].alignment(alignment_of) for v in self.body.plan.states}

    def initial_copies(self) -> list[tuple[Var, Var]]:
        """Results to which the initial values of carries are copied before the first iteration: (from, to)."""
        return [pair for i, pair in enumerate(self.carries) if i not in self.body.collected_carries]

    def final_copies(self, memory: Memory, is_read: Callable[[Var], object]) -> list[tuple[Var, Var, Var]]:
        """The same after the last iteration, for results that something reads: (slice, to, all that is collected); the
        slice is registered in `memory`."""
        copies = []
        for i, number in self.body.collected_carries.items():
            last, collected = self.carries[i][1], self.collected[number]
            if is_read(last):
                last_slice, place = Var(last.aval, last.hint), memory.places[collected]
                offset = place.offset + (0 if self.reverse else self.length - 1) * place.strides[0]
                memory.places[last_slice] = Place(place.buffer, offset, last.shape, place.strides[1:])
                memory.views[last_slice] = Eqn(copy, (collected,), {}, (last_slice,))
                copies.append((last_slice, last, collected))
        return copies
