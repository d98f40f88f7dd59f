"""GEMM tiles for tensor cores (mma.sync), with factors rounded to TF32, accumulated in float32.

A warp issues `mma.m16n8k8` (ops/cuda/tensor.cuh) on 16 rows, 8 columns and 8 terms. Thread 4 r + k holds rows r and
r + 8, column r and terms k and k + 4 of the factors, and the sums of the same rows and of columns 2 k and 2 k + 1.
Which rows and terms of the tile these are is free to choose. Here

- rows r and r + 8 are rows 2 r and 2 r + 1 of 16 of the tile: a thread loads both at once, into the adjacent registers
  that the instruction needs, and its sums are pairs of adjacent rows;
- terms k and k + 4 are terms 4 k and 4 k + 1 of 16 of a slice in one step, 4 k + 2 and 4 k + 3 in the next.

Bank conflicts: the threads of one memory transaction access 32 different banks. The row of term 4 k begins 24 k banks
(mod 32) after that of term 0 (`skewed`), so the row pairs of four adjacent r, of 16 threads, occupy 8 banks for each k,
and so do the columns of eight r, of 32 threads. If terms are adjacent in global memory, a thread stores four of them,
one after the other: each row of these is 1 bank and each k 24 banks further.

Costs: a step of a warp tile of 64 by 32 is 16 instructions, 128 cycles of an A100's tensor cores per quarter of a
multiprocessor, and loads 3 KiB, 24 cycles of the shared memory that the four quarters share. Factors are rounded when
stored there, once per block. Such a warp executes 300 to 430 instructions per slice of 16 terms on sm_80: 32 are these,
about 100 round, and most others compute addresses of pixels; tiles of FFMA take 1024 for the products alone.
"""

from __future__ import annotations

from dsl.records import dataclass

from ..c.statements import unrolled
from .factor import Factor
from .multiply import Tile
from .work import DEPTH, WARP


@dataclass(frozen=True, slots=True)
class TensorTile(Tile):
    """A block tile whose warps are 8 threads high and 4 wide; threads have even numbers of rows and columns."""

    def depth(self, terms: int) -> int:
        """Small tiles take longer slices: they would otherwise wait for the loads of the next slice."""
        if self.slices > 1:
            return 8 * self.slices
        return 2 * DEPTH if self.rows + self.columns <= 96 and terms > DEPTH else DEPTH

    def vector(self, item: int) -> int:
        return 2

    def position(self) -> list[str]:
        warps = self.threads_down * self.threads_across // WARP
        number = f"threadIdx.x / {WARP}{f' % {warps}' if self.slices > 1 else ''}"
        return [
            f"const int lane = threadIdx.x % {WARP}, warp = {number};",
            f"const int y = warp / {self.warps_across} * 8 + lane / 4, x = warp % {self.warps_across} * 4 + lane % 4;",
            *([f"const int slice = threadIdx.x / {WARP * warps};"] if self.slices > 1 else []),
        ]

    @property
    def warps_across(self) -> int:
        """Warps along the columns."""
        return self.threads_across // 4

    def multiply_slice(self, vector: int, kind: str, rows: Factor, columns: Factor) -> list[str]:
        step = f"(t * {self.slices} + slice)" if self.slices > 1 else "t"
        row = rows.element("half", "deep", f"(y + g * {self.threads_down}) * 2", "u")
        column = columns.element(
            "half", "deep", f"(warp % {self.warps_across} + g * {self.warps_across}) * 8 + lane / 4", "u"
        )
        read = [
            *unrolled("g", self.thread_rows // 2, [f"a[u][g] = *(const Pack<{kind}, 2> *)(&{row});"]),
            *unrolled("g", self.thread_columns // 2, [f"b[u][g] = {column};"]),
        ]
        sums = "sums[r][c], sums[r][c + 1], sums[r + 1][c], sums[r + 1][c + 1]"
        left = (f"a[{u}][r / 2].at[{k}]" for u in (0, 1) for k in (0, 1))
        multiplied = [f"mma_tf32({sums}, {', '.join(left)}, b[0][c / 2], b[1][c / 2]);"]
        product = [
            f"const int deep = {step} / 2 * 16 + {step} % 2 * 2 + lane % 4 * 4;",
            f"Pack<{kind}, 2> a[2][{self.thread_rows // 2}];",
            f"{kind} b[2][{self.thread_columns // 2}];",
            *unrolled("u", 2, read),
            *unrolled("r", self.thread_rows, unrolled("c", self.thread_columns, multiplied, 2), 2),
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
"""The available tiles, of 64 or 128 threads."""
SLICED_K_TENSOR = TensorTile(16, 16, 2, 4, 8)
"""A tile of 16 by 16 whose terms are shared by eight warps."""
