"""Which algorithm of cuBLASLt computes a large product: the fastest of the first that its heuristic names, by the GPU's
clock, chosen once for a GPU and a version of the library, and kept on disk, so that later runs take the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Protocol

from dsl.records import dataclass

from ..native import CacheError, KernelCache, NativeError, say_busy
from .device import Work

LARGE = 2**33
"""Multiplications from which on it pays to choose: some 300 us of float32 on an H100, 50 of TF32."""
MAX_ALGORITHMS = 8
"""Algorithms to choose from."""
ROUNDS = 5
"""How often each is timed, in turn, so that a clock that slows down slows all of them."""
LIMIT = 1000.0
"""Milliseconds that a choice takes, about, however slow a product is. No further algorithm is tried once those before
it take a quarter of this, for each runs twice; half of it is for the rounds, of which there is one at least."""
GAIN = 0.98
"""Another algorithm than the heuristic's first takes at most so much of its time: less is noise."""
SUFFIX = ".algorithm"


class Numbers(Protocol):
    """Memory of a GPU with numbers in it."""

    address: int


class Bench(Protocol):
    """A GPU on which products are timed, in memory that is nobody else's."""

    identity: str
    """The GPU, as far as times depend on it."""

    def numbers(self, dtype: str, count: int) -> Numbers:
        """So many numbers, the same each time, distributed as factors are. Raises MemoryError."""

    def times(self, works: Sequence[Work], rounds: int) -> list[list[float]]:
        """How long each takes, for so many rounds."""

    def same(self, first: Numbers, second: Numbers) -> bool:
        """Whether both have the same bits. Raises MemoryError."""

    def release(self) -> None:
        """Give the memory back that is not used any more."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The algorithms for a product, in the order of the heuristic. `identity`: all that they depend on beside the GPU;
    `sizes`: how many numbers the factors, the result and the bias have; `bind`: the product by each of them, of
    matrices at three addresses, and with the bias at a fourth."""

    identity: str
    dtype: str
    sizes: tuple[int, int, int, int]
    bind: Callable[[int, int, int, int], Sequence[Work]]


class Choices:
    """What is chosen by the times of `bench`, kept in `cache` and in `known`: what is there already is taken."""

    def __init__(self, cache: KernelCache, bench: Bench, known: dict[str, int]) -> None:
        self._cache, self._bench, self._known = cache, bench, known

    def index(self, candidates: Candidates) -> int:
        """Which algorithm to take. It is the first where there is no memory to time them, and where the choice cannot
        be kept, for then the next run might choose another."""
        key = f"{self._bench.identity}: {candidates.identity}"
        if key not in self._known:
            chosen = 0
            with suppress(CacheError, OSError, ValueError), self._cache.alone():
                chooser = _Chooser(candidates, self._bench)
                kept = self._cache.library(candidates.identity, chooser, SUFFIX)
                chosen = int(kept.read_text("ascii"))
            self._known[key] = chosen
        return self._known[key]


@dataclass(frozen=True, slots=True)
class _Chooser:
    """What the cache takes for a compiler: it makes a file that holds the number of an algorithm."""

    candidates: Candidates
    bench: Bench

    @property
    def identity(self) -> str:
        return self.bench.identity

    def compile(self, source: Path, target: Path) -> None:
        say_busy("choosing algorithms for large matrix products (once for this GPU) ...")
        try:
            chosen = _fastest(self.candidates, self.bench)
        except MemoryError:
            chosen = 0
        self.bench.release()
        target.write_text(f"{chosen}\n", "ascii")


def _fastest(candidates: Candidates, bench: Bench) -> int:
    """The number of the fastest algorithm that gives the same bits each time."""
    left, right, result, bias = candidates.sizes
    a, b, c, again, added = (bench.numbers(candidates.dtype, n) for n in (left, right, result, result, bias))
    works = candidates.bind(a.address, b.address, c.address, added.address)
    repeated = candidates.bind(a.address, b.address, again.address, added.address)
    tried = _tried(works, bench)
    if len(tried) < 2:
        return min(tried, default=0)
    turn, most = sum(tried.values()), LIMIT / 2
    rounds = bench.times([works[k] for k in tried], ROUNDS if ROUNDS * turn <= most else max(1, int(most / turn)))
    for k in _best_first(dict(zip(tried, map(median, rounds), strict=True))):
        works[k]()
        repeated[k]()
        if bench.same(c, again):
            return k
    return 0


def _tried(works: Sequence[Work], bench: Bench) -> dict[int, float]:
    """How long each algorithm takes that runs, of the first for which there is time. Its first call, which is not
    timed, loads it."""
    times: dict[int, float] = {}
    for k, work in enumerate(works):
        if sum(times.values()) >= LIMIT / 4:
            break
        if _runs(work):
            ((times[k],),) = bench.times([work], 1)
    return times


def _best_first(times: dict[int, float]) -> Iterator[int]:
    """Algorithms in the order in which they are preferred, each until the next one is asked for."""
    while times:
        first, fastest = min(times), min(times, key=lambda k: (times[k], k))
        chosen = fastest if times[fastest] <= GAIN * times[first] else first
        yield chosen
        del times[chosen]


def _runs(work: Work) -> bool:
    """Whether an algorithm takes its product, which it loads at its first call."""
    try:
        work()
    except NativeError:
        return False
    return True
