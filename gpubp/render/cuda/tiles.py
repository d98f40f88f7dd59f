"""Tiled GEMM kernels for operands with arbitrary element addressing: small matrix products, and convolutions with both
gradients as implicit GEMM, without an im2col buffer.

A block computes a tile of the result, and each thread a tile of that in registers (register tiling). Slices of both
operands along K pass through shared memory, double-buffered: the next one is loaded while one is multiplied. Sums are
accumulated in the order of their terms, by fused multiply-adds. If the tiles alone would leave most of a GPU idle, K is
split among blocks (split-K). Of the blocks of one tile, the last to finish reduces the partial sums
(threadFenceReduction of the CUDA samples) and continues with the epilogue. There are no floating-point atomics: the
order of every sum depends only on the shapes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...ir import Contraction
from ...passes import ITEM
from ..c.memory import C_TYPE, Access, NoKernelError
from ..c.statements import braced, unrolled
from .epilogue import LANES, Epilogue
from .factor import Axes, Factor
from .multiply import Tile, multiply, sliced_k
from .tensor import SLICED_K_TENSOR, TENSOR
from .work import BLOCK, VECTOR_BYTES, WARP, Kernel, blocks, index_type

SMALL = 32 * 32 * 32
"""Multiplications up to which a product is never split along K."""
MULTIPROCESSORS = 132
"""Multiprocessors of a large GPU."""
BUSY = 512 * MULTIPROCESSORS
"""Threads that keep it busy: four warps per scheduler."""
MIN_TERMS = 64
"""Minimum terms per block of split-K."""
SPLIT_FROM = 4 * MIN_TERMS
"""Minimum terms for split-K."""
ITERATION_CYCLES, JOIN_CYCLES = 400, 1500
"""Estimated cycles of an iteration of the main loop, which loads a slice from L2; and those of writing partial sums and
reducing up to FAN_IN of them."""
FEW_RESULTS = 256 * MULTIPROCESSORS
"""Results up to which each thread computes a single one if K is not split: at most two warps per scheduler, bound by
the latency of memory."""
FAN_IN = 16
"""Partial sums that a block reduces at once; more are reduced as a tree. The counter of a node of the tree is found by
its first partial sum and its level."""


TILES = (
    Tile(16, 16, 1, 1),
    *(Tile(rows, columns, 4, 4) for columns in (16, 32, 64) for rows in (16, 32, 64) if rows * columns >= 512),
    Tile(128, 32, 8, 4),
    Tile(128, 64, 8, 8),
)
"""The available tiles."""
SLICED = (TILES[0], Tile(32, 32, 4, 4), Tile(32, 64, 4, 4), Tile(64, 32, 4, 4))
"""Tiles that can be computed by slices of threads, BLOCK threads in all (sliced-K). With n slices, each takes every
n-th term, and each thread has 4 by 4 results, so that a load from shared memory serves two products instead of one
half."""
SLICED_FROM = 64
"""Minimum terms for sliced-K: those of one iteration with 16 slices."""
IN_ORDER = 4 * SMALL
"""Multiplications up to which a thread computes whole sums if K is not split, as in block.py."""
MIN_SIDE = 8
"""Minimum rows, columns and terms for tensor cores, whose instruction takes 16, 8 and 8."""


def tiles(sums: Contraction, left: Access, right: Access, results: Epilogue, tf32: bool) -> Kernel:
    """The kernel of a contraction with its epilogue. `tf32`: large float32 ones may use tensor cores. Raises
    NoKernelError if a dimension is 0."""
    if 0 in (*sums.batch, *sums.rows, *sums.columns, *sums.terms):
        raise NoKernelError
    return _Product(sums, left, right, results, tf32).kernel()


def by_tensor_cores(batch: int, rows: int, columns: int, terms: int) -> bool:
    """Whether tensor cores are faster, if factors may be rounded to TF32."""
    small = rows * columns * batch <= FEW_RESULTS and terms <= SPLIT_FROM
    return not small and batch * rows * columns * terms > SMALL and min(rows, columns, terms) >= MIN_SIDE


def choose(batch: int, rows: int, columns: int, terms: int, item: int, tensor: bool = False) -> Tile:
    """The largest tile that the result fills and of which there are enough to occupy a GPU, for elements of `item`
    bytes. A few results of few terms get a thread each. `tensor`: for tensor cores, where a tile of 16 by 16 stands for
    SLICED_K_TENSOR."""
    if not tensor and rows * columns * batch <= FEW_RESULTS and terms <= SPLIT_FROM:
        return TILES[0]
    candidates = (TILES[0], *TENSOR) if tensor else TILES
    widest = max(tile.columns for tile in candidates)
    width = min(tile.columns for tile in candidates if tile.columns >= min(columns, widest))

    def enough(tile: Tile) -> bool:
        count = batch * blocks(rows, tile.rows) * blocks(columns, tile.columns)
        # The largest tiles are not split along K: reducing them would take one block too long.
        return (count if tile.rows == 128 else count * pieces(terms)) >= MULTIPROCESSORS

    filled = [t for t in candidates if t.columns <= width and t.rows <= max(rows, 16) and (t.rows < 128 or item == 4)]
    filled.sort(key=lambda tile: (tile.rows * tile.columns, min(tile.rows, tile.columns)), reverse=True)
    return next(filter(enough, filled), TILES[0])


def pieces(terms: int) -> int:
    """Maximum splits of so many terms."""
    return blocks(terms, MIN_TERMS) if terms >= SPLIT_FROM else 1


def levels(splits: int) -> int:
    """The levels of the tree by which so many partial sums are reduced."""
    return sum(FAN_IN**level < splits for level in range(8))


def counters_of(splits: int) -> int:
    """The counters of its nodes: the last one may be a group of one partial sum on the highest level."""
    return splits + levels(splits) - 1


def _axes(sizes: tuple[int, ...], letter: str, first: int = 0) -> Axes:
    names = (f"{letter}{k}" if n > 1 else "0" for k, n in enumerate(sizes, first))
    return Axes(math.prod(sizes), sizes, tuple(names))


def _of_each(tile: Tile) -> Tile:
    """The thread tiling of the epilogue: the results of a tile divided among the BLOCK threads of sliced-K."""
    count = tile.rows * tile.columns // BLOCK
    right = min(4, count)
    return Tile(tile.rows, tile.columns, count // right, right)


class _Product:
    def __init__(self, sums: Contraction, left: Access, right: Access, results: Epilogue, tf32: bool) -> None:
        b, i = len(sums.batch), len(sums.batch) + len(sums.rows)
        self.batch, self.m, self.n = _axes(sums.batch, "i"), _axes(sums.rows, "i", b), _axes(sums.columns, "i", i)
        self.k = p = _axes(sums.terms, "p")
        self.results, dtype = results, results.first.output.dtype
        self.kind, self.item = C_TYPE[dtype], ITEM[dtype]
        self.result_index = sums.out(self.batch.names, self.m.names, self.n.names)
        self.total = self.batch.total * self.m.total * self.n.total
        places = [access.place for access in (left, right, *results.accesses)]
        spans = (sum(s * n for s, n in zip(a.strides, a.shape, strict=True)) for a in places)
        self.index = index_type(max(self.total, *spans) + (1 << 16))
        sizes = self.batch.total, self.m.total, self.n.total, p.total
        self.tensor = tf32 and dtype == "float32" and by_tensor_cores(*sizes)
        self.tile = tile = choose(*sizes, self.item, self.tensor)
        self.vector = tile.vector(self.item)
        count = self.batch.total * blocks(self.m.total, tile.rows) * blocks(self.n.total, tile.columns)
        self.sliced = self._sliced(count)
        """The tile as computed by sliced-K, None without it."""
        if self.sliced is not None:
            self.tile = tile = _of_each(tile)
        most = 1 if self.total * p.total <= SMALL else min(BUSY // (count * tile.threads), pieces(p.total))
        depth = (self.sliced or tile).depth(p.total)
        self.terms_per_block = self._terms_per_block(count, max(1, most), depth)
        """Terms that one block sums."""
        row = sums.left(self.batch.names, self.m.names, p.names)
        column = sums.right(self.batch.names, p.names, self.n.names)
        more = p, tile.threads, depth, self.tensor
        self.rows = Factor("rows", left, row, self.m, tile.rows, "top", *more)
        self.columns = Factor("columns", right, column, self.n, tile.columns, "left", *more)
        if results.by_rows and not (self.result_index.index[-1] == self.n.names[-1] and self._holds_rows()):
            raise NoKernelError

    def _terms_per_block(self, count: int, max_splits: int, depth: int) -> int:
        """The terms per block that minimise the estimated time with at most `max_splits` splits. More splits mean fewer
        iterations, but possibly more blocks per multiprocessor and more partial sums to reduce."""
        terms, size = self.k.total, self.tile.rows * self.tile.columns
        rate = 512 if self.tensor else 128

        def cycles(share: int) -> tuple[int, int]:
            splits = blocks(terms, share)
            busy = blocks(count * splits, MULTIPROCESSORS) * share * size // rate
            return share // depth * ITERATION_CYCLES + busy + levels(splits) * JOIN_CYCLES, splits

        return min({blocks(blocks(terms, splits), depth) * depth for splits in range(1, max_splits + 1)}, key=cycles)

    def _sliced(self, count: int) -> Tile | None:
        """The tile for sliced-K; None if threads should compute whole sums, or if `count`, the number of tiles, already
        occupies the GPU."""
        tile, terms = self.tile, self.k.total
        if self.tensor:
            return SLICED_K_TENSOR if tile == TILES[0] else None
        worthwhile = self.total * terms > (SMALL if terms >= SPLIT_FROM else IN_ORDER) and terms >= SLICED_FROM
        if not worthwhile or self.item != 4 or tile not in SLICED or count * BLOCK > BUSY:
            return None
        return Tile(tile.rows, tile.columns, 4, 4, 16 * BLOCK // (tile.rows * tile.columns))

    def _holds_rows(self) -> bool:
        """Whether each row of results is held by LANES adjacent threads."""
        return self.tile.thread_columns == 1 and self.tile.columns == LANES and self.n.total <= LANES

    def kernel(self) -> Kernel:
        down, across = blocks(self.m.total, self.tile.rows), blocks(self.n.total, self.tile.columns)
        count, terms, share, kind = down * across * self.batch.total, self.k.total, self.terms_per_block, self.index
        splits = blocks(terms, share)
        tile_index, batch_index = f"blockIdx.x % {down * across}", f"blockIdx.x / {down * across} % {self.batch.total}"
        lines = [f"const int place = {tile_index}, own = {batch_index};", *self.batch.named("own", "int")]
        lines.append(
            f"const {kind} top = place / {across} * {self.tile.rows}, left = place % {across} * {self.tile.columns};"
        )
        if splits > 1:
            lines.append(f"int piece = blockIdx.x / {count};")
            lines.append(f"const {kind} begin = piece * {share};")
            lines.append(f"const {kind} stop = begin + {share} < {terms} ? begin + {share} : {terms};")
        else:
            lines.append(f"const {kind} begin = 0, stop = {terms};")
        lines += self._multiply()
        lines += self._split_k(count, splits) if splits > 1 else []
        scratch = self.item * count * splits * self.tile.rows * self.tile.columns if splits > 1 else 0
        counters = 1 + count * counters_of(splits) if splits > 1 else 0
        return Kernel((*lines, *self._epilogue()), count * splits, self.tile.threads, scratch, counters)

    def _multiply(self) -> list[str]:
        """The main loop, which leaves a thread's sums in registers."""
        vector = self.vector if self.sliced is None and not self.tensor else VECTOR_BYTES // self.item
        arguments = self.kind, self.index, self.rows, self.columns
        declared = [*self.rows.shared_declarations(vector), *self.columns.shared_declarations(vector)]
        if self.sliced is None:
            return [*declared, *multiply(self.tile, vector, *arguments)]
        return [*declared, *sliced_k(self.sliced, self.tile, self.item, *arguments)]

    def _split_k(self, count: int, splits: int) -> list[str]:
        """The split-K reduction of `splits` partial sums for each of `count` tiles. A block writes its own; of FAN_IN
        blocks the last to finish adds them up, in the order of the terms, and repeats this with the result on the next
        level of the tree, until one block has the whole sum."""
        width, threads = self.vector, self.tile.threads
        pack, packs = f"Pack<{self.kind}, {width}>", self.tile.thread_columns // width

        def for_packs(lines: Sequence[str]) -> list[str]:
            return unrolled("r", self.tile.thread_rows, unrolled("c", packs, lines))

        offset, size = f"(r * {packs} + c) * {threads}", self.tile.thread_rows * packs * threads
        total = f"sums[r][c * {width} + v]"
        store = [f"{pack} partial;", *unrolled("v", width, [f"partial.at[v] = {total};"])]
        store.append(f"partials[piece * {size} + {offset}] = partial;")
        load = [f"const {pack} partial = partials[from * {size} + {offset}];"]
        load += unrolled("v", width, [f"{total} += partial.at[v];"])
        level = [
            *for_packs(store),
            f"const int first = piece / ({FAN_IN} * step) * ({FAN_IN} * step);",
            f"const int end = first + {FAN_IN} * step < {splits} ? first + {FAN_IN} * step : {splits};",
            "__syncthreads();",
            f"unsigned *const counter = (unsigned *)scratch - 2 - (first + level) * {count} - blockIdx.x % {count};",
            "if (threadIdx.x == 0) last = last_of(counter, (end - first + step - 1) / step);",
            "__syncthreads();",
            "if (!last) return;",
            *for_packs(unrolled("v", width, [f"{total} = 0;"])),
            f"#pragma unroll {max(1, min(FAN_IN, 64 // (self.tile.thread_rows * self.tile.thread_columns)))}",
            *braced("for (int from = first; from < end; from += step)", for_packs(load)),
            "piece = first;",
        ]
        return [
            f"{pack} *const partials = ({pack} *)scratch + blockIdx.x % {count} * {splits * size} + threadIdx.x;",
            "__shared__ bool last;",
            *braced(f"for (int step = 1, level = 0; step < {splits}; step *= {FAN_IN}, level++)", level),
        ]

    def _epilogue(self) -> list[str]:
        """The epilogue. All loads and arithmetic come before the first store, so that no load waits for a store."""
        tile, results, columns = self.tile, self.results, self.tile.thread_columns
        *index, last = self.result_index.index
        if results.by_rows:
            edge = [f"if (row >= {self.m.total}) return;"] if self.m.total % tile.rows else []
            lanes = f"{(1 << LANES) - 1:#x}u << threadIdx.x % {WARP} / {LANES} * {LANES}"
            head = [f"const {self.index} row = top + y;", "const int lane = x;", f"const uint32_t mask = {lanes};"]
            return [*head, *edge, *self.m.named("row", self.index), *results.of_rows(index)]
        fits = last.rstrip(")").endswith(self.n.names[-1]) and self.n.sizes[-1] % self.vector == 0
        width = min(self.vector, results.width) if fits else 1
        at = f"[r][c / {width}]"
        return [
            *results.declared(f"[{tile.thread_rows}][{columns // width}]", width),
            *self._for_each(results.computed(index, at, width, self.index), width),
            *self._for_each(results.written(index, at, width), width),
        ]

    def _for_each(self, lines: Sequence[str], width: int) -> list[str]:
        """A loop around statements for each `width` adjacent results of a thread, at their index in the last axis."""
        tile, vector = self.tile, self.vector
        row, column = f"top + {tile.row(vector)}", f"left + {tile.column(vector)} + c % {vector}"

        def within(name: str, text: str, axes: Axes, size: int, inner: Sequence[str]) -> list[str]:
            inner = [*axes.named(name, self.index), *inner]
            inner = braced(f"if ({name} < {axes.total})", inner) if axes.total % size else inner
            return [f"const {self.index} {name} = {text};", *inner]

        inner = [f"const {self.index} j = {self.result_index.index[-1]};", *lines]
        inner = unrolled("c", tile.thread_columns, within("column", column, self.n, tile.columns, inner), width)
        return unrolled("r", tile.thread_rows, within("row", row, self.m, tile.rows, inner))
