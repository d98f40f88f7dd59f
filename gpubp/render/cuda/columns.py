"""Column reductions, as of the gradient of a bias: all axes but the last ones go, and neighbours in memory are results.
Elementwise steps that make what is reduced may be computed in the same kernel, so that it is not read again.

A block has eight slices of threads for a tile of columns; each thread takes rows at even intervals. Where the columns
alone would leave most of a GPU idle, the rows are split among blocks, and the block that is done last reduces their
partial results (threadFenceReduction of the CUDA samples). The order of a sum depends on the number of rows and columns
alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dsl.records import dataclass

from ...ir import Reduction
from ..c.memory import C_TYPE
from .fold import Folding
from .multiply import unrolled, when
from .work import BLOCK, MANY, WARP, Kernel, blocks, indented, power_above

SLICES = 8
"""Threads for a column, of those rows that a block takes."""
PER_THREAD = 16
"""Rows that a thread takes at least, where they are divided among blocks."""
NARROW, WIDE = 32, 128
"""Columns of a tile; the wider where there are many."""


@dataclass(frozen=True, slots=True)
class ColumnFold:
    """A reduction `form` of the columns to a value `name` of type `dtype`. `taken`: the number that a thread joins;
    `out`: the place of the result of `column`."""

    name: str
    form: Reduction
    dtype: str
    taken: str
    out: str

    def folding(self, terms: int) -> Folding:
        return Folding(self.name, self.form, self.dtype, terms)


def pieces_of(rows: int, columns: int) -> int:
    """In how many pieces the rows are divided: so that there are threads for all of a GPU, each with its share."""
    return max(1, min(rows // (SLICES * PER_THREAD), (1 << 18) // columns, 1024))


class ColumnKernel:
    """The kernel of reductions of the same `rows` and `columns`, of which threads take `width` neighbours at a time;
    indices are of type `kind`. `index`: the statements that divide `column` among the axes of a result."""

    def __init__(
        self, rows: int, columns: int, width: int, kind: str, folds: Sequence[ColumnFold], index: Sequence[str] = ()
    ) -> None:
        self.rows, self.columns, self.width = rows, columns, width
        self.kind, self.reduces, self.index = kind, folds, index
        self.pieces = pieces_of(rows, columns)
        most = WIDE if columns * self.pieces >= WIDE * MANY else NARROW
        self.tile = max(width, min(most, BLOCK // SLICES * width, power_above(columns)))
        lanes = self.lanes = self.tile // width
        few, least = max(1, BLOCK // 2 // (SLICES * lanes)), WARP // (SLICES * lanes)
        self.parts = min(few, max(power_above(self.pieces), least))
        """Pieces of a block."""
        self.threads, self.groups = SLICES * lanes * self.parts, blocks(columns, self.tile)
        self.joiners = SLICES if self.pieces <= 16 * SLICES else 4 * SLICES
        """Threads for a column that add up the pieces."""
        self.own = [fold.folding(blocks(rows, SLICES * self.pieces)) for fold in folds]
        self.every = [fold.folding(rows) for fold in folds]

    def kernel(self, body: Callable[[Sequence[str]], list[str]]) -> Kernel:
        """`body`: the statements for `row` and `column`, with those that join the numbers of column `column + v`, for
        each `v`."""
        lines, outs = self._slices(body), [f"{x.out} = ({C_TYPE[x.dtype]}){x.name}_joined;" for x in self.reduces]
        if self.pieces == 1:
            lines += self._each(1, [*self._joined(SLICES), *self.index, *outs])
            return Kernel(tuple(lines), self.groups, self.threads)
        lines += [*self._chunks(), *self._each(1, [*self._joined(self.joiners), *self.index, *outs])]
        grid = self.groups * blocks(self.pieces, self.parts)
        scratch = 8 * len(self.reduces) * self.pieces * self.columns
        return Kernel(tuple(lines), grid, self.threads, scratch, 1 + self.groups)

    def _slices(self, body: Callable[[Sequence[str]], list[str]]) -> list[str]:
        """Each thread reduces its rows, and writes what it found to shared memory."""
        lanes, parts, width, names = self.lanes, self.parts, self.width, [f.name for f in self.own]
        piece = f" * {parts} + threadIdx.x / {SLICES * lanes}" if parts > 1 else ""
        there = [f"piece < {self.pieces}"] if self.pieces % parts else []
        there += [f"column < {self.columns}"] if self.columns % self.tile else []
        takes = [
            f"{f.name}_all[v] = {f.join(f'{f.name}_all[v]', x.taken)};"
            for f, x in zip(self.own, self.reduces, strict=True)
        ]
        loop = [
            f"#pragma unroll {4 if width == 1 else 2}",
            f"for ({self.kind} row = piece * {SLICES} + slice; row < {self.rows}; row += {SLICES * self.pieces}) {{",
            *indented(body(takes)),
            "}",
        ]
        height = max(SLICES * parts, self.joiners if self.pieces > 1 else 0)
        spot = f"threadIdx.x / {lanes}][threadIdx.x % {lanes}{f' * {width} + v' if width > 1 else ''}"
        first = f"threadIdx.x % {lanes}{f' * {width}' if width > 1 else ''}"
        return [
            f"const int slice = threadIdx.x / {lanes}{f' % {SLICES}' if parts > 1 else ''};",
            f"const int group = blockIdx.x % {self.groups}, piece = blockIdx.x / {self.groups}{piece};",
            f"const {self.kind} column = group * {self.tile} + {first};",
            *(f"{f.kind} {f.name}_all[{width}] = {{{', '.join([f.form.start] * width)}}};" for f in self.own),
            *(when(" && ".join(there), loop) if there else loop),
            *(f"__shared__ {f.kind} {f.name}_parts[{height}][{self.tile}];" for f in self.every),
            *unrolled("v", width, [f"{name}_parts[{spot}] = {name}_all[v];" for name in names]),
            "__syncthreads();",
        ]

    def _chunks(self) -> list[str]:
        """Each block hands on what its slices found; the last one joins the pieces to as many slices again."""
        tile, parts = self.tile, self.parts
        piece = f"blockIdx.x / {self.groups}" + (f" * {parts} + k / {tile}" if parts > 1 else "")
        places = [f"((double *)scratch)[({{}}) * {self.columns} + column]"]
        places += [places[0].replace("{}", f"{{}} + {k * self.pieces}") for k in range(1, len(self.reduces))]
        every = [*zip(self.every, places, strict=True)]
        found = self._joined(SLICES, f"k / {tile} * {SLICES} + " if parts > 1 else "")
        found += [f"{place.format(piece)} = {f.name}_joined;" for f, place in every]
        takes = [f.join(f"{f.name}_joined", f"({f.kind}){place.format('p')}") for f, place in every]
        again = [
            *(f"{f.kind} {f.name}_joined = {f.form.start};" for f in self.every),
            "#pragma unroll 8",
            f"for (int p = k / {tile}; p < {self.pieces}; p += {self.joiners}) {{",
            *(f"    {f.name}_joined = {text};" for f, text in zip(self.every, takes, strict=True)),
            "}",
            *(f"{f.name}_parts[k / {tile}][k % {tile}] = {f.name}_joined;" for f in self.every),
        ]
        come = f"last_of((unsigned *)scratch - 2 - group, {blocks(self.pieces, parts)})"
        return [
            *self._each(parts, found, f"{piece} < {self.pieces}" if self.pieces % parts else ""),
            "__shared__ bool last;",
            "__syncthreads();",
            f"if (threadIdx.x == 0) last = {come};",
            "__syncthreads();",
            "if (!last) return;",
            *self._each(self.joiners, again),
            "__syncthreads();",
        ]

    def _joined(self, slices: int, first: str = "") -> list[str]:
        """The statements that join the slices of column `k`, from `first` on."""
        parts = [f"{f.name}_parts[{first}{{}}][k % {self.tile}]" for f in self.every]
        lines = [f"{f.kind} {f.name}_joined = {x.format(0)};" for f, x in zip(self.every, parts, strict=True)]
        joins = [f.join(f"{f.name}_joined", x.format("s")) for f, x in zip(self.every, parts, strict=True)]
        lines.append(f"for (int s = 1; s < {slices}; s++) {{")
        lines += [f"    {f.name}_joined = {text};" for f, text in zip(self.every, joins, strict=True)]
        return [*lines, "}"]

    def _each(self, count: int, inner: Sequence[str], test: str = "") -> list[str]:
        """Statements for each `column` of the tile, `count` times, by all threads."""
        size = count * self.tile
        tests = [*([f"column < {self.columns}"] if self.columns % self.tile else []), *([test] if test else [])]
        inner = when(" && ".join(tests), inner) if tests else inner
        head = f"if (const int k = threadIdx.x; k < {size}) {{"
        if size > self.threads:
            head = f"for (int k = threadIdx.x; k < {size}; k += {self.threads}) {{"
        own = f"const {self.kind} column = group * {self.tile} + k % {self.tile};"
        return [head, *indented([own, *inner]), "}"]
