"""Products of matrices of which an element may lie anywhere, as kernels: convolutions, and what no library takes.

A block computes a tile of the result: each thread some rows and columns of it, in registers. Pieces of both matrices
pass through shared memory, the next of them on its way while one is multiplied. A sum is taken in the order of its
terms, rounded once a term. Where the tiles alone would leave most of a GPU idle, the terms are divided among blocks,
and a second kernel adds up what these found, in one order. No atomics: the shapes alone say how a sum is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from dsl.records import dataclass

from ..ir import Sums
from ..passes import ITEM
from .c_memory import C_TYPE, Access, UnfitError
from .cuda_factor import DEPTH, Axes, Factor
from .cuda_work import BYTES, Kernel, aligned, blocks, indented, strided, whole

SMALL = 32 * 32 * 32
"""Multiplications of a product up to which one kernel computes it, each sum by one thread."""
FULL = 132 * 1024
"""Threads that keep a large GPU busy."""
LEAST = 256
"""Terms that a block adds up at least, where they are divided."""
FEW = 4096
"""Results up to which each is a thread's, where it has few terms."""
ENOUGH = 132
"""Blocks, one for each part of a large GPU, from which on they take the largest tiles."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Rows and columns of a block, and those of each of its threads."""

    rows: int
    columns: int
    down: int
    right: int

    @property
    def threads(self) -> int:
        return self.rows // self.down * (self.columns // self.right)


TILES = (
    Tile(16, 16, 1, 1),
    *(Tile(rows, columns, 4, 4) for columns in (16, 32, 64) for rows in (16, 32, 64) if rows * columns >= 512),
    Tile(128, 32, 8, 4),
    Tile(128, 64, 8, 8),
)
"""Those there are."""


def tiles(sums: Sums, left: Access, right: Access, out: Access) -> Iterator[Kernel]:
    """The kernels of a product. Raises UnfitError where there is nothing to multiply."""
    if 0 in (*sums.batch, *sums.rows, *sums.columns, *sums.terms):
        raise UnfitError
    return _Product(sums, left, right, out).kernels()


def choose(batch: int, rows: int, columns: int, terms: int, item: int) -> Tile:
    """The largest tile that the result fills, and of which there are enough, for numbers of `item` bytes. Few results
    of few terms are a thread's each."""
    if rows * columns * batch <= FEW and terms <= LEAST:
        return TILES[0]
    wide = min(tile.columns for tile in TILES if tile.columns >= min(columns, 64))
    many = batch * blocks(rows, 128) * blocks(columns, wide) >= ENOUGH
    least = 128 if item == 4 and rows >= 128 and many and wide > 16 else min(rows, 64)
    return next(tile for tile in TILES[1:] if tile.columns == wide and tile.rows >= least)


def _axes(letter: str, sizes: tuple[int, ...]) -> Axes:
    return Axes(math.prod(sizes), sizes, tuple(f"{letter}{k}" if n > 1 else "0" for k, n in enumerate(sizes)))


