"""How many threads the BLAS of NumPy takes: one, while all products are small.

Threads that share out a small product wait for each other longer than they compute, and they spin: where another
program needs a core, a step takes ten to a hundred times as long.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SMALL = 2e7
"""Floating-point operations of a product below which one thread computes it."""


class _OneThread:
    """The limit of this process: the first that needs it sets it, the last lifts it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._controller: Any = None
        self._limit: Any = None

    def enter(self) -> None:
        from threadpoolctl import ThreadpoolController

        with self._lock:
            if not self._users:
                self._controller = self._controller or ThreadpoolController()
                self._limit = self._controller.limit(limits=1, user_api="blas")
            self._users += 1

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._limit.restore_original_limits()


_one = _OneThread()


@contextmanager
def one_thread() -> Iterator[None]:
    """While this is open, in any thread of the process, the BLAS takes one."""
    _one.enter()
    try:
        yield
    finally:
        _one.leave()
