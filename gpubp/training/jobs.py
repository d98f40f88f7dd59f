"""Groups of trials in a pool of worker processes."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..backends.threads import cores, take_threads
from .sweeps import Candidate, trials_of
from .trials import Task, Trial

if TYPE_CHECKING:
    from concurrent.futures import Future

LOOK = 0.1
"""Seconds between two polls of `stopping`."""


_stop: Any = None
"""In a worker process: the shared number that asks it to stop, where it is not 0."""


def processes(
    task: Task, rounds: Iterable[Iterable[Sequence[Candidate]]], jobs: int, stopping: Callable[[], bool] | None
) -> Generator[Trial | None]:
    """The trials of all groups as they finish, `jobs` groups at a time on the CPU, sharing its cores; a round begins
    when that before it is done. Finally None if `stopping` returned True. Raises MemoryError if the system has killed a
    worker."""
    # Imported lazily: most commands create no processes, and the import takes longer than many a check of a file.
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool

    context = multiprocessing.get_context("spawn")  # workers must not inherit threads
    # No lock guards it: a worker that is killed while it holds one would stop all others for good.
    stop = context.RawValue("b", 0)
    with _deaf():  # Python starts one that tidies up
        pool = ProcessPoolExecutor(jobs, context, _begin, (stop, max(1, cores() // jobs)))
    running: set[Future[list[Trial]]] = set()

    def fill(left: Iterator[Sequence[Candidate]]) -> None:
        while len(running) < jobs and not stop.value and (one := next(left, None)) is not None:
            with _deaf():  # whichever of them starts a process
                running.add(pool.submit(_work, task, one))

    try:
        for several in rounds:
            left = iter(several)
            fill(left)
            while running:
                done, running = wait(running, LOOK, FIRST_COMPLETED)
                if stopping is not None and stopping():
                    stop.value = 1
                try:
                    # Report what is done before raising what another process could not do.
                    ready = sorted(done, key=lambda future: future.exception() is not None)
                    yield from (trial for future in ready for trial in future.result())
                    fill(left)
                except BrokenProcessPool:
                    # Only the system ends such a process early. The pool ends the others.
                    raise MemoryError(
                        "a process of the search was killed; fewer `--jobs` take less, and `--resume` continues"
                    ) from None
            if stop.value or (stopping is not None and stopping()):
                yield None
                return
    finally:
        stop.value = 1
        pool.shutdown(cancel_futures=True)


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes started now ignore Ctrl-C and what else is sent to all processes of a terminal or a job: this process
    tells them when to end. (On Windows they ignore Ctrl-C as soon as they have begun.)"""
    if sys.platform == "win32":
        yield
        return
    sent = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, sent)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(stop: Any, threads: int) -> None:
    """Initialise a worker: set its number of threads, and end it when its parent ends, for whatever reason."""
    import multiprocessing

    global _stop
    _stop = stop
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        # The pool ends all workers by SIGTERM when one was killed; a scheduler's is not for this process.
        while parent.is_alive() and not _ended_by(parent.pid):
            pass
        os._exit(1)

    if sys.platform == "win32":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch, daemon=True).start()
    take_threads(threads)


def _ended_by(parent: int | None) -> bool:
    """Whether the process `parent` sends a SIGTERM while we wait for LOOK seconds."""
    if sys.platform == "linux":
        sent = signal.sigtimedwait({signal.SIGTERM}, LOOK)
        return sent is not None and sent.si_pid == parent
    time.sleep(LOOK)
    # Who sent it is unknown elsewhere; on Windows a process ends another without a signal.
    return sys.platform != "win32" and signal.SIGTERM in signal.sigpending()


def _work(task: Task, group: Sequence[Candidate]) -> list[Trial]:
    """The trials of a group that came to an end."""
    return [trial for trial in trials_of(task, group, "cpu", None, lambda: bool(_stop.value)) if trial is not None]
