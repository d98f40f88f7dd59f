"""Elementwise and row-wise equations fused into a kernel: grid-stride loops with 16-byte accesses, and reductions of
rows by warps and blocks. Accesses are coalesced: adjacent threads take adjacent elements."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Operand, Var
from ...passes import ITEM
from ..c.memory import C_TYPE, NoKernelError
from ..c.row_parts import Part
from ..c.statements import braced, unrolled
from .long_rows import KEPT, WHOLE_WARP, RowReductions
from .reduction import reduce_across, warp_mask
from .work import (
    BLOCK,
    VECTOR_BYTES,
    WARP,
    Body,
    Kernel,
    aligned,
    blocks,
    grid_stride,
    index_type,
    power_of_two_above,
    unflatten,
)


class CudaRows(RowReductions):
    """The kernels of equations that can be computed together. Each element of a row belongs to the same thread
    throughout a kernel, so that buffered values stay in registers and threads synchronise only in reductions."""

    def lines(self) -> Body:
        """The work."""
        self.packs: dict[str, str] = {}
        if all(part.per_element for part in self.parts):
            return Body([self._elementwise()])
        if self.length > self._longest_row() and any(part.reduces for part in self.parts):
            if not self._rereads_row():
                return Body(self._two_pass())
            if not self._recomputes():
                raise NoKernelError
        return Body([self._row_by_row()])

    def _choose_buffered(self) -> None:
        """Values of a row that are read again after a reduction are kept in registers, or, of a long row, computed
        again."""
        for part in self.parts:
            for producer in self._producers(part):
                if producer.per_element and producer.phase < part.phase:
                    producer.buffered = -(-self.length // self._lanes()) <= KEPT
                    if not producer.buffered and not self._recomputes():
                        raise NoKernelError

    # Each element by itself ------------------------------------------------------------------------------------------
    def _elementwise(self) -> Kernel:
        width = self._width()
        elements = self.rows * self.length // width
        kind = index_type(self.largest)
        index = [f"i{k}" for k in range(len(self.outer))]
        lines = []
        if self.outer:
            lines += unflatten("q", (*self.outer, self.length // width), [*index, "j" if width == 1 else "p"], kind)
            lines += [f"const {kind} j = p * {width};"] if width > 1 else []
        else:
            lines += [f"const {kind} j = q{f' * {width}' if width > 1 else ''};"]
        if width == 1:
            lines += self._body(self.parts, [*index, "j"], "j")
        else:
            lines += self._vectorised(index, width, kind)
        lines = braced(f"for ({kind} q = THREAD; q < {elements}; q += THREADS)", lines)
        return Kernel(tuple(lines), *grid_stride(elements))

    def _vectorised(self, index: Sequence[str], width: int, kind: str, more: Sequence[str] = ()) -> list[str]:
        """`width` adjacent elements at once, with vector accesses."""
        packs = [f"Pack<{C_TYPE[part.output.dtype]}, {width}> {part.name}_pack;" for part in self._stored()]
        return [*packs, *self._computed(index, width, kind, more=more), *self._store(index, width)]

    def _computed(
        self, index: Sequence[str], width: int, kind: str, at: str = "", more: Sequence[str] = ()
    ) -> list[str]:
        """The statements that load and compute `width` adjacent elements, and put the stored values into element `at`
        of register arrays. `more`: further statements for each element `v`."""
        lines: list[str] = []
        fixed: dict[str, str] = {}
        for part in self.parts:
            for access in part.reads.values():
                text = access.at([*index, "j"])
                if access.strides[-1] == 1 and text not in self.packs:
                    name = f"{access.name}_pack{len(self.packs)}"
                    pack = f"Pack<{C_TYPE[access.dtype]}, {width}>"
                    lines.append(f"const {pack} {name} = *(const {pack} *)(&{text});")
                    self.packs[text] = name
                elif not access.strides[-1] and text not in fixed:
                    fixed[text] = f"{access.name}_once{len(fixed)}"
                    lines.append(f"const {C_TYPE[access.dtype]} {fixed[text]} = {text};")
                if not access.strides[-1]:
                    self.fixed[access] = fixed[text]
        inner = [f"const {kind} jv = j + v;", *(self._value(part, [*index, "jv"]) for part in self.parts)]
        inner += [*(f"{part.name}_pack{at}.at[v] = {part.name};" for part in self._stored()), *more]
        return [*lines, *unrolled("v", width, inner)]

    def _store(self, index: Sequence[str], width: int, at: str = "") -> list[str]:
        """The statements that store these registers."""
        stores = ((part.store, part.name, C_TYPE[part.output.dtype]) for part in self._stored())
        lines = ((s.at([*index, "j"]), name, f"Pack<{kind}, {width}>") for s, name, kind in stores if s is not None)
        return [f"*({pack} *)(&{to}) = {name}_pack{at};" for to, name, pack in lines]

    def _stored(self) -> list[Part]:
        return [part for part in self.parts if part.store is not None]

    def _operand(self, part: Part, i: int, x: Operand, index: Sequence[str]) -> str:
        read = part.reads.get(i)
        if read is not None and index[-1:] == ["jv"] and read.strides[-1] == 1:
            return f"{self.packs[read.at([*index[:-1], 'j'])]}.at[v]"
        producer = self._producer(x) if isinstance(x, Var) and read is None else None
        if producer is not None and producer.per_element and producer.phase < part.phase:
            return f"{producer.name}_row[k]" if producer.buffered else producer.name
        return super()._operand(part, i, x, index)

    def _width(self) -> int:
        """Elements of one vector access: as many of the widest type as 16 bytes hold, if all contiguous accesses are
        aligned to that; else 1."""
        packed = [a for a in self._accesses() if a.strides[-1] == 1]
        if any(part.store is not None and part.store.strides[-1] != 1 for part in self.parts) or not packed:
            return 1
        width = VECTOR_BYTES // max(ITEM[a.dtype] for a in packed)
        return width if self.length % width == 0 and all(aligned(a, width) for a in packed) else 1

    # Rows ------------------------------------------------------------------------------------------------------------
    def _lanes(self) -> int:
        """Threads per row: at most a warp for a short row, a block for a long one. More than BLOCK, which rules out
        horizontal fusion, only if BLOCK threads would have more than KEPT elements each."""
        if self.length <= 8 * WARP:
            return min(WARP, power_of_two_above(self.length))
        most = BLOCK if self.length <= KEPT * BLOCK else 1024
        return min(most, max(128, power_of_two_above(-(-self.length // 8))))

    def _row_by_row(self) -> Kernel:
        lanes = self._lanes()
        each = max(min(BLOCK // lanes, self.rows), WARP // lanes) if lanes <= WARP else 1
        lines = _place(lanes, self.rows, each)
        index = [f"i{k}" for k in range(len(self.outer))]
        lines += unflatten("row", self.outer, index, index_type(self.largest))
        lines += self._phases(index, lanes)
        return Kernel(tuple(lines), blocks(self.rows, each), lanes * each)

    def _phases(self, index: Sequence[str], lanes: int) -> list[str]:
        count, kind = -(-self.length // lanes), index_type(self.largest)
        out = [f"{C_TYPE[part.output.dtype]} {part.name}_row[{count}];" for part in self.parts if part.buffered]
        for phase in range(1 + max((part.phase for part in self.parts), default=0)):
            own = [part for part in self.parts if part.phase == phase]
            out += [self._value(part, [*index, "0"]) for part in own if not part.per_element and not part.reduces]
            folds = self._reductions(own, count)
            loop = [self._value(part, [*index, "j"]) for part in self._repeated(own)]
            loop += self._loop_body(own, [*index, "j"], folds)
            out += [fold.initialise() for fold in folds.values()]
            if loop:
                out += [f"#pragma unroll {count if count <= KEPT else 4}"] if count > 1 else []
                inner = [f"const {kind} j = lane + k * {lanes};", *braced(f"if (j < {self.length})", loop)]
                out += braced(f"for ({kind} k = 0; k < {count}; k++)", inner)
            out += reduce_across(list(folds.values()), lanes)
            out += [fold.result() for fold in folds.values()]
        return out + self._store_row_values(index, lanes)


def _place(lanes: int, rows: int, each: int) -> list[str]:
    """The declarations of a thread's row, its lane in that row, and the shuffle mask."""
    if lanes > WARP:
        return ["const int row = blockIdx.x, lane = threadIdx.x;", WHOLE_WARP]
    lines = [f"const int row = blockIdx.x * {each} + threadIdx.x / {lanes}, lane = threadIdx.x % {lanes};"]
    if rows % each:
        lines.append(f"if (row >= {rows}) return;")
    return [*lines, warp_mask(lanes, rows)]
