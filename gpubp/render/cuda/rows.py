"""Elementwise and row-wise equations fused into a kernel: grid-stride loops with 16-byte accesses, and reductions of
rows by warps and blocks. Accesses are coalesced: adjacent threads take adjacent elements."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ...ir import Operand, Reduction, Var
from ...passes import ITEM
from ..c.memory import C_TYPE, Access, NoKernelError, extent, places_overlap
from ..c.row_parts import Part
from ..c.rows import RowKernel
from .reduction import ThreadReduction, reduce_across, warp_mask
from .work import (
    BLOCK,
    BUSY_BLOCKS,
    VECTOR_BYTES,
    WARP,
    Body,
    Kernel,
    aligned,
    blocks,
    grid_stride,
    indented,
    index_type,
    power_of_two_above,
    unflatten,
)

KEPT = 16
"""Maximum elements of a row that a thread keeps in registers between two reductions."""
SPLIT = 16384
"""Longest row, in elements, that one block reduces; longer ones are reduced in two passes, by several blocks and then
by one. A single row is split as soon as BLOCK threads would have more than KEPT elements each."""
PER_THREAD, MIN_PER_THREAD = 16, 4
"""Elements per thread of the first pass; down to MIN_PER_THREAD in rows longer than SPLIT, if there would be fewer than
BUSY_BLOCKS blocks. A pass of few blocks can be chained (horizontal.py)."""
_MASK = "const uint32_t mask = 0xffffffffu;"


class CudaRows(RowKernel):
    """The kernels of equations that can be computed together. Each element of a row belongs to the same thread
    throughout a kernel, so that buffered values stay in registers and threads synchronise only in reductions."""

    def lines(self) -> Body:
        """The work."""
        self.packs: dict[str, str] = {}
        if all(part.per_element for part in self.parts):
            return Body([self._elementwise()])
        if self.length > self._longest_row() and any(part.reduces for part in self.parts):
            return Body(self._two_pass())
        return Body([self._row_by_row()])

    @property
    def rows(self) -> int:
        return math.prod(self.outer)

    @property
    def largest(self) -> int:
        """The largest number of elements that an index counts, which decides its type: a view may show a few elements
        of a large array."""
        return max(self.rows * self.length, *(extent(access.place) for access in self._accesses()))

    def _choose_buffered(self) -> None:
        """Values of a row that are read again after a reduction are kept in registers."""
        for part in self.parts:
            for x in part.eqn.operands:
                producer = self._producer(x)
                if producer is None or not producer.per_element or producer.phase == part.phase:
                    continue
                if -(-self.length // self._lanes()) > KEPT:
                    raise NoKernelError
                producer.buffered = True

    def _producer(self, x: Var) -> Part | None:
        return self.producers.get(x) or self.producers.get(self.memory.base(x))

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
        head = f"for ({kind} q = THREAD; q < {elements}; q += THREADS) {{"
        return Kernel((head, *indented(lines), "}"), *grid_stride(elements))

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
                    name = f"{access.pointer.rstrip('_').removesuffix('_at')}_pack{len(self.packs)}"
                    pack = f"Pack<{C_TYPE[access.dtype]}, {width}>"
                    lines.append(f"const {pack} {name} = *(const {pack} *)(&{text});")
                    self.packs[text] = name
                elif not access.strides[-1] and text not in fixed:
                    fixed[text] = f"{access.pointer.rstrip('_').removesuffix('_at')}_once{len(fixed)}"
                    lines.append(f"const {C_TYPE[access.dtype]} {fixed[text]} = {text};")
                if not access.strides[-1]:
                    self.fixed[access] = fixed[text]
        inner = [f"const {kind} jv = j + v;", *(self._value(part, [*index, "jv"]) for part in self.parts)]
        inner += [*(f"{part.name}_pack{at}.at[v] = {part.name};" for part in self._stored()), *more]
        return [*lines, "#pragma unroll", f"for (int v = 0; v < {width}; v++) {{", *indented(inner), "}"]

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
            return f"{producer.name}_row[k]"
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
        block = lanes * each
        lines = _place(lanes, self.rows, each)
        index = [f"i{k}" for k in range(len(self.outer))]
        lines += unflatten("row", self.outer, index, index_type(self.largest))
        lines += self._phases(index, lanes)
        return Kernel(tuple(lines), blocks(self.rows, each), block)

    def _phases(self, index: Sequence[str], lanes: int) -> list[str]:
        count, kind = -(-self.length // lanes), index_type(self.largest)
        out = [f"{C_TYPE[part.output.dtype]} {part.name}_row[{count}];" for part in self.parts if part.buffered]
        for phase in range(1 + max((part.phase for part in self.parts), default=0)):
            own = [part for part in self.parts if part.phase == phase]
            out += [self._value(part, [*index, "0"]) for part in own if not part.per_element and not part.reduces]
            folds = self._reductions(own, count)
            loop = self._loop_body(own, [*index, "j"], folds)
            out += [fold.initialise() for fold in folds.values()]
            if loop:
                out += [f"#pragma unroll {count if count <= KEPT else 4}"] if count > 1 else []
                out.append(f"for ({kind} k = 0; k < {count}; k++) {{")
                out.append(f"    const {kind} j = lane + k * {lanes};")
                out += [f"    if (j < {self.length}) {{", *indented(indented(loop)), "    }"]
                out.append("}")
            out += reduce_across(list(folds.values()), lanes)
            out += [fold.result() for fold in folds.values()]
        return out + self._store_row_values(index, lanes)

    def _reductions(self, parts: Sequence[Part], terms: int) -> dict[int, ThreadReduction]:
        """The reductions among parts, by the identity of the part."""
        return {id(p): ThreadReduction(p.name, _reduction(p), p.output.dtype, terms) for p in parts if p.reduces}

    def _loop_body(self, own: Sequence[Part], index: Sequence[str], folds: dict[int, ThreadReduction]) -> list[str]:
        lines = self._body([part for part in own if part.per_element], index, "k")
        for part in own:
            if part.reduces:
                (x,) = part.eqn.operands
                lines.append(folds[id(part)].accumulate(self._operand(part, 0, x, index)))
        return lines

    def _store_row_values(self, index: Sequence[str], lanes: int) -> list[str]:
        """The statements that store values with one number per row."""
        stores = [part for part in self.parts if part.store is not None and not part.per_element]
        lines = [f"{p.store.at([*index, '0'])} = {p.name};" for p in stores if p.store is not None]
        if not lines:
            return []
        if lanes > 1 and any(self._is_read(part.store) for part in stores):
            # Other threads may not have read the old number yet.
            lines = [f"{'__syncthreads()' if lanes > WARP else '__syncwarp(mask)'};", *_only_first(lines)]
            return lines
        return _only_first(lines) if lanes > 1 else lines

    def _is_read(self, store: Access | None) -> bool:
        reads = (read for part in self.parts for read in part.reads.values())
        return store is not None and any(places_overlap(store.place, store.dtype, r.place, r.dtype) for r in reads)

    # Long rows -------------------------------------------------------------------------------------------------------
    def _longest_row(self) -> int:
        """The longest row that a block reduces by itself."""
        return KEPT * BLOCK if self.rows == 1 and not self._rereads_row() else SPLIT

    def _rereads_row(self) -> bool:
        """Whether the elements of a row are read again after a reduction."""
        return any(part.phase for part in self.parts if part.per_element or part.reduces)

    def _two_pass(self) -> Iterator[Kernel]:
        """Two passes: several blocks per row write partial results, then one block combines them."""
        if self._rereads_row():
            raise NoKernelError
        pieces = blocks(self.length, BLOCK * PER_THREAD)
        if self.length > SPLIT:
            pieces = max(pieces, min(blocks(self.length, BLOCK * MIN_PER_THREAD), BUSY_BLOCKS // self.rows))
        pieces = min(pieces, 1024)
        count = -(-self.length // (pieces * BLOCK))
        first = [part for part in self.parts if part.phase == 0]
        folds = self._reductions(first, count)
        index = [f"i{k}" for k in range(len(self.outer))]
        kind = index_type(self.largest)
        begin = unflatten("row", self.outer, index, kind)
        lines = [_MASK, f"const int row = blockIdx.x / {pieces}, lane = threadIdx.x;", *begin]
        lines += [self._value(part, [*index, "0"]) for part in first if not part.per_element and not part.reduces]
        lines += [fold.initialise() for fold in folds.values()]
        lines += [
            f"#pragma unroll {min(count, KEPT)}",
            f"for ({kind} k = 0; k < {count}; k++) {{",
            f"    const {kind} j = blockIdx.x % {pieces} * {BLOCK} + threadIdx.x + k * {pieces * BLOCK};",
            f"    if (j < {self.length}) {{",
            *indented(indented(self._loop_body(first, [*index, "j"], folds))),
            "    }",
            "}",
            *reduce_across(list(folds.values()), BLOCK),
        ]
        places = [f"((double *)scratch)[{k * self.rows * pieces} + {{at}}]" for k in range(len(folds))]
        puts = [f"{p.format(at='blockIdx.x')} = {f.name}_all;" for p, f in zip(places, folds.values(), strict=True)]
        size = 8 * len(folds) * self.rows * pieces
        yield Kernel((*lines, *_only_first(puts)), self.rows * pieces, BLOCK, size)
        terms = -(-pieces // BLOCK)
        last = {k: ThreadReduction(f.name, f.form, f.dtype, max(terms, count)) for k, f in folds.items()}
        lines = [_MASK, "const int row = blockIdx.x, lane = threadIdx.x;", *begin]
        lines += [self._value(part, [*index, "0"]) for part in first if not part.per_element and not part.reduces]
        lines += [fold.initialise() for fold in last.values()]
        lines.append(f"for (int p = threadIdx.x; p < {pieces}; p += {BLOCK}) {{")
        at = f"row * {pieces} + p"
        takes = [f.accumulate(f"({f.kind}){p.format(at=at)}") for p, f in zip(places, last.values(), strict=True)]
        lines += [
            *indented(takes),
            "}",
            *reduce_across(list(last.values()), BLOCK),
            *(f.result() for f in last.values()),
        ]
        lines += [self._value(part, [*index, "0"]) for part in self.parts if part.phase and not part.per_element]
        yield Kernel((*lines, *self._store_row_values(index, BLOCK)), self.rows, BLOCK, size)


def _place(lanes: int, rows: int, each: int) -> list[str]:
    """The declarations of a thread's row, its lane in that row, and the shuffle mask."""
    if lanes > WARP:
        return ["const int row = blockIdx.x, lane = threadIdx.x;", _MASK]
    lines = [f"const int row = blockIdx.x * {each} + threadIdx.x / {lanes}, lane = threadIdx.x % {lanes};"]
    if rows % each:
        lines.append(f"if (row >= {rows}) return;")
    return [*lines, warp_mask(lanes, rows)]


def _only_first(lines: Sequence[str]) -> list[str]:
    """Statements run by one thread of each row."""
    return ["if (lane == 0) {", *indented(lines), "}"]


def _reduction(part: Part) -> Reduction:
    assert isinstance(part.form, Reduction)
    return part.form
