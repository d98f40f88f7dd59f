"""Multithreading of C kernels: which loops are split among threads; the parts depend on the sizes alone."""

from __future__ import annotations

from .memory import Memory

WORTH = 1 << 18
"""Minimum elementary operations of a kernel that is split: some 40 microseconds, against one or two of overhead."""
PARTS = 16
"""Maximum parts of a loop. More would serve more cores than memory bandwidth allows."""
LINE = 64
"""Alignment of parts in elements, so that no two write to the same cache line."""


def bounds(memory: Memory, turns: int, work: int, unit: int = 1) -> tuple[str, str]:
    """The bounds of the outermost loop of a kernel, whose `turns` iterations are independent, take `work` elementary
    operations together, and may be split at multiples of `unit`. If splitting pays, `memory.share` says how."""
    parts = min(PARTS, 2 * work // WORTH, -(-turns // unit))
    if memory.lanes or not memory.shares or parts < 2:
        return "0", str(turns)
    memory.share = (turns, -(-turns // (parts * unit)) * unit)
    return "begin", "end"
