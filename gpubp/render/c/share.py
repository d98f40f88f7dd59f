"""Which loops of C kernels are divided among threads, and how: the parts depend on the sizes alone."""

from __future__ import annotations

from .memory import Memory

WORTH = 1 << 18
"""Elementary operations of a kernel from which on it pays: some 40 microseconds, beside one or two to share it out."""
PARTS = 16
"""Parts of a loop at most. More would serve more cores than these loops can feed from memory."""
LINE = 64
"""Elements that a part begins at a multiple of, so that no two write to one line of a cache."""


def bounds(memory: Memory, turns: int, work: int, unit: int = 1) -> tuple[str, str]:
    """Where the outermost loop of a kernel begins and ends, whose `turns` depend on no other, do `work` elementary
    operations together, and may be divided at multiples of `unit`. Where that pays, `memory.share` says how."""
    parts = min(PARTS, 2 * work // WORTH, -(-turns // unit))
    if memory.lanes or not memory.shares or parts < 2:
        return "0", str(turns)
    memory.share = (turns, -(-turns // (parts * unit)) * unit)
    return "begin", "end"
