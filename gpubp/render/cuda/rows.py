"""Elementwise and row-wise equations fused into a kernel: grid-stride loops with 16-byte accesses, and reductions of
rows by warps and blocks. Threads beside each other take elements beside each other (coalesced)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ...ir import Operand, Reduction, Var
from ...passes import ITEM
from ..c.memory import C_TYPE, Access, NoKernelError, places_overlap
from ..c.row_parts import Part
from ..c.rows import RowKernel
from .fold import Folding, across, warp_mask
from .work import (
    BLOCK,
    BYTES,
    MANY,
    WARP,
    Body,
    Kernel,
    aligned,
    blocks,
    indented,
    power_above,
    split_index,
    strided,
    whole,
)

KEPT = 16
"""Elements of a row that a thread keeps in registers between two reductions."""
SPLIT = 16384
"""Elements from which on a row is reduced in two passes, by several blocks and then by one; a single one already
where a block of BLOCK threads would have more than KEPT for each."""
PER_THREAD, LEAST = 16, 4
"""Elements that a thread of these takes; of more than SPLIT fewer, down to the second, where there would be fewer than
MANY blocks. What few blocks do can be chained (horizontal.py)."""
_MASK = "const uint32_t mask = 0xffffffffu;"


class CudaRows(RowKernel):
    """The kernels of equations that can be computed together. Each element of a row is the same thread's in all that a
    kernel does, so that what it keeps stays in its registers and threads only meet in reductions."""

    def lines(self) -> Body:
        """The work."""
        self.packs: dict[str, str] = {}
        if all(part.per_element for part in self.parts):
            return Body([self._elementwise()])
        if self.length > self._most() and any(part.reduces for part in self.parts):
            return Body(self._split())
        return Body([self._row_by_row()])

    @property
    def rows(self) -> int:
        return math.prod(self.outer)

    @property
    def largest(self) -> int:
        """Elements of the largest array, where each is computed by itself."""
        return self.rows * self.length

    def _choose_buffered(self) -> None:
        """Values of a row that are read again after a reduction stay in registers."""
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
        kind = whole(self.largest)
        index = [f"i{k}" for k in range(len(self.outer))]
        lines = []
        if self.outer:
            lines += split_index("q", (*self.outer, self.length // width), [*index, "j" if width == 1 else "p"], kind)
            lines += [f"const {kind} j = p * {width};"] if width > 1 else []
        else:
            lines += [f"const {kind} j = q{f' * {width}' if width > 1 else ''};"]
        if width == 1:
            lines += self._body(self.parts, [*index, "j"], "j")
        else:
            lines += self._packed(index, width, kind)
        head = f"for ({kind} q = THREAD; q < {elements}; q += THREADS) {{"
        return Kernel((head, *indented(lines), "}"), *strided(elements))

    def _packed(self, index: Sequence[str], width: int, kind: str, more: Sequence[str] = ()) -> list[str]:
        """Elements of `width` neighbours at once, by one access each."""
        packs = [f"Pack<{C_TYPE[part.output.dtype]}, {width}> {part.name}_pack;" for part in self._stores()]
        return [*packs, *self._filled(index, width, kind, more=more), *self._put(index, width)]

    def _filled(self, index: Sequence[str], width: int, kind: str, at: str = "", more: Sequence[str] = ()) -> list[str]:
        """The statements that read and compute `width` neighbours; what is stored comes to registers, at `at`. `more`:
        statements for each neighbour, `v`."""
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
        inner += [*(f"{part.name}_pack{at}.at[v] = {part.name};" for part in self._stores()), *more]
        return [*lines, "#pragma unroll", f"for (int v = 0; v < {width}; v++) {{", *indented(inner), "}"]

    def _put(self, index: Sequence[str], width: int, at: str = "") -> list[str]:
        """The statements that write these registers to memory."""
        stores = ((part.store, part.name, C_TYPE[part.output.dtype]) for part in self._stores())
        lines = ((s.at([*index, "j"]), name, f"Pack<{kind}, {width}>") for s, name, kind in stores if s is not None)
        return [f"*({pack} *)(&{to}) = {name}_pack{at};" for to, name, pack in lines]

    def _stores(self) -> list[Part]:
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
        """How many neighbours are read and written at once: as many as 16 bytes hold of the widest type, where all
        that lies one behind the other begins at such a boundary; else 1."""
        packed = [a for a in self._accesses() if a.strides[-1] == 1]
        if any(part.store is not None and part.store.strides[-1] != 1 for part in self.parts) or not packed:
            return 1
        width = BYTES // max(ITEM[a.dtype] for a in packed)
        return width if self.length % width == 0 and all(aligned(a, width) for a in packed) else 1

    # Rows ------------------------------------------------------------------------------------------------------------
    def _lanes(self) -> int:
        """Threads for a row: up to a warp for a short one, a block for a long one. More than BLOCK, so that the kernel
        is joined with no other, only where that many would have more than KEPT elements each."""
        if self.length <= 8 * WARP:
            return min(WARP, power_above(self.length))
        most = BLOCK if self.length <= KEPT * BLOCK else 1024
        return min(most, max(128, power_above(-(-self.length // 8))))

    def _row_by_row(self) -> Kernel:
        lanes = self._lanes()
        each = max(min(BLOCK // lanes, self.rows), WARP // lanes) if lanes <= WARP else 1
        block = lanes * each
        lines = _place(lanes, self.rows, each)
        index = [f"i{k}" for k in range(len(self.outer))]
        lines += split_index("row", self.outer, index, whole(self.rows * self.length))
        lines += self._turns(index, lanes)
        return Kernel(tuple(lines), blocks(self.rows, each), block)

    def _turns(self, index: Sequence[str], lanes: int) -> list[str]:
        count = -(-self.length // lanes)
        out = [f"{C_TYPE[part.output.dtype]} {part.name}_row[{count}];" for part in self.parts if part.buffered]
        for phase in range(1 + max((part.phase for part in self.parts), default=0)):
            own = [part for part in self.parts if part.phase == phase]
            out += [self._value(part, [*index, "0"]) for part in own if not part.per_element and not part.reduces]
            folds = self._foldings(own, count)
            loop = self._loop_body(own, [*index, "j"], folds)
            out += [fold.begin() for fold in folds.values()]
            if loop:
                kind = whole(self.rows * self.length)
                out += [f"#pragma unroll {count if count <= KEPT else 4}"] if count > 1 else []
                out.append(f"for (int k = 0; k < {count}; k++) {{")
                out.append(f"    const {kind} j = lane + k * {lanes};")
                out += [f"    if (j < {self.length}) {{", *indented(indented(loop)), "    }"]
                out.append("}")
            out += across(list(folds.values()), lanes)
            out += [fold.result() for fold in folds.values()]
        return out + self._row_figures(index, lanes)

    def _foldings(self, parts: Sequence[Part], terms: int) -> dict[int, Folding]:
        """The reductions among parts, by the identity of the part."""
        return {id(p): Folding(p.name, _fold(p), p.output.dtype, terms) for p in parts if p.reduces}

    def _loop_body(self, own: Sequence[Part], index: Sequence[str], folds: dict[int, Folding]) -> list[str]:
        lines = self._body([part for part in own if part.per_element], index, "k")
        for part in own:
            if part.reduces:
                (x,) = part.eqn.operands
                lines.append(folds[id(part)].take(self._operand(part, 0, x, index)))
        return lines

    def _row_figures(self, index: Sequence[str], lanes: int) -> list[str]:
        """Write what is one number for a row."""
        stores = [part for part in self.parts if part.store is not None and not part.per_element]
        lines = [f"{p.store.at([*index, '0'])} = {p.name};" for p in stores if p.store is not None]
        if not lines:
            return []
        if lanes > 1 and any(self._is_read(part.store) for part in stores):
            # Other threads may still have to read the old number.
            lines = [f"{'__syncthreads()' if lanes > WARP else '__syncwarp(mask)'};", *_only_first(lines)]
            return lines
        return _only_first(lines) if lanes > 1 else lines

    def _is_read(self, store: Access | None) -> bool:
        reads = (read for part in self.parts for read in part.reads.values())
        return store is not None and any(places_overlap(store.place, store.dtype, r.place, r.dtype) for r in reads)

    # Long rows -------------------------------------------------------------------------------------------------------
    def _most(self) -> int:
        """Elements up to which a block reduces a row by itself."""
        return KEPT * BLOCK if self.rows == 1 and not self._in_turns() else SPLIT

    def _in_turns(self) -> bool:
        """Whether the elements of a row are taken again, after a reduction."""
        return any(part.phase for part in self.parts if part.per_element or part.reduces)

    def _split(self) -> Iterator[Kernel]:
        """Several blocks for a row, each of which writes what it found; then one block joins that."""
        if self._in_turns():
            raise NoKernelError
        pieces = blocks(self.length, BLOCK * PER_THREAD)
        if self.length > SPLIT:
            pieces = max(pieces, min(blocks(self.length, BLOCK * LEAST), MANY // self.rows))
        pieces = min(pieces, 1024)
        count = -(-self.length // (pieces * BLOCK))
        first = [part for part in self.parts if part.phase == 0]
        folds = self._foldings(first, count)
        index = [f"i{k}" for k in range(len(self.outer))]
        begin = split_index("row", self.outer, index, whole(self.rows * self.length))
        kind = whole(self.rows * self.length)
        lines = [_MASK, f"const int row = blockIdx.x / {pieces}, lane = threadIdx.x;", *begin]
        lines += [self._value(part, [*index, "0"]) for part in first if not part.per_element and not part.reduces]
        lines += [fold.begin() for fold in folds.values()]
        lines += [
            f"#pragma unroll {min(count, KEPT)}",
            f"for (int k = 0; k < {count}; k++) {{",
            f"    const {kind} j = blockIdx.x % {pieces} * {BLOCK} + threadIdx.x + k * {pieces * BLOCK};",
            f"    if (j < {self.length}) {{",
            *indented(indented(self._loop_body(first, [*index, "j"], folds))),
            "    }",
            "}",
            *across(list(folds.values()), BLOCK),
        ]
        places = [f"((double *)scratch)[{k * self.rows * pieces} + {{at}}]" for k in range(len(folds))]
        puts = [f"{p.format(at='blockIdx.x')} = {f.name}_all;" for p, f in zip(places, folds.values(), strict=True)]
        size = 8 * len(folds) * self.rows * pieces
        yield Kernel((*lines, *_only_first(puts)), self.rows * pieces, BLOCK, size)
        terms = -(-pieces // BLOCK)
        last = {k: Folding(f.name, f.form, f.dtype, max(terms, count)) for k, f in folds.items()}
        lines = [_MASK, "const int row = blockIdx.x, lane = threadIdx.x;", *begin]
        lines += [self._value(part, [*index, "0"]) for part in first if not part.per_element and not part.reduces]
        lines += [fold.begin() for fold in last.values()]
        lines.append(f"for (int p = threadIdx.x; p < {pieces}; p += {BLOCK}) {{")
        at = f"row * {pieces} + p"
        takes = [f.take(f"({f.kind}){p.format(at=at)}") for p, f in zip(places, last.values(), strict=True)]
        lines += [*indented(takes), "}", *across(list(last.values()), BLOCK), *(f.result() for f in last.values())]
        lines += [self._value(part, [*index, "0"]) for part in self.parts if part.phase and not part.per_element]
        yield Kernel((*lines, *self._row_figures(index, BLOCK)), self.rows, BLOCK, size)


def _place(lanes: int, rows: int, each: int) -> list[str]:
    """Which row a thread works on, and as which of its threads."""
    if lanes > WARP:
        return ["const int row = blockIdx.x, lane = threadIdx.x;", _MASK]
    lines = [f"const int row = blockIdx.x * {each} + threadIdx.x / {lanes}, lane = threadIdx.x % {lanes};"]
    if rows % each:
        lines.append(f"if (row >= {rows}) return;")
    return [*lines, warp_mask(lanes, rows)]


def _only_first(lines: Sequence[str]) -> list[str]:
    """Done by one thread of a row."""
    return ["if (lane == 0) {", *indented(lines), "}"]


def _fold(part: Part) -> Reduction:
    assert isinstance(part.form, Reduction)
    return part.form
