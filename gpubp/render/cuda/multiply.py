"""The main loop of a tiled GEMM: a block multiplies a block tile, one slice of K at a time."""

from __future__ import annotations

from dsl.records import dataclass

from ..c.statements import braced, indented, unrolled
from .factor import Factor
from .work import DEPTH, VECTOR_BYTES


@dataclass(frozen=True, slots=True)
class Tile:
    """A block tile of `rows` by `columns`, with a thread tile of `thread_rows` by `thread_columns` in registers. With
    several `slices` (sliced-K), that many threads share each thread tile: slice `t % slices` takes term `t`."""

    rows: int
    columns: int
    thread_rows: int
    thread_columns: int
    slices: int = 1

    @property
    def threads(self) -> int:
        return self.threads_down * self.threads_across * self.slices

    @property
    def threads_down(self) -> int:
        """Threads of the block along the rows."""
        return self.rows // self.thread_rows

    @property
    def threads_across(self) -> int:
        """Threads of the block along the columns."""
        return self.columns // self.thread_columns

    def depth(self, terms: int) -> int:
        """The length of a slice of K in shared memory, of `terms` in all: larger if several threads share it."""
        return DEPTH if self.slices == 1 else DEPTH * max(2, self.slices // 4)

    def vector(self, item: int) -> int:
        """Adjacent rows or columns of a thread, for elements of `item` bytes."""
        return VECTOR_BYTES // item if self.thread_columns > 1 else 1

    def row(self, vector: int) -> str:
        """The row of the block tile that is row `r` of a thread."""
        vector = min(vector, self.thread_rows)
        return f"r / {vector} * {self.threads_down * vector} + y * {vector} + r % {vector}"

    def column(self, vector: int) -> str:
        """The column of the block tile that is column `c` of a thread, for the first of `vector` adjacent ones."""
        return f"c / {vector} * {self.threads_across * vector} + x * {vector}"

    def position(self) -> list[str]:
        """The declarations of a thread's position: `y` along the rows, `x` along the columns, and its `slice`."""
        y = f"threadIdx.x / {self.threads_across}"
        if self.slices == 1:
            return [f"const int x = threadIdx.x % {self.threads_across}, y = {y};"]
        return [
            f"const int x = threadIdx.x % {self.threads_across}, y = {y} % {self.threads_down};",
            f"const int slice = threadIdx.x / {self.threads_down * self.threads_across};",
        ]

    def multiply_slice(self, vector: int, kind: str, rows: Factor, columns: Factor) -> list[str]:
        """The statements by which a thread multiplies one slice of K."""
        a, b = self.thread_rows // vector, self.thread_columns // vector
        fma = "fmaf" if kind == "float" else "fma"
        term = f"{fma}(a[r / {vector}].at[r % {vector}], b[c / {vector}].at[c % {vector}], sums[r][c])"
        at = f"t * {self.slices} + slice" if self.slices > 1 else "t"
        product = [
            f"Pack<{kind}, {vector}> a[{a}], b[{b}];",
            *unrolled("g", a, [f"a[g] = rows[half][{at}][y + g * {self.threads_down}];"]),
            *unrolled("g", b, [f"b[g] = columns[half][{at}][x + g * {self.threads_across}];"]),
            *unrolled("r", self.thread_rows, unrolled("c", self.thread_columns, [f"sums[r][c] = {term};"])),
        ]
        return unrolled("t", rows.depth // self.slices, product)


def multiply(tile: Tile, vector: int, kind: str, index: str, rows: Factor, columns: Factor) -> list[str]:
    """The loop over K, double-buffered: each iteration loads the next slice from global memory into registers,
    multiplies the current one from one half of shared memory, and stores the next into the other half. The shared
    memory is declared by the caller. `vector`: rows or columns of one vector access."""
    turn = [
        *braced("if (next < stop)", [*rows.load_global(index), *columns.load_global(index)]),
        *braced("if (next > begin)", tile.multiply_slice(vector, kind, rows, columns)),
        *braced("if (next < stop)", [*rows.store_shared(vector), *columns.store_shared(vector)]),
        "__syncthreads();",
        "half = 1 - half;",
    ]
    return [
        *rows.register_declarations(),
        *columns.register_declarations(),
        *tile.position(),
        f"{kind} sums[{tile.thread_rows}][{tile.thread_columns}] = {{}};",
        "int half = 0;",
        *braced(f"for ({index} next = begin; next < stop + {rows.depth}; next += {rows.depth})", turn),
    ]


def sliced_k(tile: Tile, results: Tile, item: int, kind: str, index: str, rows: Factor, columns: Factor) -> list[str]:
    """The same for sliced-K tiles, with elements of `item` bytes: each slice of threads accumulates its share of K;
    then the slices are added, in order, into `results`, the tile of one thread for the epilogue. The first half of the
    slices pass their partial sums through the shared memory of the rows, the second through that of the columns."""
    wide, own = tile.vector(item), results.vector(item)
    half, pack = tile.slices // 2, f"Pack<{kind}, {own}>"
    put = [f"Pack<{kind}, {wide}> partial;", *unrolled("v", wide, ["partial.at[v] = sums[r][c + v];"])]
    put.append(f"parts[(({tile.row(wide)}) * {tile.columns} + {tile.column(wide)}) / {wide}] = partial;")
    size = tile.rows * tile.columns
    where = f"slice < {half} ? ({kind} *)rows + slice * {size} : ({kind} *)columns + (slice - {half}) * {size}"
    inner = [
        *multiply(tile, VECTOR_BYTES // item, kind, index, rows, columns),
        f"Pack<{kind}, {wide}> *const parts = (Pack<{kind}, {wide}> *)({where});",
        *unrolled("r", tile.thread_rows, unrolled("c", tile.thread_columns, put, wide)),
    ]
    at = f"(({results.row(own)}) * {tile.columns} + {results.column(own)}) / {own}"
    take = [f"const {pack} partial = (({pack} *){{}} + s * {size // own})[{at}];"]
    take += unrolled("v", own, ["sums[r][c + v] += partial.at[v];"])
    added = [line for name in ("rows", "columns") for line in unrolled("s", half, [take[0].format(name), *take[1:]])]
    return [
        "{",
        *indented(inner),
        "}",
        "__syncthreads();",
        *results.position(),
        f"{kind} sums[{results.thread_rows}][{results.thread_columns}] = {{}};",
        *unrolled("r", results.thread_rows, unrolled("c", results.thread_columns, added, own)),
    ]
