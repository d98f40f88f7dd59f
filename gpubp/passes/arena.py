"""Arena allocation: one block of memory for all temporaries of a step, by lifetime."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from dsl.records import dataclass

ALIGN = 64
"""Alignment of buffers in bytes: a cache line, and the widest vector register."""

ITEM = {"float32": 4, "float64": 8, "int32": 4, "int64": 8, "uint32": 4, "uint64": 8, "bool": 1}
"""Size of an element in bytes."""


@dataclass(eq=False, slots=True)
class Buffer:
    """An allocation of `size` elements. `first` and `last` are the steps between which it is live; in the arena it is
    at byte offset `start`."""

    kind: Literal["state", "constant", "arena"]
    size: int
    dtype: str
    first: int
    last: int
    start: int = 0

    @property
    def bytes(self) -> int:
        return self.size * ITEM[self.dtype]


LARGE, SMALL = 1 << 18, 1 << 13
"""In an arena of at least LARGE bytes, buffers of at most SMALL bytes get memory that is never reused, if they take an
eighth of the arena at most. Reuse would make their kernels wait for others that a GPU can run concurrently."""


def pack(buffers: Iterable[Buffer]) -> int:
    """Assign each buffer of the arena an offset, so that buffers with overlapping lifetimes do not overlap; returns the
    bytes needed."""
    every = list(buffers)
    total = _best_fit(every)
    small = [buffer for buffer in every if buffer.bytes <= SMALL]
    if total < LARGE or sum(_aligned(buffer.bytes) for buffer in small) > total // 8:
        return total
    total = _best_fit(buffer for buffer in every if buffer.bytes > SMALL)
    for buffer in small:
        buffer.start = total
        total += _aligned(buffer.bytes)
    return total


def _best_fit(buffers: Iterable[Buffer]) -> int:
    """Best fit: at its first use a buffer takes the smallest gap that holds it, which it frees after its last use."""
    by_first_use = sorted(buffers, key=lambda b: (b.first, -b.bytes))
    dying: dict[int, list[Buffer]] = {}
    for buffer in by_first_use:
        dying.setdefault(buffer.last, []).append(buffer)
    ends = sorted(dying)
    gaps: list[tuple[int, int]] = []
    total = freed = 0
    for buffer in by_first_use:
        while freed < len(ends) and ends[freed] < buffer.first:
            for dead in dying[ends[freed]]:
                _release(gaps, dead.start, _aligned(dead.bytes))
            freed += 1
        size = _aligned(buffer.bytes)
        best = min((gap for gap in gaps if gap[1] >= size), key=lambda gap: gap[1], default=None)
        if best is not None:
            gaps.remove(best)
            buffer.start = best[0]
            if best[1] > size:
                gaps.append((best[0] + size, best[1] - size))
            continue
        # If none fits, a gap at the end of the arena grows.
        trailing = next((gap for gap in gaps if sum(gap) == total), None)
        if trailing is not None:
            gaps.remove(trailing)
        buffer.start = trailing[0] if trailing else total
        total = buffer.start + size
    return total


def _aligned(size: int) -> int:
    return max(-(-size // ALIGN), 1) * ALIGN


def _release(gaps: list[tuple[int, int]], start: int, size: int) -> None:
    """Add a gap, merged with its neighbours."""
    for gap in [gap for gap in gaps if sum(gap) == start or gap[0] == start + size]:
        gaps.remove(gap)
        start, size = min(start, gap[0]), size + gap[1]
    gaps.append((start, size))
