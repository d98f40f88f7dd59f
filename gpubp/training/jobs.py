"""Trials side by side, each in a process of its own, which is there for one after the other."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..backends.threads import cores, take_threads
from .trials import Task, Trial, one_trial

if TYPE_CHECKING:
    from concurrent.futures import Future

LOOK = 0.1
"""Seconds after which it is looked whether to stop."""

_stop: Any = None
"""In a process that makes trials: the event that asks it to end."""


def side_by_side(
    task: Task, settings: Iterable[tuple[int, dict[str, str]]], jobs: int, stopping: Callable[[], bool] | None
) -> Generator[Trial | None]:
    """The trials of `settings` as they are done, `jobs` at a time on the CPU, whose cores they share; at the end None
    where `stopping` asked for it. Raises MemoryError where the system has killed one."""
    # Read here: most commands make no processes, and reading takes longer than many a check of a file.
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool

    context = multiprocessing.get_context("spawn")  # what was begun here, threads above all, is not theirs
    event, left = context.Event(), iter(settings)
    pool = ProcessPoolExecutor(jobs, context, _begin, (event, max(1, cores() // jobs)))
    running: set[Future[Trial | None]] = set()

    def fill() -> None:
        while len(running) < jobs and not event.is_set() and (one := next(left, None)) is not None:
            running.add(pool.submit(_work, task, *one))

    try:
        with _deaf():
            fill()
        while running:
            done, running = wait(running, LOOK, FIRST_COMPLETED)
            if stopping is not None and stopping():
                event.set()
            try:
                # What is done is told before what another process could not do.
                ready = sorted(done, key=lambda future: future.exception() is not None)
                yield from (trial for future in ready if (trial := future.result()) is not None)
                fill()
            except BrokenProcessPool:
                # Nothing but the system ends such a process before its time.
                raise MemoryError(
                    "a process of the search was killed; fewer `--jobs` take less, and `--resume` goes on"
                ) from None
        if event.is_set():
            yield None
    finally:
        event.set()
        pool.shutdown(cancel_futures=True)


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that begin now do not hear Ctrl-C or SIGTERM, which whoever ends a job sends to all: it is this one
    that says when they end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(event: Any, threads: int) -> None:
    """What a process does first: it computes by so many threads, and ends with the one that made it, however that
    ends."""
    import multiprocessing

    global _stop
    _stop = event
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    take_threads(threads)


def _work(task: Task, number: int, params: dict[str, str]) -> Trial | None:
    return one_trial(task, number, params, "cpu", None, _stop.is_set)
