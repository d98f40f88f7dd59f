"""Tiled GEMM kernels whose operands may lie anywhere: small matrix products, and convolution with both gradients as
implicit GEMM, without an im2col buffer.

A block computes a tile of the result, each thread a tile of that in registers (register tiling). Slices of both
operands along K pass through shared memory, double-buffered: the next one is on its way while one is multiplied. A
sum is taken in the order of its terms, by fused multiply-adds. Where the tiles alone would leave most of a GPU idle,
K is divided among blocks (split-K). Of those that work on the same tile the one that comes last reduces their
partial sums (threadFenceReduction of the CUDA samples), and goes on to the epilogue as if it had taken all terms
itself. No number is added by atomics: the order of every sum depends on the shapes alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...ir import Contraction
from ...passes import ITEM
from ..c.memory import C_TYPE, Access, NoKernelError
from .epilogue import LANES, Epilogue
from .factor import Axes, Factor
from .multiply import Tile, multiply, sliced_k, unrolled, when
from .tensor import SLICED_K_TENSOR, TENSOR
from .work import BLOCK, BYTES, WARP, Kernel, blocks, indented, whole

SMALL = 32 * 32 * 32
"""Multiplications that one block does by itself: a product with fewer is never split along K."""
MULTIPROCESSORS = 132
"""Multiprocessors of a large GPU."""
BUSY = 512 * MULTIPROCESSORS
"""Threads that keep it busy: four warps for each of its schedulers."""
LEAST_TERMS = 64
"""Terms that a block of split-K takes at least."""
SPLIT_FROM = 4 * LEAST_TERMS
"""Terms from which on K is split."""
TURN, JOIN = 400, 1500
"""Cycles that a turn of the main loop takes, in which a slice is read from L2; and those to write partial sums and to
reduce up to FAN_IN of them."""
FEW = 256 * MULTIPROCESSORS
"""Results up to which each is a thread's, where K is not split: a warp for each scheduler at most, and nothing to wait
for but memory."""
FAN_IN = 16
"""Partial sums that a block reduces at once: more are reduced as a tree. Their counter is that of the first of them and
of the level, of which there are fewer."""


TILES = (
    Tile(16, 16, 1, 1),
    *(Tile(rows, columns, 4, 4) for columns in (16, 32, 64) for rows in (16, 32, 64) if rows * columns >= 512),
    Tile(128, 32, 8, 4),
    Tile(128, 64, 8, 8),
)
"""Those there are."""
SLICED = (TILES[0], Tile(32, 32, 4, 4), Tile(32, 64, 4, 4), Tile(64, 32, 4, 4))
"""Tiles whose terms slices of threads can share, BLOCK threads in all (sliced-K): with n slices, each takes every n-th
term, and each thread 4 by 4 results, for which a read of shared memory serves two products in place of one half."""
SLICED_FROM = 64
"""Terms from which on they do: as many as a turn of a block of 16 slices."""
IN_ORDER = 4 * SMALL
"""Multiplications up to which a thread takes a sum by itself, where K is not split: as block.py does it."""
LEAST_SIDE = 8
"""Rows, columns and terms that tensor cores multiply at once, or half of them."""


def tiles(sums: Contraction, left: Access, right: Access, results: Epilogue, tf32: bool) -> Kernel:
    """The kernel of a product, and of what its results are made into; with `tf32` that of many multiplications of
    float32 by tensor cores. Raises NoKernelError where there is nothing to multiply."""
    if 0 in (*sums.batch, *sums.rows, *sums.columns, *sums.terms):
        raise NoKernelError
    return _Product(sums, left, right, results, tf32).kernel()


def by_tensor_cores(batch: int, rows: int, columns: int, terms: int) -> bool:
    """Whether tensor cores multiply sooner, where factors may be rounded to TF32."""
    few = rows * columns * batch <= FEW and terms <= SPLIT_FROM
    return not few and batch * rows * columns * terms > SMALL and min(rows, columns, terms) >= LEAST_SIDE


def choose(batch: int, rows: int, columns: int, terms: int, item: int, tensor: bool = False) -> Tile:
    """The largest tile that the result fills, and of which there are enough for all of a GPU, for numbers of `item`
    bytes. Few results of few terms are a thread's each. `tensor`: for tensor cores, of which several warps share the
    terms of a tile of 16 by 16."""
    if not tensor and rows * columns * batch <= FEW and terms <= SPLIT_FROM:
        return TILES[0]
    every = (TILES[0], *TENSOR) if tensor else TILES
    most = max(tile.columns for tile in every)
    wide = min(tile.columns for tile in every if tile.columns >= min(columns, most))

    def enough(tile: Tile) -> bool:
        count = batch * blocks(rows, tile.rows) * blocks(columns, tile.columns)
        # The largest are not divided: one block would add up too much.
        return (count if tile.rows == 128 else count * pieces(terms)) >= MULTIPROCESSORS

    filled = [t for t in every if t.columns <= wide and t.rows <= max(rows, 16) and (t.rows < 128 or item == 4)]
    filled.sort(key=lambda tile: (tile.rows * tile.columns, min(tile.rows, tile.columns)), reverse=True)
    return next(filter(enough, filled), TILES[0])


def pieces(terms: int) -> int:
    """In how many pieces terms can be divided."""
    return blocks(terms, LEAST_TERMS) if terms >= SPLIT_FROM else 1


def _axes(sizes: tuple[int, ...], letter: str, first: int = 0) -> Axes:
    names = (f"{letter}{k}" if n > 1 else "0" for k, n in enumerate(sizes, first))
    return Axes(math.prod(sizes), sizes, tuple(names))


def _of_each(tile: Tile) -> Tile:
    """A tile whose results are divided among the BLOCK threads that share its terms."""
    count = tile.rows * tile.columns // BLOCK
    right = min(4, count)
    return Tile(tile.rows, tile.columns, count // right, right)


class _Product:
    def __init__(self, sums: Contraction, left: Access, right: Access, results: Epilogue, tf32: bool) -> None:
        b, i = len(sums.batch), len(sums.batch) + len(sums.rows)
        self.b, self.i, self.j = _axes(sums.batch, "i"), _axes(sums.rows, "i", b), _axes(sums.columns, "i", i)
        self.p = p = _axes(sums.terms, "p")
        self.results, dtype = results, results.first.output.dtype
        self.kind, self.item = C_TYPE[dtype], ITEM[dtype]
        self.start = sums.out(self.b.names, self.i.names, self.j.names)
        self.total = self.b.total * self.i.total * self.j.total
        places = [access.place for access in (left, right, *results.accesses)]
        spans = (sum(s * n for s, n in zip(a.strides, a.shape, strict=True)) for a in places)
        self.index = whole(max(self.total, *spans) + (1 << 16))
        sizes = self.b.total, self.i.total, self.j.total, p.total
        self.tensor = tf32 and dtype == "float32" and by_tensor_cores(*sizes)
        self.tile = tile = choose(*sizes, self.item, self.tensor)
        self.vector = tile.vector(self.item)
        count = self.b.total * blocks(self.i.total, tile.rows) * blocks(self.j.total, tile.columns)
        self.shared = self._shared(count)
        """The tile as threads multiply it that share its terms."""
        if self.shared is not None:
            self.tile = tile = _of_each(tile)
        most = 1 if self.total * p.total <= SMALL else min(BUSY // (count * tile.threads), pieces(p.total))
        depth = (self.shared or tile).depth(p.total)
        self.each = self._each_of(count, max(1, most), depth)
        """Terms of a block."""
        at = sums.left(self.b.names, self.i.names, p.names), sums.right(self.b.names, p.names, self.j.names)
        block = p, tile.threads, depth, self.tensor
        self.rows = Factor("rows", left, at[0], self.i, tile.rows, "top", *block)
        self.columns = Factor("columns", right, at[1], self.j, tile.columns, "left", *block)
        if results.by_rows and not (self.start.index[-1] == self.j.names[-1] and self._has_rows()):
            raise NoKernelError

    def _each_of(self, count: int, most: int, depth: int) -> int:
        """Of how many terms a block takes the sum, where K is split into at most so many pieces: with more pieces it
        takes fewer turns, but more blocks may come to one multiprocessor, and more partial sums wait to be reduced."""
        terms, size = self.p.total, self.tile.rows * self.tile.columns
        rate = 512 if self.tensor else 128

        def cycles(each: int) -> tuple[int, int]:
            many = blocks(terms, each)
            joins = sum(FAN_IN**level < many for level in range(8))
            busy = blocks(count * many, MULTIPROCESSORS) * each * size // rate
            return each // depth * TURN + busy + joins * JOIN, many

        return min({blocks(blocks(terms, many), depth) * depth for many in range(1, most + 1)}, key=cycles)

    def _shared(self, count: int) -> Tile | None:
        """How slices of threads multiply, None where a thread takes all terms of its results, or for so many threads
        there are too many tiles, `count`."""
        tile, terms = self.tile, self.p.total
        if self.tensor:
            return SLICED_K_TENSOR if tile == TILES[0] else None
        many = self.total * terms > (SMALL if terms >= SPLIT_FROM else IN_ORDER) and terms >= SLICED_FROM
        if not many or self.item != 4 or tile not in SLICED or count * BLOCK > BUSY:
            return None
        return Tile(tile.rows, tile.columns, 4, 4, 16 * BLOCK // (tile.rows * tile.columns))

    def _has_rows(self) -> bool:
        """Whether the results of a row are those of LANES threads beside each other."""
        return self.tile.right == 1 and self.tile.columns == LANES and self.j.total <= LANES

    def kernel(self) -> Kernel:
        down, across = blocks(self.i.total, self.tile.rows), blocks(self.j.total, self.tile.columns)
        count, terms, each, kind = down * across * self.b.total, self.p.total, self.each, self.index
        many = blocks(terms, each)
        place, own = f"blockIdx.x % {down * across}", f"blockIdx.x / {down * across} % {self.b.total}"
        lines = [f"const int place = {place}, own = {own};", *self.b.named("own", "int")]
        lines.append(
            f"const {kind} top = place / {across} * {self.tile.rows}, left = place % {across} * {self.tile.columns};"
        )
        if many > 1:
            lines.append(f"int piece = blockIdx.x / {count};")
            lines.append(f"const {kind} begin = piece * {each};")
            lines.append(f"const {kind} stop = begin + {each} < {terms} ? begin + {each} : {terms};")
        else:
            lines.append(f"const {kind} begin = 0, stop = {terms};")
        lines += self._multiply()
        lines += self._split_k(count, many) if many > 1 else []
        scratch = self.item * count * many * self.tile.rows * self.tile.columns if many > 1 else 0
        counters = 1 + count * many if many > 1 else 0
        return Kernel((*lines, *self._write()), count * many, self.tile.threads, scratch, counters)

    def _multiply(self) -> list[str]:
        """The sums of a thread."""
        vector = self.vector if self.shared is None and not self.tensor else BYTES // self.item
        arguments = self.kind, self.index, self.rows, self.columns
        declared = [*self.rows.declared(vector), *self.columns.declared(vector)]
        if self.shared is None:
            return [*declared, *multiply(self.tile, vector, *arguments)]
        return [*declared, *sliced_k(self.shared, self.tile, self.item, *arguments)]

    def _split_k(self, count: int, many: int) -> list[str]:
        """The split-K reduction of `many` partial sums, for each of `count` tiles. A block writes its own; of FAN_IN
        the one that comes last adds them up, in the order of the terms, and does the same with what it found, until
        one has all."""
        width, threads = self.vector, self.tile.threads
        pack, packs = f"Pack<{self.kind}, {width}>", self.tile.right // width

        def each(lines: Sequence[str]) -> list[str]:
            return unrolled("r", self.tile.down, unrolled("c", packs, lines))

        at, size = f"(r * {packs} + c) * {threads}", self.tile.down * packs * threads
        own = f"sums[r][c * {width} + v]"
        put = [f"{pack} found;", *unrolled("v", width, [f"found.at[v] = {own};"])]
        put.append(f"handed[piece * {size} + {at}] = found;")
        take = [f"const {pack} found = handed[from * {size} + {at}];"]
        take += unrolled("v", width, [f"{own} += found.at[v];"])
        turn = [
            *each(put),
            f"const int first = piece / ({FAN_IN} * step) * ({FAN_IN} * step);",
            f"const int end = first + {FAN_IN} * step < {many} ? first + {FAN_IN} * step : {many};",
            "__syncthreads();",
            f"unsigned *const counter = (unsigned *)scratch - 2 - (first + level) * {count} - blockIdx.x % {count};",
            "if (threadIdx.x == 0) last = last_of(counter, (end - first + step - 1) / step);",
            "__syncthreads();",
            "if (!last) return;",
            *each(unrolled("v", width, [f"{own} = 0;"])),
            f"#pragma unroll {max(1, min(FAN_IN, 64 // (self.tile.down * self.tile.right)))}",
            "for (int from = first; from < end; from += step) {",
            *indented(each(take)),
            "}",
            "piece = first;",
        ]
        return [
            f"{pack} *const handed = ({pack} *)scratch + blockIdx.x % {count} * {many * size} + threadIdx.x;",
            "__shared__ bool last;",
            f"for (int step = 1, level = 0; step < {many}; step *= {FAN_IN}, level++) {{",
            *indented(turn),
            "}",
        ]

    def _write(self) -> list[str]:
        """The epilogue. All is computed before any is written: so nothing that is read waits for what is written."""
        tile, results, right = self.tile, self.results, self.tile.right
        *index, last = self.start.index
        if results.by_rows:
            edge = [f"if (row >= {self.i.total}) return;"] if self.i.total % tile.rows else []
            lanes = f"{(1 << LANES) - 1:#x}u << threadIdx.x % {WARP} / {LANES} * {LANES}"
            head = [f"const {self.index} row = top + y;", "const int lane = x;", f"const uint32_t mask = {lanes};"]
            return [*head, *edge, *self.i.named("row", self.index), *results.of_rows(index)]
        fits = last.rstrip(")").endswith(self.j.names[-1]) and self.j.sizes[-1] % self.vector == 0
        width = min(self.vector, results.width) if fits else 1
        at = f"[r][c / {width}]"
        return [
            *results.declared(f"[{tile.down}][{right // width}]", width),
            *self._each(results.computed(index, at, width, self.index), width),
            *self._each(results.written(index, at, width), width),
        ]

    def _each(self, lines: Sequence[str], width: int) -> list[str]:
        """Statements for each `width` results beside each other that a thread has, at their index in the last axis."""
        tile, vector = self.tile, self.vector
        row, column = f"top + {tile.row(vector)}", f"left + {tile.column(vector)} + c % {vector}"

        def within(name: str, text: str, axes: Axes, size: int, inner: Sequence[str]) -> list[str]:
            inner = [*axes.named(name, self.index), *inner]
            test = axes.total % size
            return [
                f"const {self.index} {name} = {text};",
                *(when(f"{name} < {axes.total}", inner) if test else inner),
            ]

        inner = [f"const {self.index} j = {self.start.index[-1]};", *lines]
        inner = unrolled("c", tile.right, within("column", column, self.j, tile.columns, inner), width)
        return unrolled("r", tile.down, within("row", row, self.i, tile.rows, inner))
