"""Multithreading of C kernels: which loops are split among threads; the parts depend on the sizes alone."""

from __future__ import annotations

from .memory import Memory

MIN_WORK = 1 << 18
"""Minimum elementary operations of a kernel that is split: some 40 microseconds, against one or two of overhead."""
MAX_PARTS = 16
"""Maximum parts of a loop. More would serve more cores than memory bandwidth allows."""
CACHE_LINE = 64
"""Alignment of parts in elements, so that no two write to the same cache line."""


def parallel_bounds(memory: Memory, iterations: int, work: int, granule: int = 1) -> tuple[str, str]:
    """The bounds of a kernel's outermost loop. Its `iterations` are independent, take `work` elementary operations in
    all, and may be split at multiples of `granule`. Sets `memory.split` if splitting pays."""
    parts = min(MAX_PARTS, 2 * work // MIN_WORK, -(-iterations // granule))
    if memory.lanes or not memory.parallel or parts < 2:
        return "0", str(iterations)
    memory.split = (iterations, -(-iterations // (parts * granule)) * granule)
    return "begin", "end"
