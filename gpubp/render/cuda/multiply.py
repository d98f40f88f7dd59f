"""The main loop of a tiled GEMM: a block multiplies its tile's rows and columns, a slice of K at a time."""

from __future__ import annotations

from collections.abc import Sequence

from dsl.records import dataclass

from .factor import Factor
from .work import BYTES, DEPTH, indented


@dataclass(frozen=True, slots=True)
class Tile:
    """A block tile of `rows` by `columns`, of which each thread has `down` by `right` in registers. With more `slices`
    than one (sliced-K), as many threads have the same of them, and term `t` is that of slice `t % slices`."""

    rows: int
    columns: int
    down: int
    right: int
    slices: int = 1

    @property
    def threads(self) -> int:
        return self.high * self.wide * self.slices

    @property
    def high(self) -> int:
        """Threads below each other."""
        return self.rows // self.down

    @property
    def wide(self) -> int:
        """Threads beside each other."""
        return self.columns // self.right

    def depth(self, terms: int) -> int:
        """How many of so many terms a piece has: more where several threads share them."""
        return DEPTH if self.slices == 1 else DEPTH * max(2, self.slices // 4)

    def vector(self, item: int) -> int:
        """Rows or columns of a thread that lie beside each other, of numbers of `item` bytes."""
        return BYTES // item if self.right > 1 else 1

    def row(self, vector: int) -> str:
        """The row of the tile that is row `r` of a thread."""
        vector = min(vector, self.down)
        return f"r / {vector} * {self.high * vector} + y * {vector} + r % {vector}"

    def column(self, vector: int) -> str:
        """The column that is column `c` of a thread, for the first of those beside each other."""
        return f"c / {vector} * {self.wide * vector} + x * {vector}"

    def own(self) -> list[str]:
        """The number of a thread among those below each other, `y`, and beside each other, `x`; and its `slice`."""
        y = f"threadIdx.x / {self.wide}"
        slices = [f"const int slice = threadIdx.x / {self.high * self.wide};"] if self.slices > 1 else []
        return [f"const int x = threadIdx.x % {self.wide}, y = {f'{y} % {self.high}' if slices else y};", *slices]

    def turns(self, vector: int, kind: str, rows: Factor, columns: Factor) -> list[str]:
        """The statements by which a thread multiplies a piece."""
        a, b = self.down // vector, self.right // vector
        fma = "fmaf" if kind == "float" else "fma"
        term = f"{fma}(a[r / {vector}].at[r % {vector}], b[c / {vector}].at[c % {vector}], sums[r][c])"
        at = f"t * {self.slices} + slice" if self.slices > 1 else "t"
        product = [
            f"Pack<{kind}, {vector}> a[{a}], b[{b}];",
            *unrolled("g", a, [f"a[g] = rows[half][{at}][y + g * {self.high}];"]),
            *unrolled("g", b, [f"b[g] = columns[half][{at}][x + g * {self.wide}];"]),
            *unrolled("r", self.down, unrolled("c", self.right, [f"sums[r][c] = {term};"])),
        ]
        return unrolled("t", rows.depth // self.slices, product)


def multiply(tile: Tile, vector: int, kind: str, index: str, rows: Factor, columns: Factor) -> list[str]:
    """All terms of the block, double-buffered: in each turn the next slice is read from global memory to registers, the
    one before it multiplied from one half of the shared memory, which is declared, and the next then written to the
    other half. `vector`: rows or columns that threads read at once."""
    turn = [
        *when("next < stop", [*rows.fetch(index), *columns.fetch(index)]),
        *when("next > begin", tile.turns(vector, kind, rows, columns)),
        *when("next < stop", [*rows.put(vector), *columns.put(vector)]),
        "__syncthreads();",
        "half = 1 - half;",
    ]
    return [
        *rows.registers(),
        *columns.registers(),
        *tile.own(),
        f"{kind} sums[{tile.down}][{tile.right}] = {{}};",
        "int half = 0;",
        f"for ({index} next = begin; next < stop + {rows.depth}; next += {rows.depth}) {{",
        *indented(turn),
        "}",
    ]


def sliced_k(tile: Tile, results: Tile, item: int, kind: str, index: str, rows: Factor, columns: Factor) -> list[str]:
    """The same of numbers of `item` bytes by the slices of threads of `tile`; then each thread adds up the parts of
    what it has of `results`, in the order of the slices. The first half of them leave their parts in the memory of the
    rows, the others in that of the columns."""
    wide, own = tile.vector(item), results.vector(item)
    half, pack = tile.slices // 2, f"Pack<{kind}, {own}>"
    put = [f"Pack<{kind}, {wide}> found;", *unrolled("v", wide, ["found.at[v] = sums[r][c + v];"])]
    put.append(f"parts[(({tile.row(wide)}) * {tile.columns} + {tile.column(wide)}) / {wide}] = found;")
    size = tile.rows * tile.columns
    where = f"slice < {half} ? ({kind} *)rows + slice * {size} : ({kind} *)columns + (slice - {half}) * {size}"
    inner = [
        *multiply(tile, BYTES // item, kind, index, rows, columns),
        f"Pack<{kind}, {wide}> *const parts = (Pack<{kind}, {wide}> *)({where});",
        *unrolled("r", tile.down, unrolled("c", tile.right, put, wide)),
    ]
    at = f"(({results.row(own)}) * {tile.columns} + {results.column(own)}) / {own}"
    take = [f"const {pack} found = (({pack} *){{}} + s * {size // own})[{at}];"]
    take += unrolled("v", own, ["sums[r][c + v] += found.at[v];"])
    added = [line for name in ("rows", "columns") for line in unrolled("s", half, [take[0].format(name), *take[1:]])]
    return [
        "{",
        *indented(inner),
        "}",
        "__syncthreads();",
        *results.own(),
        f"{kind} sums[{results.down}][{results.right}] = {{}};",
        *unrolled("r", results.down, unrolled("c", results.right, added, own)),
    ]


def unrolled(name: str, count: int, lines: Sequence[str], step: int = 1) -> list[str]:
    by = f"{name} += {step}" if step > 1 else f"{name}++"
    return ["#pragma unroll", f"for (int {name} = 0; {name} < {count}; {by}) {{", *indented(lines), "}"]


def when(condition: str, lines: Sequence[str]) -> list[str]:
    return [f"if ({condition}) {{", *indented(lines), "}"]