class _Product:
    def __init__(self, sums: Sums, left: Access, right: Access, out: Access) -> None:
        self.b, self.i, self.j = _axes("b", sums.batch), _axes("i", sums.rows), _axes("j", sums.columns)
        self.p = p = _axes("p", sums.terms)
        self.out, self.kind = out, C_TYPE[out.dtype]
        self.spot = sums.out(self.b.names, self.i.names, self.j.names)
        self.results = self.b.total * self.i.total * self.j.total
        spans = (sum(s * n for s, n in zip(a.place.strides, a.place.shape, strict=True)) for a in (left, right, out))
        self.index = whole(max(self.results, *spans) + (1 << 16))
        self.tile = tile = choose(self.b.total, self.i.total, self.j.total, p.total, ITEM[out.dtype])
        at = sums.left(self.b.names, self.i.names, p.names), sums.right(self.b.names, p.names, self.j.names)
        self.rows = Factor("rows", left, at[0], self.i, p, tile.rows, tile.threads, "top")
        self.columns = Factor("columns", right, at[1], self.j, p, tile.columns, tile.threads, "left")
        self.vector = BYTES // ITEM[out.dtype] if tile.down > 1 else 1
        """Rows or columns of a thread that lie beside each other."""

    def kernels(self) -> Iterator[Kernel]:
        down, across = blocks(self.i.total, self.tile.rows), blocks(self.j.total, self.tile.columns)
        count, terms = down * across * self.b.total, self.p.total
        pieces = max(1, min(FULL // (count * self.tile.threads), terms // LEAST))
        pieces = 1 if self.results * terms <= SMALL else pieces
        each = blocks(blocks(terms, pieces), DEPTH) * DEPTH
        pieces = blocks(terms, each)
        kind = self.index
        place, own = f"blockIdx.x % {down * across}", f"blockIdx.x / {down * across} % {self.b.total}"
        lines = [f"const int place = {place}, own = {own};", *self.b.named("own", "int")]
        lines.append(
            f"const {kind} top = place / {across} * {self.tile.rows}, left = place % {across} * {self.tile.columns};"
        )
        if pieces > 1:
            lines.append(f"const {kind} begin = blockIdx.x / {count} * {each};")
            lines.append(f"const {kind} stop = begin + {each} < {terms} ? begin + {each} : {terms};")
        else:
            lines.append(f"const {kind} begin = 0, stop = {terms};")
        lines += [*self._multiply(), *self._write(count if pieces > 1 else 0)]
        scratch = ITEM[self.out.dtype] * pieces * self.results if pieces > 1 else 0
        yield Kernel(tuple(lines), count * pieces, self.tile.threads, scratch)
        if pieces > 1:
            yield self._join(pieces, scratch)

    def _multiply(self) -> list[str]:
        """All terms of the block: in each turn the next piece is read, and the one before it multiplied."""
        tile, vector, kind = self.tile, self.vector, self.kind
        wide, a, b = tile.columns // tile.right, tile.down // vector, tile.right // vector
        fma = "fmaf" if kind == "float" else "fma"
        term = f"{fma}(a[r / {vector}].at[r % {vector}], b[c / {vector}].at[c % {vector}], sums[r][c])"
        product = [
            f"Pack<{kind}, {vector}> a[{a}], b[{b}];",
            *_unrolled("g", a, [f"a[g] = rows[half][t][y + g * {tile.rows // tile.down}];"]),
            *_unrolled("g", b, [f"b[g] = columns[half][t][x + g * {wide}];"]),
            *_unrolled("r", tile.down, _unrolled("c", tile.right, [f"sums[r][c] = {term};"])),
        ]
        turn = [
            *_when("next < stop", [*self.rows.fetch(self.index), *self.columns.fetch(self.index)]),
            *_when("next > begin", _unrolled("t", DEPTH, product)),
            *_when("next < stop", [*self.rows.put(vector), *self.columns.put(vector)]),
            "__syncthreads();",
            "half = 1 - half;",
        ]
        return [
            *self.rows.declared(vector),
            *self.columns.declared(vector),
            f"const int x = threadIdx.x % {wide}, y = threadIdx.x / {wide};",
            f"{kind} sums[{tile.down}][{tile.right}] = {{}};",
            "int half = 0;",
            f"for ({self.index} next = begin; next < stop + {DEPTH}; next += {DEPTH}) {{",
            *indented(turn),
            "}",
        ]

    def _write(self, count: int) -> list[str]:
        """The results of a thread; where the terms are divided among blocks, `count` for each piece, to scratch."""
        tile, vector, (m, n) = self.tile, self.vector, (self.i.total, self.j.total)
        to = self.out.at(self.spot.index)
        names = self.i.named("row", self.index), self.j.named("column", self.index)
        fits = self.spot.index[-1].rstrip(")").endswith(self.j.names[-1]) and self.out.strides[-1] == 1
        fits = fits and aligned(self.out, vector)
        if count:
            piece = f"(blockIdx.x / {count} * {self.b.total} + own)"
            to, names, fits = f"(({self.kind} *)scratch)[({piece} * {m} + row) * {n} + column]", ([], []), True
        width = vector if fits and self.j.sizes[-1] % vector == 0 else 1
        pack = f"Pack<{self.kind}, {width}>"
        row = f"top + r / {vector} * {tile.rows // tile.down * vector} + y * {vector} + r % {vector}"
        column = f"left + c / {vector} * {tile.columns // tile.right * vector} + x * {vector} + c % {vector}"
        put = [
            *names[1],
            f"{pack} found;",
            *_unrolled("v", width, ["found.at[v] = sums[r][c + v];"]),
            f"*({pack} *)(&{to}) = found;",
        ]
        inner = [f"const {self.index} column = {column};", *_when(f"column < {n}", put)]
        step = _unrolled("c", tile.right, inner, width)
        body = [f"const {self.index} row = {row};", *_when(f"row < {m}", [*names[0], *step])]
        return _unrolled("r", tile.down, body)

    def _join(self, pieces: int, scratch: int) -> Kernel:
        """What the blocks found for each result, added up by one thread."""
        sizes = self.b.sizes + self.i.sizes + self.j.sizes
        axes = Axes(self.results, sizes, self.b.names + self.i.names + self.j.names)
        found = f"((const {self.kind} *)scratch)[piece * {self.results} + q]"
        lines = [
            *axes.named("q", self.index),
            "double total = 0;",
            "#pragma unroll 4",
            f"for ({self.index} piece = 0; piece < {pieces}; piece++) total += {found};",
            f"{self.out.at(self.spot.index)} = ({self.kind})total;",
        ]
        head = f"for ({self.index} q = THREAD; q < {self.results}; q += THREADS) {{"
        return Kernel((head, *indented(lines), "}"), *strided(self.results), scratch)


def _unrolled(name: str, count: int, lines: Sequence[str], step: int = 1) -> list[str]:
    by = f"{name} += {step}" if step > 1 else f"{name}++"
    return ["#pragma unroll", f"for (int {name} = 0; {name} < {count}; {by}) {{", *indented(lines), "}"]


def _when(condition: str, lines: Sequence[str]) -> list[str]:
    return [f"if ({condition}) {{", *indented(lines), "}"]
