"""GEMM tiles for tensor cores (mma.sync), of factors rounded to TF32, accumulated in float32.

A warp does `mma.m16n8k8` (ops/cuda/tensor.cuh): of 16 rows, 8 columns and 8 terms thread 4 r + k of it holds the rows r
and r + 8, the column r and the terms k and k + 4 of the factors, and of the sums those of the same rows and of columns
2 k and 2 k + 1. Which rows and terms of a tile these are is free. Here

- rows r and r + 8 are 2 r and 2 r + 1 of 16 of the tile: a thread reads both at once, into the registers beside each
  other from which the instruction takes them, and has its sums two by two;
- terms k and k + 4 are 4 k and 4 k + 1 of 16 of a piece in one step, 4 k + 2 and 4 k + 3 in the next.

Banks of shared memory: threads that the hardware serves at once ask for 32 different ones. The row of term 4 k begins
24 k banks (mod 32) behind that of term 0 (`skewed`), so the two rows of four r beside each other, of 16 threads, take 8
banks for each k; so do the columns of eight r, of 32 threads. Where terms lie beside each other in memory a thread
writes four, one after the other: number v of each of 32 threads is 24 k banks further on, its row 1.

Counts: a step of a warp with 64 by 32 results is 16 instructions, 128 cycles of an A100's tensor cores for each quarter
of a multiprocessor, and reads 3 KiB, 24 cycles of the shared memory that all four quarters have. Factors are rounded
when they are written there, once for each block. Of the instructions of such a warp for a piece of 16 terms, 300 to 430
for sm_80, 32 are these, about 100 round, and most others find the pixels; tiles of FFMA take 1024 to multiply alone.
"""

from __future__ import annotations

from dsl.records import dataclass

from .factor import Factor
from .multiply import Tile, unrolled
from .work import DEPTH, WARP


@dataclass(frozen=True, slots=True)
class TensorTile(Tile):
    """A tile whose warps have 8 threads below each other and 4 beside each other. Threads have `down` rows and `right`
    columns, even numbers."""

    def depth(self, terms: int) -> int:
        """Twice as many where tiles are small, for their terms are multiplied sooner than the next are read."""
        if self.slices > 1:
            return 8 * self.slices
        return 2 * DEPTH if self.rows + self.columns <= 96 and terms > DEPTH else DEPTH

    def vector(self, item: int) -> int:
        return 2

    def own(self) -> list[str]:
        warps = self.high * self.wide // WARP
        number = f"threadIdx.x / {WARP}{f' % {warps}' if self.slices > 1 else ''}"
        return [
            f"const int lane = threadIdx.x % {WARP}, warp = {number};",
            f"const int y = warp / {self.across} * 8 + lane / 4, x = warp % {self.across} * 4 + lane % 4;",
            *([f"const int slice = threadIdx.x / {WARP * warps};"] if self.slices > 1 else []),
        ]

    @property
    def across(self) -> int:
        """Warps beside each other."""
        return self.wide // 4

    def turns(self, vector: int, kind: str, rows: Factor, columns: Factor) -> list[str]:
        step = f"(t * {self.slices} + slice)" if self.slices > 1 else "t"
        row = rows.place("half", "deep", f"(y + g * {self.high}) * 2", "u")
        column = columns.place("half", "deep", f"(warp % {self.across} + g * {self.across}) * 8 + lane / 4", "u")
        read = [
            *unrolled("g", self.down // 2, [f"a[u][g] = *(const Pack<{kind}, 2> *)(&{row});"]),
            *unrolled("g", self.right // 2, [f"b[u][g] = {column};"]),
        ]
        sums = "sums[r][c], sums[r][c + 1], sums[r + 1][c], sums[r + 1][c + 1]"
        left = (f"a[{u}][r / 2].at[{k}]" for u in (0, 1) for k in (0, 1))
        multiplied = [f"mma_tf32({sums}, {', '.join(left)}, b[0][c / 2], b[1][c / 2]);"]
        product = [
            f"const int deep = {step} / 2 * 16 + {step} % 2 * 2 + lane % 4 * 4;",
            f"Pack<{kind}, 2> a[2][{self.down // 2}];",
            f"{kind} b[2][{self.right // 2}];",
            *unrolled("u", 2, read),
            *unrolled("r", self.down, unrolled("c", self.right, multiplied, 2), 2),
        ]
        return unrolled("t", rows.depth // 8 // self.slices, product)


TENSOR = (
    TensorTile(16, 32, 2, 4),
    TensorTile(16, 64, 2, 4),
    TensorTile(32, 16, 2, 4),
    TensorTile(32, 32, 2, 4),
    TensorTile(32, 64, 2, 8),
    TensorTile(64, 16, 2, 4),
    TensorTile(64, 32, 4, 4),
    TensorTile(64, 64, 4, 8),
    TensorTile(128, 16, 4, 4),
    TensorTile(128, 32, 4, 8),
    TensorTile(128, 64, 8, 8),
    TensorTile(128, 128, 8, 8),
)
"""Those there are, of 64 or 128 threads."""
SLICED_K_TENSOR = TensorTile(16, 16, 2, 4, 8)
"""How eight warps share the terms of a tile of 16 by 16."""
