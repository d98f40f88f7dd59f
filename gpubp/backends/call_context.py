"""The context in which a backend's programs run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType


class CallContext:
    """One call at a time, in the context that `make` returns; calls from other threads queue, nested calls re-enter. An
    epoch of a tiny net makes several calls, and entering takes longer than its steps: it is entered once."""

    def __init__(self, make: Callable[[], AbstractContextManager[object]]) -> None:
        self._make, self._lock, self._depth = make, threading.RLock(), 0
        self._context: AbstractContextManager[object]

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            if not self._depth:
                self._context = self._make()
                self._context.__enter__()
            self._depth += 1
        except BaseException:
            self._lock.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._depth -= 1
            if not self._depth:
                self._context.__exit__(kind, error, trace)
        finally:
            self._lock.release()
