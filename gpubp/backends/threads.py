"""Numbers of threads: of compiled kernels, and of NumPy's BLAS, limited to one while all products are small.

Threads that share a small product wait for each other longer than they compute, and they spin: if another program needs
a core, a step takes ten to a hundred times as long.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

SMALL = 2e7
"""Floating-point operations of a product below which one thread computes it."""


MOST = 8
"""Maximum threads of a loop: more are not faster, since memory bandwidth is exhausted."""


@cache
def threads() -> int:
    """The threads of compiled kernels: as many as this process may use cores, or fewer if the BLAS is limited to fewer
    (by OMP_NUM_THREADS or OPENBLAS_NUM_THREADS)."""
    return min(cores(), _limit.usual() or MOST, MOST)


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """The number of cores that this process may use, by its affinity and by the CPU `quota` of its container."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        time, period = quota.read_text("ascii").split()
    except (OSError, ValueError):
        return found
    return min(found, max(1, math.ceil(int(time) / int(period)))) if time.isdecimal() else found


class _OneThread:
    """The process-wide limit of the BLAS to one thread: set by its first holder, lifted by its last.
    `ThreadpoolController.limit` does the same, but inspects all libraries first, which takes longer than many a
    step."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = self._usual = 0
        self._pools: list[Any] | None = None
        self._before: list[tuple[Any, int]] = []

    def enter(self) -> None:
        with self._lock:
            if not self._holders:
                self._before = [(pool, count) for pool in self._find() if (count := pool.num_threads) != 1]
                for pool, _ in self._before:
                    pool.set_num_threads(1)
            self._holders += 1

    def usual(self) -> int:
        """The threads of the BLAS before any limit; 0 if unknown."""
        with self._lock:
            self._find()
            return self._usual

    def set_usual(self, count: int) -> None:
        """Set the usual number."""
        with self._lock:
            for pool in self._find():
                pool.set_num_threads(count)
            self._usual = count

    def _find(self) -> list[Any]:
        if self._pools is None:
            from threadpoolctl import ThreadpoolController

            self._pools = [pool for pool in ThreadpoolController().lib_controllers if pool.user_api == "blas"]
            self._usual = max((pool.num_threads for pool in self._pools), default=0)
        return self._pools

    def leave(self) -> None:
        with self._lock:
            self._holders -= 1
            if not self._holders:
                for pool, count in self._before:
                    pool.set_num_threads(count)


_limit = _OneThread()


def take_threads(count: int) -> None:
    """Set the number of threads of this process, which must not have computed anything yet."""
    import_module("numpy")  # loads its BLAS
    _limit.set_usual(count)


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit the BLAS to one thread, in the whole process."""
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()
