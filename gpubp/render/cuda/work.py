"""Work for a GPU: kernels with their launch configurations, and library calls for large matrix products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsl.records import dataclass

from ...passes import ITEM
from ..c.memory import Access
from ..loop_addresses import Address

VECTOR_BYTES = 16
"""Bytes of the widest vector access."""
BLOCK = 256
"""The usual number of threads per block."""
WARP = 32
BUSY_BLOCKS = 2 * 132
"""Blocks that keep a large GPU busy: two per multiprocessor of an H100."""
MAX_BLOCKS = 4096
"""Maximum blocks of a kernel with grid-stride loops: several waves on the largest GPU."""
DEPTH = 16
"""Length of a slice along K in shared memory, or a divisor of it."""
FLOAT32_TERMS = 64
"""Maximum number of float32 values that a thread sums in float32; longer sums are accumulated in double."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """The body of a kernel, and its launch configuration: `grid` blocks of `block` threads. `scratch`: bytes of scratch
    memory outside the arena, which keep what the preceding kernel of the same equation wrote. `counters`: how many of
    the counters that lie before the scratch memory it uses; the last of them belongs to horizontal fusion."""

    lines: tuple[str, ...]
    grid: int
    block: int
    scratch: int = 0
    counters: int = 0


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix in memory, or a strided batch: `table` is the number of the state or constant, None for the arena,
    `start` the byte offset in it, `stride` the leading dimension in elements: the distance between rows, or between
    columns if `transposed`; `step` is the distance between matrices of a batch in elements."""

    table: int | None
    start: int
    stride: int
    transposed: bool
    step: int


@dataclass(frozen=True, slots=True)
class Gemm:
    """`c = a b` for `batch` pairs of matrices, `m` by `k` and `k` by `n`, of one float type. `bias`: the address of `n`
    numbers to add to each row; `relu`: whether a ReLU is applied last."""

    m: int
    n: int
    k: int
    batch: int
    dtype: str
    a: Matrix
    b: Matrix
    c: Matrix
    bias: Address | None = None
    relu: bool = False


Work = Kernel | Gemm


class Body(list[str]):
    """The work that computes some steps; as a list, the lines of all its kernels."""

    def __init__(self, work: Iterable[Work]) -> None:
        self.work = tuple(work)
        super().__init__(line for one in self.work if isinstance(one, Kernel) for line in one.lines)


def blocks(threads: int, block: int) -> int:
    """The number of blocks for so many threads, at least one."""
    return max(1, -(-threads // block))


def grid_stride(elements: int) -> tuple[int, int]:
    """The grid and block size of a kernel with a grid-stride loop over the elements."""
    block = min(BLOCK, max(WARP, power_of_two_above(elements)))
    return min(blocks(elements, block), MAX_BLOCKS), block


def power_of_two_above(n: int) -> int:
    """The smallest power of two that is at least `n`."""
    return 1 << max(n - 1, 0).bit_length()


def index_type(limit: int) -> str:
    """The C type of an index below `limit`, to which a loop adds its stride once more: divisions of 32 bits are many
    times faster."""
    return "int" if limit + MAX_BLOCKS * BLOCK < 1 << 31 else "int64_t"


def aligned(access: Access, width: int) -> bool:
    """Whether vector accesses of `width` elements along the last axis are aligned."""
    start = access.place.offset * ITEM[access.dtype]
    if access.place.buffer.kind == "arena":
        start += access.place.buffer.start
    size = width * ITEM[access.dtype]
    return start % size == 0 == access.alignment % size and all(s % width == 0 for s in access.strides[:-1])


def unflatten(at: str, shape: Sequence[int], names: Sequence[str], kind: str) -> list[str]:
    """The statements that split a flat index into one per axis, in row-major order."""
    lines, below = [], 1
    for k in reversed(range(len(shape))):
        text = at if below == 1 else f"{at} / {below}"
        text = text if k == 0 else f"{text} % {shape[k]}"
        lines.append(f"const {kind} {names[k]} = {text};")
        below *= shape[k]
    return lines[::-1]
