"""Epilogue fusion: equations computed from results while these are in registers, before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ...ir import Eqn, Var
from ..c.memory import C_TYPE, Access, Memory, NoKernelError, places_overlap
from ..c.row_parts import Part
from .rows import CudaRows

LANES = 16
"""Threads that hold a row of results, if each holds one."""


class FirstAndEpilogue(CudaRows):
    """An equation `eqn` that is not elementwise, and the equations `after`, which are computed from its results by the
    same threads. `stored`: the values that other kernels read. Raises NoKernelError if a result would overwrite what
    other threads still read."""

    def __init__(self, memory: Memory, eqn: Eqn, after: Sequence[Eqn], stored: Collection[Var]) -> None:
        self.first = eqn
        super().__init__(memory, [eqn, *after], eqn.output.shape, stored)
        self.packs = {}
        stores = [part.store for part in self.parts if part.store is not None]
        for x in eqn.operands:
            place = memory.places[x]
            if any(places_overlap(store.place, store.dtype, place, x.dtype) for store in stores):
                raise NoKernelError

    def _add(self, eqn: Eqn) -> None:
        if eqn is not self.first:
            super()._add(eqn)
            return
        assert eqn.op.c is not None
        part = Part(eqn, eqn.op.c, True, 0, self.memory.names[eqn.output])
        self.parts.append(part)
        self.producers[eqn.output] = part

    def _merge_axes(self) -> None:
        """The axes stay as they are: `eqn` indexes them."""
        self.outer, self.length = self.shape[:-1], self.shape[-1]


class Epilogue(FirstAndEpilogue):
    """The epilogue of a tiled GEMM: elementwise equations, or row-wise ones if the results of a row are in the
    registers of adjacent threads."""

    @property
    def accesses(self) -> list[Access]:
        return self._accesses()

    @property
    def by_rows(self) -> bool:
        """Whether an equation needs a whole row, that is the last axis."""
        return not all(part.per_element for part in self.parts)

    def of_rows(self, index: Sequence[str]) -> list[str]:
        """The statements that compute and write a row, at `index` of the other axes. The threads of `mask` run them,
        each with its element of the product, number `lane` of the row, in `sums[0][0]`."""
        return self._phases(index, LANES)

    @property
    def width(self) -> int:
        """The elements of one vector access."""
        return self._width()

    def declared(self, size: str, width: int) -> list[str]:
        """The declarations of register arrays, of shape `size`, for the values that are stored."""
        return [f"Pack<{C_TYPE[part.output.dtype]}, {width}> {part.name}_pack{size};" for part in self._stored()]

    def computed(self, index: Sequence[str], at: str, width: int, kind: str) -> list[str]:
        """The statements that compute `width` adjacent elements from `sums[r][c + v]` and put them into element `at` of
        these register arrays. `index`: of all axes but the last, whose index is `j`."""
        return self._computed(index, width, kind, at)

    def written(self, index: Sequence[str], at: str, width: int) -> list[str]:
        """The statements that store these registers."""
        return self._store(index, width, at)

    def _lanes(self) -> int:
        return LANES

    def _value(self, part: Part, index: Sequence[str]) -> str:
        if part.eqn is self.first:
            sums = "sums[0][0]" if self.by_rows else "sums[r][c + v]"
            return f"const {C_TYPE[part.output.dtype]} {part.name} = {sums};"
        return super()._value(part, index)


class ElementEpilogue(FirstAndEpilogue):
    """The epilogue of a product whose threads compute one result each, `sum`: elementwise equations."""

    def of_each(self, index: Sequence[str]) -> list[str]:
        """The statements that compute and store everything that depends on the result at this index."""
        if not all(part.per_element for part in self.parts):
            raise NoKernelError
        return self._body(self.parts, index, index[-1])

    def _value(self, part: Part, index: Sequence[str]) -> str:
        if part.eqn is self.first:
            return f"const {C_TYPE[part.output.dtype]} {part.name} = sum;"
        return super()._value(part, index)
