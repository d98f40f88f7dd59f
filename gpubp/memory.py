"""How much memory of this machine a process may still take, and when Python looks for what nothing refers to."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""Limit and use of a container, versions 2 and 1."""


def free_memory() -> int | None:
    """The least of what the system has available, what the container's limit leaves, and what the process's own limit
    on its address space leaves, in bytes; None where nothing is known."""
    found = [n for n in (_available(), _left_by_limit(), *(_left(*pair) for pair in _CGROUPS)) if n is not None]
    return min(found, default=None)


def _available() -> int | None:
    for line in _text("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _left_by_limit() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    pages = _text("/proc/self/statm").split()
    return max(limit - (int(pages[0]) * os.sysconf("SC_PAGE_SIZE") if pages else 0), 0)


def _left(limit: str, use: str) -> int | None:
    most = _text(limit).strip()
    used = _text(use).strip() if most.isdigit() else ""
    return max(int(most) - int(used), 0) if used.isdigit() else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection inside of `with`: where many objects are made that live as long as a net, it would take a
    third of the time and find nothing."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
