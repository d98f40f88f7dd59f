"""Products of matrices of which an element may lie anywhere, as kernels: convolutions, and what no library takes.

A block computes a tile of the result: each thread some rows and columns of it, in registers. Pieces of both matrices
pass through shared memory, the next of them on its way while one is multiplied. A sum is taken in the order of its
terms, rounded once a term. Where the tiles alone would leave most of a GPU idle, the terms are divided among blocks.
Of those that work on the same tile the one that comes last adds up what they found, and has it in its registers as if
it had taken all terms itself. No number is added by atomics: the shapes alone say how a sum is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...ir import Sums
from ...passes import ITEM
from ..c.memory import C_TYPE, Access, UnfitError
from .factor import Axes, Factor
from .multiply import Tile, multiply, sliced, unrolled, when
from .results import LANES, Results
from .tensor import SLICED_TENSOR, TENSOR
from .work import BYTES, WARP, Kernel, blocks, indented, whole

SMALL = 32 * 32 * 32
"""Multiplications that one block does by itself: the terms of a product with fewer are never divided."""
PARTS = 132
"""Multiprocessors of a large GPU."""
FULL = 512 * PARTS
"""Threads that keep it busy: four warps wait for each of its schedulers."""
LEAST = 64
"""Terms that a block takes at least, where they are divided: a piece of 16 takes about 400 cycles, in which it is read
from the second cache."""
DIVIDED = 4 * LEAST
"""Terms from which on they are. To hand pieces on and to add them up takes some 1,500 cycles."""
FEW = 256 * PARTS
"""Results up to which each is a thread's, where no terms are divided: a warp for each scheduler at most, and nothing to
wait for but memory."""
AT_ONCE = 16
"""Pieces of a sum that a block adds up at once. Their counter is that of the first of them and of the round, of which
there are fewer."""


TILES = (
    Tile(16, 16, 1, 1),
    *(Tile(rows, columns, 4, 4) for columns in (16, 32, 64) for rows in (16, 32, 64) if rows * columns >= 512),
    Tile(128, 32, 8, 4),
    Tile(128, 64, 8, 8),
)
"""Those there are."""
SLICED = Tile(16, 16, 4, 4, 16)
"""How the threads of a tile of a result for each multiply, where its terms are divided among blocks anyway: a read of
shared memory for two products, not two for one."""
LEAST_SIDE = 8
"""Rows, columns and terms that tensor cores multiply at once, or half of them."""
DEEP = 64
"""Terms of a piece in shared memory where each thread takes few."""


def tiles(sums: Sums, left: Access, right: Access, results: Results, tf32: bool) -> Kernel:
    """The kernel of a product, and of what its results are made into; with `tf32` that of many multiplications of
    float32 by tensor cores. Raises UnfitError where there is nothing to multiply."""
    if 0 in (*sums.batch, *sums.rows, *sums.columns, *sums.terms):
        raise UnfitError
    return _Product(sums, left, right, results, tf32).kernel()


def by_tensor_cores(batch: int, rows: int, columns: int, terms: int) -> bool:
    """Whether tensor cores multiply sooner, where factors may be rounded to TF32."""
    few = rows * columns * batch <= FEW and terms <= DIVIDED
    return not few and batch * rows * columns * terms > SMALL and min(rows, columns, terms) >= LEAST_SIDE


def choose(batch: int, rows: int, columns: int, terms: int, item: int, tensor: bool = False) -> Tile:
    """The largest tile that the result fills, and of which there are enough for all of a GPU, for numbers of `item`
    bytes. Few results of few terms are a thread's each. `tensor`: for tensor cores, of which several warps share the
    terms of a tile of 16 by 16."""
    if not tensor and rows * columns * batch <= FEW and terms <= DIVIDED:
        return TILES[0]
    every = (TILES[0], *TENSOR) if tensor else TILES
    most = max(tile.columns for tile in every)
    wide = min(tile.columns for tile in every if tile.columns >= min(columns, most))

    def enough(tile: Tile) -> bool:
        count = batch * blocks(rows, tile.rows) * blocks(columns, tile.columns)
        # The largest are not divided: one block would add up too much.
        return (count if tile.rows == 128 else count * pieces(terms)) >= PARTS

    filled = [t for t in every if t.columns <= wide and t.rows <= max(rows, 16) and (t.rows < 128 or item == 4)]
    filled.sort(key=lambda tile: (tile.rows * tile.columns, min(tile.rows, tile.columns)), reverse=True)
    return next(filter(enough, filled), TILES[0])


def pieces(terms: int) -> int:
    """In how many pieces terms can be divided."""
    return terms // LEAST if terms >= DIVIDED else 1


def _axes(sizes: tuple[int, ...], letter: str, first: int = 0) -> Axes:
    names = (f"{letter}{k}" if n > 1 else "0" for k, n in enumerate(sizes, first))
    return Axes(math.prod(sizes), sizes, tuple(names))


class _Product:
    def __init__(self, sums: Sums, left: Access, right: Access, results: Results, tf32: bool) -> None:
        b, i = len(sums.batch), len(sums.batch) + len(sums.rows)
        self.b, self.i, self.j = _axes(sums.batch, "i"), _axes(sums.rows, "i", b), _axes(sums.columns, "i", i)
        self.p = p = _axes(sums.terms, "p")
        self.results, dtype = results, results.first.output.dtype
        self.kind, self.item = C_TYPE[dtype], ITEM[dtype]
        self.spot = sums.out(self.b.names, self.i.names, self.j.names)
        self.total = self.b.total * self.i.total * self.j.total
        places = [access.place for access in (left, right, *results.accesses)]
        spans = (sum(s * n for s, n in zip(a.strides, a.shape, strict=True)) for a in places)
        self.index = whole(max(self.total, *spans) + (1 << 16))
        sizes = self.b.total, self.i.total, self.j.total, p.total
        self.tensor = tf32 and dtype == "float32" and by_tensor_cores(*sizes)
        self.tile = tile = choose(*sizes, self.item, self.tensor)
        self.vector = tile.vector(self.item)
        count = self.b.total * blocks(self.i.total, tile.rows) * blocks(self.j.total, tile.columns)
        most = 1 if self.total * p.total <= SMALL else min(FULL // (count * tile.threads), pieces(p.total))
        small = tile.rows * tile.columns == SLICED.threads and self.item == 4
        self.sliced = small and (most > 1 or self.tensor)
        depth = DEEP if self.sliced else tile.depth(p.total)
        self.each = blocks(blocks(p.total, max(1, most)), depth) * depth
        """Terms of a block."""
        at = sums.left(self.b.names, self.i.names, p.names), sums.right(self.b.names, p.names, self.j.names)
        block = p, tile.threads, depth, self.tensor
        self.rows = Factor("rows", left, at[0], self.i, tile.rows, "top", *block)
        self.columns = Factor("columns", right, at[1], self.j, tile.columns, "left", *block)
        if results.by_rows and not (self.spot.index[-1] == self.j.names[-1] and self._has_rows()):
            raise UnfitError

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
        lines += self._add_up(count, many) if many > 1 else []
        scratch = self.item * count * many * self.tile.rows * self.tile.columns if many > 1 else 0
        counters = 1 + count * many if many > 1 else 0
        return Kernel((*lines, *self._write()), count * many, self.tile.threads, scratch, counters)

    def _multiply(self) -> list[str]:
        """The sums of a thread."""
        given = self.kind, self.index, self.rows, self.columns
        if not self.sliced:
            return multiply(self.tile, BYTES // self.item if self.tensor else self.vector, *given)
        tile = SLICED_TENSOR if self.tensor else SLICED
        return sliced(tile, tile.vector(self.item), self.kind, multiply(tile, BYTES // self.item, *given))

    def _add_up(self, count: int, many: int) -> list[str]:
        """The sums of all blocks that have one of `many` pieces of the terms, for each of `count` tiles. A block hands
        its own on; of AT_ONCE the one that comes last adds up theirs, in the order of the terms, and does the same with
        what it found, until one has all."""
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
            f"const int first = piece / ({AT_ONCE} * step) * ({AT_ONCE} * step);",
            f"const int end = first + {AT_ONCE} * step < {many} ? first + {AT_ONCE} * step : {many};",
            "__syncthreads();",
            f"unsigned *const counter = (unsigned *)scratch - 2 - (first + level) * {count} - blockIdx.x % {count};",
            "if (threadIdx.x == 0) last = last_of(counter, (end - first + step - 1) / step);",
            "__syncthreads();",
            "if (!last) return;",
            *each(unrolled("v", width, [f"{own} = 0;"])),
            f"#pragma unroll {max(1, min(AT_ONCE, 64 // (self.tile.down * self.tile.right)))}",
            "for (int from = first; from < end; from += step) {",
            *indented(each(take)),
            "}",
            "piece = first;",
        ]
        return [
            f"{pack} *const handed = ({pack} *)scratch + blockIdx.x % {count} * {many * size} + threadIdx.x;",
            "__shared__ bool last;",
            f"for (int step = 1, level = 0; step < {many}; step *= {AT_ONCE}, level++) {{",
            *indented(turn),
            "}",
        ]

    def _write(self) -> list[str]:
        """What becomes of the results of a thread. All is computed before any is written: so nothing that is read waits
        for what is written."""
        tile, results, right = self.tile, self.results, self.tile.right
        *index, last = self.spot.index
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

        inner = [f"const {self.index} j = {self.spot.index[-1]};", *lines]
        inner = unrolled("c", tile.right, within("column", column, self.j, tile.columns, inner), width)
        return unrolled("r", tile.down, within("row", row, self.i, tile.rows, inner))
