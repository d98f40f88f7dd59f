"""What becomes of results as soon as they are there, before they are written anywhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..ir import Eqn, Var
from .c_memory import C_TYPE, Access, Memory, UnfitError, overlap
from .c_row_parts import Part
from .cuda_rows import CudaRows


class Made(CudaRows):
    """The results of the equation `eqn`, which is more than elementwise, and the elementwise equations `after` that a
    thread computes of each as soon as it has it; `stored`: the values that something else reads. Raises UnfitError
    where they need results of other threads, or would write over what these still read."""

    def __init__(self, memory: Memory, eqn: Eqn, after: Sequence[Eqn], stored: Collection[Var]) -> None:
        self.first = eqn
        super().__init__(memory, [eqn, *after], eqn.output.shape, stored)
        self.packs = {}
        stores = [part.store for part in self.parts if part.store is not None]
        if not all(part.full for part in self.parts):
            raise UnfitError
        for x in eqn.operands:
            place = memory.places[x]
            if any(overlap(store.place, store.dtype, place, x.dtype) for store in stores):
                raise UnfitError

    def _enter(self, eqn: Eqn) -> None:
        if eqn is not self.first:
            super()._enter(eqn)
            return
        assert eqn.op.c is not None
        part = Part(eqn, eqn.op.c, True, 0, self.memory.names[eqn.output])
        self.parts.append(part)
        self.made[eqn.output] = part

    def _fold_axes(self) -> None:
        """Axes stay those of the equation, which counts them."""
        self.outer, self.length = self.shape[:-1], self.shape[-1]


class Results(Made):
    """The results of a product, in the registers of the threads that made them."""

    @property
    def accesses(self) -> list[Access]:
        return self._accesses()

    @property
    def width(self) -> int:
        """How many neighbours can be read and written at once."""
        return self._width()

    def declared(self, size: str, width: int) -> list[str]:
        """Registers for what is written, of arrays of `size`."""
        return [f"Pack<{C_TYPE[part.output.dtype]}, {width}> {part.name}_pack{size};" for part in self._stores()]

    def computed(self, index: Sequence[str], at: str, width: int, kind: str) -> list[str]:
        """The statements that compute `width` neighbours, from the index `j` of the last axis on behind those of the
        others, of the sums `sums[r][c + v]`, to `at` in these registers."""
        return self._filled(index, width, kind, at)

    def written(self, index: Sequence[str], at: str, width: int) -> list[str]:
        """The statements that write them to memory."""
        return self._put(index, width, at)

    def _value(self, part: Part, index: Sequence[str]) -> str:
        if part.eqn is self.first:
            return f"const {C_TYPE[part.output.dtype]} {part.name} = sums[r][c + v];"
        return super()._value(part, index)
