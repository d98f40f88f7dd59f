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
"""Bytes of an arena from which on small buffers, of at most so many bytes, share their memory with nothing, if they
are an eighth of it at most: so on a GPU, where such a net is no single block, their kernels can run beside others."""


def pack(buffers: Iterable[Buffer]) -> int:
    """Assign each buffer of the arena an offset, so that buffers with overlapping lifetimes do not overlap; returns the
    bytes needed."""
    every = list(buffers)
    total = _packed(every)
    small = [buffer for buffer in every if buffer.bytes <= SMALL]
    if total < LARGE or sum(_rounded(buffer.bytes) for buffer in small) > total // 8:
        return total
    total = _packed(buffer for buffer in every if buffer.bytes > SMALL)
    for buffer in small:
        buffer.start = total
        total += _rounded(buffer.bytes)
    return total


def _packed(buffers: Iterable[Buffer]) -> int:
    """The same where all memory is used again.

    Best fit: at its first use a buffer takes the smallest free gap that holds it, and frees it after its last use.
    """
    waiting = sorted(buffers, key=lambda b: (b.first, -b.bytes))
    leaving: dict[int, list[Buffer]] = {}
    for buffer in waiting:
        leaving.setdefault(buffer.last, []).append(buffer)
    ends = sorted(leaving)
    gaps: list[tuple[int, int]] = []
    total = gone = 0
    for buffer in waiting:
        while gone < len(ends) and ends[gone] < buffer.first:
            for dead in leaving[ends[gone]]:
                _give_back(gaps, dead.start, _rounded(dead.bytes))
            gone += 1
        size = _rounded(buffer.bytes)
        fitting = min((gap for gap in gaps if gap[1] >= size), key=lambda gap: gap[1], default=None)
        if fitting is not None:
            gaps.remove(fitting)
            buffer.start = fitting[0]
            if fitting[1] > size:
                gaps.append((fitting[0] + size, fitting[1] - size))
            continue
        # A gap at the end grows.
        last = next((gap for gap in gaps if sum(gap) == total), None)
        if last is not None:
            gaps.remove(last)
        buffer.start = last[0] if last else total
        total = buffer.start + size
    return total


def _rounded(size: int) -> int:
    return max(-(-size // ALIGN), 1) * ALIGN


def _give_back(gaps: list[tuple[int, int]], start: int, size: int) -> None:
    """Add a gap, merged with its neighbours."""
    for gap in [gap for gap in gaps if sum(gap) == start or gap[0] == start + size]:
        gaps.remove(gap)
        start, size = min(start, gap[0]), size + gap[1]
    gaps.append((start, size))
