"""How many threads compute: those of compiled kernels, and those of NumPy's BLAS, one while all products are small.

Threads that share out a small product wait for each other longer than they compute, and they spin: where another
program needs a core, a step takes ten to a hundred times as long.
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
"""Threads that share a loop at most: more do not make it faster, for memory feeds no more."""


@cache
def threads() -> int:
    """Threads that the loops of compiled kernels are divided among: the cores that this process may use, or fewer where
    the BLAS has been told so (by OMP_NUM_THREADS or OPENBLAS_NUM_THREADS)."""
    return min(cores(), _one.usual() or MOST, MOST)


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """The processors that this process may run on, or as many as the `quota` of its container is worth."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        time, period = quota.read_text("ascii").split()
    except (OSError, ValueError):
        return found
    return min(found, max(1, math.ceil(int(time) / int(period)))) if time.isdecimal() else found


class _OneThread:
    """The limit of this process: the first that needs it sets it, the last lifts it. `ThreadpoolController.limit` does
    the same, and asks for all that it can tell first, which takes longer than many a step."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = self._usual = 0
        self._pools: list[Any] | None = None
        self._before: list[tuple[Any, int]] = []

    def enter(self) -> None:
        with self._lock:
            if not self._users:
                self._before = [(pool, count) for pool in self._find() if (count := pool.num_threads) != 1]
                for pool, _ in self._before:
                    pool.set_num_threads(1)
            self._users += 1

    def usual(self) -> int:
        """Threads that the BLAS took when it was first looked at; 0 where none is known."""
        with self._lock:
            self._find()
            return self._usual

    def take(self, count: int) -> None:
        """From now on that many are the usual number."""
        with self._lock:
            for pool in self._find():
                pool.set_num_threads(count)
            self._usual = count

    def _find(self) -> list[Any]:
        from threadpoolctl import ThreadpoolController

        if self._pools is None:
            self._pools = [pool for pool in ThreadpoolController().lib_controllers if pool.user_api == "blas"]
            self._usual = max((pool.num_threads for pool in self._pools), default=0)
        return self._pools

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                for pool, count in self._before:
                    pool.set_num_threads(count)


_one = _OneThread()


def take_threads(count: int) -> None:
    """Let this process, which has computed nothing yet, compute by so many threads."""
    import_module("numpy")  # whose BLAS is told, too
    _one.take(count)


@contextmanager
def one_thread() -> Iterator[None]:
    """While this is open, in any thread of the process, the BLAS takes one."""
    _one.enter()
    try:
        yield
    finally:
        _one.leave()
