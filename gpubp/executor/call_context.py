"""The context of an executor's calls: its lock and its device."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from types import TracebackType

from ..backends import Backend


class CallContext:
    """One call at a time, on a backend's device; calls from other threads queue, nested calls re-enter. An epoch of a
    tiny net makes several calls, and entering takes longer than its steps: it is entered once."""

    def __init__(self, backend: Backend) -> None:
        self._backend, self._lock, self._depth = backend, threading.RLock(), 0
        self._running: AbstractContextManager[object]

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            if not self._depth:
                self._running = self._backend.running()
                self._running.__enter__()
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
                self._running.__exit__(kind, error, trace)
        finally:
            self._lock.release()
