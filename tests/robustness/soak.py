"""Mutated files by the thousand, judged on all cores: `python -m tests.robustness.soak [COUNT]`.

The case of a number is the same text as long as the models are the same: `--first N` continues where a run was stopped,
`--case N` tries one. Every failure is printed with the smallest text that fails alike, and its whole text is kept as a
file; the slowest answers are told at the end. The exit code is 1 where anything failed.
"""

from __future__ import annotations

import argparse
import heapq
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

from . import judge
from .generated import generated
from .mutations import mutated, parts

WHOLE = 5
"""One case in so many is a whole file that `gpubp.loads` reads; of the others parts are resolved, which is quicker."""
CHUNK = 250
TOLD = 10_000
"""After so many cases a line tells how far the run is."""
SLOWEST = 5
SLOW = 1.0
"""Seconds of processor time that an answer may take."""
HANGS = 20.0
"""Seconds after which an answer is no longer waited for; after twice as many a worker that does not even return to
Python is ended by the system."""
MEMORY = 4 << 30
"""Bytes of address space that a worker may take."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Case `number`, its text, and what is wrong with the answer."""

    number: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What the cases `first` to `last` (not included) came to: failures, and the slowest as (seconds, number)."""

    first: int
    last: int
    failures: list[Failure] = field(default_factory=list)
    slowest: list[tuple[float, int]] = field(default_factory=list)


@cache
def _texts() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whole files, and parts of them."""
    whole = (*judge.model_texts(), *(generated(Random(i)) for i in range(40)))
    return whole, tuple(part for text in whole for part in parts(text))


def case(number: int) -> tuple[str, Callable[[str], str]]:
    """The text of a case, and its judge."""
    whole, pieces = _texts()
    if number % WHOLE == 0:
        return mutated(whole, Random(number)), judge.loaded
    return mutated(pieces, Random(number)), judge.resolved


@contextmanager
def waiting() -> Iterator[None]:
    """Raise TimeoutError in what takes longer than `HANGS`."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"no answer within {HANGS:g} seconds")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANGS)
    signal.setitimer(signal.ITIMER_PROF, 2 * HANGS)  # nothing handles its signal, which ends the process
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def verdict(text: str, answer: Callable[[str], str], slow: float) -> tuple[str, float]:
    """What is wrong with the answer to a text, "" where nothing is, and the seconds of processor time it took; an
    answer above `slow` seconds is wrong too."""
    start = time.process_time()
    with waiting():
        why = answer(text)
    seconds = time.process_time() - start
    return why or (f"took {seconds:.1f} s" if seconds > slow else ""), seconds


def chunk(first: int, last: int, slow: float) -> Judged:
    """Judge the cases `first` to `last` (not included)."""
    failures, taken = [], []
    for number in range(first, last):
        text, answer = case(number)
        why, seconds = verdict(text, answer, slow)
        taken.append((seconds, number))
        if why:
            failures.append(Failure(number, text, why))
    return Judged(first, last, failures, heapq.nlargest(SLOWEST, taken))


def smallest(text: str, fails: Callable[[str], bool], seconds: float = 60.0) -> str:
    """A text that fails with as little as can be: pieces are taken out, half of it first, single characters last."""
    end = time.monotonic() + seconds
    size = len(text) // 2
    while size and time.monotonic() < end:
        at, before = 0, text
        while at < len(text) and time.monotonic() < end:
            shorter = text[:at] + text[at + size :]
            if fails(shorter):
                text = shorter
            else:
                at += size
        size = size // 2 if text == before or size > 1 else 1
    return text


def _begin(folder: str) -> None:
    """In a worker: the folder to stand in, and a bound for its memory. What stops the run is told to the one process
    that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def judged(first: int, count: int, workers: int, slow: float = float("inf")) -> Iterator[Judged]:
    """`count` cases from `first` on, chunk by chunk, in the order of the cases.

    A worker that dies ends the run: the failure it comes to names the cases it may have died of.
    """
    work = ((i, min(i + CHUNK, first + count), slow) for i in range(first, first + count, CHUNK))
    # spawned, not forked: a fork of a program with threads may hang
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        judge.world(Path(folder))
        with ProcessPoolExecutor(workers, context, _begin, (folder,)) as pool:
            running: deque[tuple[int, int, Future[Judged]]] = deque()
            try:
                for arguments in work:
                    running.append((*arguments[:2], pool.submit(chunk, *arguments)))
                    if len(running) > 4 * workers:
                        yield running.popleft()[2].result()
                while running:
                    yield running.popleft()[2].result()
            except BrokenProcessPool:
                place = arguments[0] - CHUNK * 4 * workers
                why = "raised nothing: the worker that judged it, or one of the next cases, died"
                yield Judged(max(first, place), arguments[1], [Failure(max(first, place), "", why)])
            finally:
                pool.shutdown(cancel_futures=True)


def _alike(why: str) -> str:
    """What two failures of one cause have in common."""
    return "took" if why.startswith("took") else why.partition(":")[0]


def _tell(failure: Failure, kept: Path) -> None:
    path = kept / f"soak-{failure.number}.net"
    path.write_text(failure.text, encoding="utf-8", errors="surrogatepass")
    _, answer = case(failure.number)
    kind = _alike(failure.why)
    text = smallest(failure.text, lambda text: _alike(verdict(text, answer, SLOW)[0]) == kind)
    print(f"case {failure.number}: {failure.why}\n  kept as {path}", flush=True)
    print(f"  smallest, for judge.{answer.__name__}: {text!r}", flush=True)


def _one(number: int, kept: Path) -> int:
    """Try one case in this process."""
    text, answer = case(number)
    why, seconds = verdict(text, answer, SLOW)
    print(text, f"case {number}, judge.{answer.__name__}, {seconds:.3f} s: {why or 'well'}", sep="\n")
    if why:
        _tell(Failure(number, text, why), kept)
    return 1 if why else 0


def _all(first: int, count: int, workers: int, kept: Path) -> int:
    """Try `count` cases on `workers` processes, and tell how it goes."""
    start, failures = time.monotonic(), 0
    slowest: list[tuple[float, int]] = []
    last = first
    try:
        for found in judged(first, count, workers, SLOW):
            last = found.last
            slowest = heapq.nlargest(SLOWEST, (*slowest, *found.slowest))
            failures += len(found.failures)
            for failure in found.failures:
                _tell(failure, kept)
            done = last - first
            if done % TOLD < CHUNK or done == count:
                rate = done / (time.monotonic() - start)
                print(f"{done:,} of {count:,} cases, {failures} failures, {rate:.0f} a second", flush=True)
    except KeyboardInterrupt:
        print(f"stopped; to go on: python -m tests.robustness.soak {first + count - last} --first {last}")
        return 130
    print("slowest: " + ", ".join(f"case {number} took {seconds:.3f} s" for seconds, number in slowest))
    return 1 if failures else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="try this one alone, and show it")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a run that is ended leaves no process behind
    kept = Path.cwd()  # texts that fail are kept here
    with tempfile.TemporaryDirectory() as folder:  # failures are tried again there
        judge.world(Path(folder))
        os.chdir(folder)
        try:
            if arguments.case is not None:
                return _one(arguments.case, kept)
            return _all(arguments.first, arguments.count, arguments.workers, kept)
        finally:
            os.chdir(kept)


if __name__ == "__main__":
    sys.exit(main())
