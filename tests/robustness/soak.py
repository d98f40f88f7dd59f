"""Mutated files by the thousand, judged on all cores: `python -m tests.robustness.soak [COUNT]`.

The case of a number is always the same text. Every failure is printed with the smallest text that fails alike; the exit
code is 1 where there is any.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from . import judge
from .generated import generated
from .mutations import mutated, parts

WHOLE = 20
"""One case in so many is a whole file that `gpubp.loads` reads; of the others parts are resolved, which is quicker."""
CHUNK = 250
SLOW = 1.0
"""Seconds of processor time that an answer may take."""
HANGS = 20.0
"""Seconds after which an answer is no longer waited for."""
MEMORY = 4 << 30
"""Bytes of address space that a worker may take."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Case `number`, its text, and what is wrong with the answer."""

    number: int
    text: str
    why: str


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
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def verdict(text: str, answer: Callable[[str], str], slow: float) -> str:
    """What is wrong with the answer to a text, "" where nothing is; an answer above `slow` seconds is wrong too."""
    start = time.process_time()
    with waiting():
        why = answer(text)
    seconds = time.process_time() - start
    return why or (f"took {seconds:.1f} s" if seconds > slow else "")


def chunk(first: int, last: int, slow: float) -> list[Failure]:
    """The failures among the cases `first` to `last` (not included)."""
    failures = []
    for number in range(first, last):
        text, answer = case(number)
        why = verdict(text, answer, slow)
        if why:
            failures.append(Failure(number, text, why))
    return failures


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


def _work(arguments: tuple[int, int, float]) -> list[Failure]:
    return chunk(*arguments)


def _begin(folder: str) -> None:
    """In a worker: the folder to stand in, and a bound for its memory."""
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def judged(first: int, count: int, workers: int, slow: float = float("inf")) -> Iterator[list[Failure]]:
    """The failures of `count` cases, chunk by chunk, in the order of the cases."""
    work = [(i, min(i + CHUNK, first + count), slow) for i in range(first, first + count, CHUNK)]
    # spawned, not forked: a fork of a program with threads may hang
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        judge.world(Path(folder))
        with context.Pool(workers, _begin, (folder,)) as pool:
            yield from pool.imap(_work, work)


def _alike(why: str) -> str:
    """What two failures of one cause have in common."""
    return "took" if why.startswith("took") else why.partition(":")[0]


def _tell(failure: Failure) -> None:
    _, answer = case(failure.number)
    kind = _alike(failure.why)
    text = smallest(failure.text, lambda text: _alike(verdict(text, answer, SLOW)) == kind)
    print(f"case {failure.number}: {failure.why}\n  smallest, for judge.{answer.__name__}: {text!r}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    start, done, failures = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as folder:  # failures are tried again here
        judge.world(Path(folder))
        os.chdir(folder)
        for found in judged(arguments.first, arguments.count, arguments.workers, SLOW):
            done = min(done + CHUNK, arguments.count)
            for failure in found:
                failures += 1
                _tell(failure)
            if done % (40 * CHUNK) == 0 or done == arguments.count:
                rate = done / (time.monotonic() - start)
                print(f"{done:,} of {arguments.count:,} cases, {failures} failures, {rate:.0f} a second", flush=True)
        os.chdir(judge.ROOT)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
