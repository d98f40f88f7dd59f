"""Reductions of rows: what they have in common, and two passes for rows that are too long for one block."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ...ir import Var
from ..c.memory import Access, extent, places_overlap
from ..c.row_parts import Part
from ..c.rows import RowKernel
from ..c.statements import braced
from .reduction import ThreadReduction, reduce_across
from .work import BLOCK, BUSY_BLOCKS, WARP, Kernel, blocks, index_type, unflatten

KEPT = 16
"""Maximum elements of a row that a thread keeps in registers between two reductions."""
SPLIT = 16384
"""Longest row, in elements, that one block reduces; longer ones are reduced in two passes, by several blocks and then
by one, unless their elements are needed again. A single row is split as soon as BLOCK threads would have more than KEPT
elements each."""
PER_THREAD, MIN_PER_THREAD = 16, 4
"""Elements per thread of the first pass; down to MIN_PER_THREAD in rows longer than SPLIT, if there would be fewer than
BUSY_BLOCKS blocks. A pass of few blocks can be chained (horizontal.py)."""
MAX_RECOMPUTED = 1 << 20
"""Longest row, in elements, that a block goes through several times."""
WHOLE_WARP = "const uint32_t mask = 0xffffffffu;"


class RowReductions(RowKernel):
    """Equations with reductions of rows. `CudaRows` adds kernels of one pass."""

    @property
    def rows(self) -> int:
        return math.prod(self.outer)

    @property
    def largest(self) -> int:
        """The largest number of elements that an index counts, which decides its type: a view may show a few elements
        of a large array."""
        return max(self.rows * self.length, *(extent(access.place) for access in self._accesses()))

    def _producers(self, part: Part) -> Iterator[Part]:
        """The parts whose values a part takes as they are computed, not from memory."""
        for i, x in enumerate(part.eqn.inputs):
            producer = self._producer(x) if isinstance(x, Var) and i not in part.reads else None
            if producer is not None:
                yield producer

    def _reductions(self, parts: Sequence[Part], terms: int) -> dict[int, ThreadReduction]:
        """The reductions among parts, by the identity of the part."""
        return {id(p): ThreadReduction(p.name, p.reduction, p.output.dtype, terms) for p in parts if p.reduces}

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
            return [f"{'__syncthreads()' if lanes > WARP else '__syncwarp(mask)'};", *_only_first(lines)]
        return _only_first(lines) if lanes > 1 else lines

    def _is_read(self, store: Access | None) -> bool:
        reads = (read for part in self.parts for read in part.reads.values())
        return store is not None and any(places_overlap(store.place, store.dtype, r.place, r.dtype) for r in reads)

    def _longest_row(self) -> int:
        """The longest row that a block reduces by itself."""
        return KEPT * BLOCK if self.rows == 1 and not self._rereads_row() else SPLIT

    def _rereads_row(self) -> bool:
        """Whether the elements of a row are read again after a reduction."""
        return any(part.phase for part in self.parts if part.per_element or part.reduces)

    def _recomputes(self) -> bool:
        """Whether one block goes through a long row once for each reduction and once more, and computes what it needs
        of it each time: an equation that is not computed otherwise, such as a softmax, or enough rows."""
        if self.length > MAX_RECOMPUTED or not (self.single or self.rows >= BUSY_BLOCKS):
            return False
        last = max(part.phase for part in self.parts)
        stores = [part.store for part in self.parts if part.store is not None and part.phase < last]
        reads = [read for part in self.parts for read in part.reads.values()]
        return not any(places_overlap(s.place, s.dtype, r.place, r.dtype) for s in stores for r in reads)

    def _repeated(self, own: Sequence[Part]) -> list[Part]:
        """The parts of earlier phases that are computed again for those of a phase."""
        needed = {id(part) for part in own if part.per_element or part.reduces}
        for part in reversed(self.parts):
            if id(part) in needed:
                needed |= {id(p) for p in self._producers(part) if p.per_element and not p.buffered}
        return [part for part in self.parts if id(part) in needed and part not in own]

    def _two_pass(self) -> Iterator[Kernel]:
        """Two passes: several blocks per row write partial results, then one block combines them."""
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
        lines = [WHOLE_WARP, f"const int row = blockIdx.x / {pieces}, lane = threadIdx.x;", *begin]
        lines += [self._value(part, [*index, "0"]) for part in first if not part.per_element and not part.reduces]
        lines += [fold.initialise() for fold in folds.values()]
        loop = [
            f"const {kind} j = blockIdx.x % {pieces} * {BLOCK} + threadIdx.x + k * {pieces * BLOCK};",
            *braced(f"if (j < {self.length})", self._loop_body(first, [*index, "j"], folds)),
        ]
        lines += [f"#pragma unroll {min(count, KEPT)}", *braced(f"for ({kind} k = 0; k < {count}; k++)", loop)]
        lines += reduce_across(list(folds.values()), BLOCK)
        places = [f"((double *)scratch)[{k * self.rows * pieces} + {{at}}]" for k in range(len(folds))]
        puts = [f"{p.format(at='blockIdx.x')} = {f.name}_all;" for p, f in zip(places, folds.values(), strict=True)]
        size = 8 * len(folds) * self.rows * pieces
        yield Kernel((*lines, *_only_first(puts)), self.rows * pieces, BLOCK, size)
        terms = -(-pieces // BLOCK)
        last = {k: ThreadReduction(f.name, f.form, f.dtype, max(terms, count)) for k, f in folds.items()}
        lines = [WHOLE_WARP, "const int row = blockIdx.x, lane = threadIdx.x;", *begin]
        lines += [self._value(part, [*index, "0"]) for part in first if not part.per_element and not part.reduces]
        lines += [fold.initialise() for fold in last.values()]
        at = f"row * {pieces} + p"
        takes = [f.accumulate(f"({f.kind}){p.format(at=at)}") for p, f in zip(places, last.values(), strict=True)]
        lines += braced(f"for (int p = threadIdx.x; p < {pieces}; p += {BLOCK})", takes)
        lines += [*reduce_across(list(last.values()), BLOCK), *(f.result() for f in last.values())]
        lines += [self._value(part, [*index, "0"]) for part in self.parts if part.phase and not part.per_element]
        yield Kernel((*lines, *self._store_row_values(index, BLOCK)), self.rows, BLOCK, size)


def _only_first(lines: Sequence[str]) -> list[str]:
    """Statements run by one thread of each row."""
    return braced("if (lane == 0)", lines)
