"""What a GPU is given to do: kernels with their launch sizes, and products of large matrices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsl.records import dataclass

from ...passes import ITEM
from ..c.memory import Access
from ..loop_addresses import Address

BYTES = 16
"""The widest access to memory."""
BLOCK = 256
"""Threads of a block, where the work does not ask for another number."""
WARP = 32
MANY = 2 * 132
"""Blocks that are enough to keep a GPU busy."""
MOST_BLOCKS = 4096
"""Blocks of a kernel whose threads go on to further elements: some waves of the largest GPU."""
DEPTH = 16
"""Terms of a slice of a tiled product in shared memory, or a part of them."""
TERMS = 64
"""Terms up to which a thread sums float32 numbers in float32; it takes double for more."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """The body of a kernel and how it is launched: `grid` blocks of `block` threads. `scratch`: the bytes beside the
    arena that it takes, which hold what the kernel before it wrote there. `counters`: how many of the numbers before
    these it may use, the last of which is for what the kernel is a part of."""

    lines: tuple[str, ...]
    grid: int
    block: int
    scratch: int = 0
    counters: int = 0


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix in memory, or several: `table` is the number of the state or constant, None for the arena, and `start`
    the byte in it. Rows lie `stride` elements apart; where `transposed`, columns do. The next matrix of a batch begins
    `step` elements further."""

    table: int | None
    start: int
    stride: int
    transposed: bool
    step: int


@dataclass(frozen=True, slots=True)
class Gemm:
    """`c = a b` for `batch` pairs of matrices, `m` by `k` and `k` by `n`, of one float type. `bias`: where the `n`
    numbers lie that are added to each row; `relu`: then the rows are rectified."""

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
    """The work that computes some steps, in the place of the lines of a C kernel."""

    def __init__(self, work: Iterable[Work]) -> None:
        self.work = tuple(work)
        super().__init__(line for one in self.work if isinstance(one, Kernel) for line in one.lines)


def blocks(threads: int, block: int) -> int:
    """Blocks for so many threads."""
    return max(1, -(-threads // block))


def strided(elements: int) -> tuple[int, int]:
    """The grid and the block of a kernel whose threads go through elements with the stride of all threads."""
    block = min(BLOCK, max(WARP, power_above(elements)))
    return min(blocks(elements, block), MOST_BLOCKS), block


def power_above(n: int) -> int:
    """The least power of two that is not below `n`."""
    return 1 << max(n - 1, 0).bit_length()


def whole(limit: int) -> str:
    """The type of an index below `limit`; divisions of 32 bits are many times faster."""
    return "int" if limit < 1 << 31 else "int64_t"


def aligned(access: Access, width: int) -> bool:
    """Whether all of what is read from a pointer on begins at multiples of `width` elements."""
    start = access.place.offset * ITEM[access.dtype]
    if access.place.buffer.kind == "arena":
        start += access.place.buffer.start
    size = width * ITEM[access.dtype]
    return start % size == 0 == access.alignment % size and all(s % width == 0 for s in access.strides[:-1])


def split_index(at: str, shape: Sequence[int], names: Sequence[str], kind: str) -> list[str]:
    """The statements that divide a flat index into one for each axis, the last axis the fastest."""
    lines, below = [], 1
    for k in reversed(range(len(shape))):
        text = at if below == 1 else f"{at} / {below}"
        text = text if k == 0 else f"{text} % {shape[k]}"
        lines.append(f"const {kind} {names[k]} = {text};")
        below *= shape[k]
    return lines[::-1]


def indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
