"""Epilogue fusion: what is computed of results while they are in registers, before they are written anywhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ...ir import Eqn, Var
from ..c.memory import C_TYPE, Access, Memory, UnfitError, overlap
from ..c.row_parts import Part
from .rows import CudaRows

LANES = 16
"""Threads beside each other that have the results of a row, where each has one."""


class Fused(CudaRows):
    """The results of the equation `eqn`, which is more than elementwise, and the equations `after` that are computed of
    them as soon as they are there; `stored`: the values that something else reads. Raises UnfitError where they would
    write over what other threads still read."""

    def __init__(self, memory: Memory, eqn: Eqn, after: Sequence[Eqn], stored: Collection[Var]) -> None:
        self.first = eqn
        super().__init__(memory, [eqn, *after], eqn.output.shape, stored)
        self.packs = {}
        stores = [part.store for part in self.parts if part.store is not None]
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


class Epilogue(Fused):
    """The epilogue of a tiled GEMM: elementwise equations, or those of a row whose results threads beside each other
    have."""

    @property
    def accesses(self) -> list[Access]:
        return self._accesses()

    @property
    def by_rows(self) -> bool:
        """Whether something needs a whole row, the last axis."""
        return not all(part.full for part in self.parts)

    def of_rows(self, index: Sequence[str]) -> list[str]:
        """The statements that compute and write a row, at the index of the other axes, by the threads `lane` of `mask`
        that have its sums in `sums[0][0]`."""
        return self._turns(index, LANES)

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

    def _lanes(self) -> int:
        return LANES

    def _value(self, part: Part, index: Sequence[str]) -> str:
        if part.eqn is self.first:
            sums = "sums[0][0]" if self.by_rows else "sums[r][c + v]"
            return f"const {C_TYPE[part.output.dtype]} {part.name} = {sums};"
        return super()._value(part, index)


class ElementEpilogue(Fused):
    """The epilogue of a product each result of which is one thread's, `sum`: elementwise equations."""

    def of_each(self, index: Sequence[str]) -> list[str]:
        """The statements that compute and write what is made of a result, at this index."""
        if not all(part.full for part in self.parts):
            raise UnfitError
        return self._body(self.parts, index, index[-1])

    def _value(self, part: Part, index: Sequence[str]) -> str:
        if part.eqn is self.first:
            return f"const {C_TYPE[part.output.dtype]} {part.name} = sum;"
        return super()._value(part, index)
