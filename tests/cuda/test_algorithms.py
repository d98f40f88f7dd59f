"""The algorithm of a large product: the fastest by a made-up clock, the same for all later runs."""

from __future__ import annotations

import fcntl
import os
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gpubp.backends.cuda import cublaslt
from gpubp.backends.cuda.algorithms import MAX_ALGORITHMS, Choices
from gpubp.backends.native import KernelCache
from gpubp.render import Gemm, Matrix

MATRIX = Matrix(None, 0, 4096, False, 0)
WORK = Gemm(8192, 4096, 4096, 1, "float32", MATRIX, MATRIX, MATRIX)
BIASED = Gemm(8192, 4096, 4096, 1, "float32", MATRIX, MATRIX, MATRIX, (None, 0), True)


class Gpu:
    """A library with as many algorithms as `clock` has times, in microseconds, on a GPU with that clock. `ran`: the
    numbers of those that ran; `timed`: how many runs the clock was asked about, each time."""

    def __init__(
        self, *clock: float, fails: Sequence[int] = (), unsteady: Sequence[int] = (), room: bool = True
    ) -> None:
        self.clock, self.fails, self.unsteady, self.room = clock, fails, unsteady, room
        self.ran: list[int] = []
        self.memory: set[int] = set()
        self.timed, self.version, self.identity = list[int](), 130100, "a GPU"
        self.asked: list[int] = []
        self.biases: list[int | None] = []
        self.counts: list[int] = []

    def __getitem__(self, name: str) -> Callable[..., int]:
        own = {
            "cublasLtGetVersion": lambda: self.version,
            "cublasLtMatmulAlgoGetHeuristic": self.heuristic,
            "cublasLtMatmul": self.matmul,
            "cublasLtMatmulDescSetAttribute": self.attribute,
        }
        return own.get(name, lambda *arguments: 0)

    __getattr__ = __getitem__

    def attribute(self, product: Any, number: int, value: Any, size: Any) -> int:
        if number == cublaslt._BIAS:
            self.biases.append(value._obj.value)
        return 0

    def heuristic(self, *arguments: Any) -> int:
        *_, most, answers, found = arguments
        self.asked.append(most)
        found._obj.value = min(most, len(self.clock))
        for k in range(found._obj.value):
            answers[k].algorithm.data[0] = k
        return 0

    def matmul(self, *arguments: Any) -> int:
        algorithm = arguments[12]._obj.data[0]
        if algorithm in self.fails:
            return 15
        self.ran.append(algorithm)
        self.memory |= {arguments[k].value for k in (3, 5, 10)}
        return 0

    def numbers(self, dtype: str, count: int) -> Any:
        if not self.room:
            raise MemoryError
        assert dtype == "float32"
        self.counts.append(count)
        return types.SimpleNamespace(address=1 << 40)

    def times(self, works: Sequence[Callable[[], None]], rounds: int) -> list[list[float]]:
        self.timed.append(len(works) * rounds)
        found = []
        for work in works:
            work()
            took = self.clock[self.ran[-1]] / 1000
            found.append([took] * (rounds - 1) + [1e9 if rounds > 2 else took])  # one that somebody disturbed
        return found

    def same(self, first: Any, second: Any) -> bool:
        return self.ran[-1] not in self.unsteady

    def release(self) -> None: ...


Made = Callable[..., int]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """The number of the algorithm by which a process of its own multiplies."""

    def run(
        gpu: Gpu,
        work: Gemm = WORK,
        at: tuple[int, int, int] = (256, 512, 1024),
        folder: str = "kernels",
        known: dict[str, int] | None = None,
    ) -> int:
        choices = Choices(KernelCache(tmp_path / folder), gpu, {} if known is None else known)
        memory = types.SimpleNamespace(address=0)
        library = cublaslt.CublasLt(gpu, 0, lambda: 0, lambda size: memory, choices)
        library.product(work, *at, None if work.bias is None else 4096)()
        assert gpu.memory <= {*at, 1 << 40}
        return gpu.ran[-1]

    return run


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "kernels").rglob("*.algorithm"))


@pytest.mark.parametrize(
    ("clock", "wanted"),
    [
        ((814, 842, 741, 880), 2),
        ((100, 100, 100), 0),
        ((100, 98.5, 99), 0),  # too little to be more than noise
        ((100, 98, 97.9), 2),
        ((100, 90, 90), 1),
        ((5,), 0),
    ],
)
def test_the_fastest_is_taken(made: Made, clock: Sequence[float], wanted: int) -> None:
    gpu = Gpu(*clock)
    assert made(gpu) == wanted
    assert gpu.asked == [MAX_ALGORITHMS]


@pytest.mark.parametrize(
    ("clock", "wanted", "timed"),
    [
        ((10_000,) * 9, 0, [*[1] * 8, 8 * 5]),
        ((25_000, 25_000, 20_000, 25_000), 2, [*[1] * 4, 4 * 5]),
        ((50_000, 50_000, 40_000, 50_000), 2, [*[1] * 4, 4 * 2]),
        ((100_000, 90_000, 80_000, 50_000), 2, [1, 1, 1, 3 * 1]),
        ((100_000, 200_000, 50_000), 0, [1, 1, 2 * 1]),
        ((250_000, 50_000), 0, [1]),
    ],
)
def test_to_choose_takes_no_long_time(
    made: Made, tmp_path: Path, clock: Sequence[float], wanted: int, timed: Sequence[int]
) -> None:
    """Of slow products fewer algorithms are tried, and less often; what is taken is kept all the same."""
    gpu = Gpu(*clock)
    assert made(gpu) == wanted
    assert gpu.timed == timed
    assert sum(clock[k] for k in gpu.ran) <= 1_400_000
    assert len(kept(tmp_path)) == 1


def test_what_takes_long_is_told(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gpubp")
    made(Gpu(9, 1))
    made(Gpu(9, 1))
    assert caplog.messages == ["choosing algorithms for large matrix products (once for this GPU) ..."]


def test_small_products_are_the_first_of_the_heuristic(made: Made, tmp_path: Path) -> None:
    small = Gemm(64, 64, 64, 1, "float32", MATRIX, MATRIX, MATRIX)
    gpu = Gpu(9, 1)
    assert made(gpu, small) == 0
    assert gpu.asked == [1]
    assert not gpu.timed
    assert not kept(tmp_path)


def test_later_processes_take_the_same(made: Made, tmp_path: Path) -> None:
    assert made(Gpu(9, 8, 1)) == 2
    slower_now = Gpu(1, 9, 9)
    assert made(slower_now) == 2
    assert not slower_now.timed
    (file,) = kept(tmp_path)
    assert file.read_text() == "2\n"


def test_where_its_matrices_lie_does_not_matter(made: Made) -> None:
    """As long as they begin at multiples of 16 bytes."""
    assert made(Gpu(9, 1), at=(256, 512, 1024)) == 1
    assert made(Gpu(1, 9), at=(16, 1 << 20, 48)) == 1
    assert made(Gpu(1, 9), at=(4, 512, 1024)) == 0


def test_what_a_choice_is_for(made: Made) -> None:
    """Another product, GPU, or version of the library has one of its own."""
    assert made(Gpu(9, 1)) == 1
    for change in ({"version": 130200}, {"identity": "another GPU"}):
        gpu = Gpu(1, 9)
        gpu.__dict__.update(change)
        assert made(gpu) == 0
    assert made(Gpu(1, 9), BIASED) == 0
    assert made(Gpu(9, 9, 1)) == 2, "of more candidates"
    assert made(Gpu(1, 9)) == 1


@pytest.mark.parametrize(("work", "bias"), [(WORK, 0), (BIASED, 4096)])
def test_they_are_tried_on_as_many_numbers(made: Made, work: Gemm, bias: int) -> None:
    """Matrices in the library's order; the result twice."""
    gpu = Gpu(100, 90)
    made(gpu, work)
    assert gpu.counts == [4096 * 4096, 8192 * 4096, 8192 * 4096, 8192 * 4096, bias]


def test_a_bias_is_in_memory_of_its_own_too(made: Made) -> None:
    gpu = Gpu(1, 9)
    made(gpu, BIASED)
    assert gpu.biases == [4096, 1 << 40, 1 << 40], "asked for, tried, and tried again"


def test_what_is_known_already_is_taken(made: Made) -> None:
    """As by a resume on a machine that has chosen otherwise; not for another GPU."""
    known: dict[str, int] = {}
    assert made(Gpu(9, 1), folder="there", known=known) == 1
    assert list(known.values()) == [1]
    assert made(Gpu(1, 9)) == 0
    assert made(Gpu(1, 9), known=known) == 1
    another = Gpu(1, 9)
    another.identity = "another GPU"
    assert made(another, known=known) == 0
    assert list(known.values()) == [1, 0]


@pytest.mark.parametrize("content", [b"", b"1\n", b"\xff\xff", b"0" * 5000])
def test_a_damaged_file_is_written_anew(made: Made, tmp_path: Path, content: bytes) -> None:
    made(Gpu(9, 8, 1))
    (file,) = kept(tmp_path)
    file.write_bytes(content)
    assert made(Gpu(9, 1, 2)) == 1
    (file,) = kept(tmp_path)
    assert file.read_text() == "1\n"


def test_one_that_gives_other_bits_is_dropped(made: Made) -> None:
    assert made(Gpu(9, 5, 1), folder="a") == 2
    assert made(Gpu(9, 5, 1, unsteady=[2]), folder="b") == 1
    assert made(Gpu(9, 5, 1, unsteady=[1, 2]), folder="c") == 0
    assert made(Gpu(9, 9.5, 9.4, unsteady=[0]), folder="d") == 1, "the first of those that are left"
    assert made(Gpu(9, 5, unsteady=[0, 1]), folder="e") == 0


def test_one_that_does_not_run_is_dropped(made: Made) -> None:
    assert made(Gpu(9, 5, 1, fails=[2])) == 1
    assert made(Gpu(9, 1, fails=[0]), BIASED) == 1


def test_without_memory_it_is_the_first(made: Made) -> None:
    """For good: a later run does not compute other bits."""
    full = Gpu(9, 1, room=False)
    assert made(full) == 0
    assert not full.timed
    assert made(Gpu(9, 1)) == 0


def test_an_interrupted_choice_is_none(made: Made) -> None:
    """Ctrl-C while they are timed: the next product chooses anew."""

    class Interrupted(Gpu):
        def times(self, works: Sequence[Callable[[], None]], rounds: int) -> list[list[float]]:
            raise KeyboardInterrupt

    known: dict[str, int] = {}
    with pytest.raises(KeyboardInterrupt):
        made(Interrupted(9, 1), known=known)
    assert not known
    assert made(Gpu(9, 1), known=known) == 1


def test_a_choice_that_cannot_be_kept_is_none(made: Made, tmp_path: Path) -> None:
    (tmp_path / "kernels").touch()
    assert made(Gpu(9, 1)) == 0


def test_only_one_process_chooses_at_a_time(made: Made, tmp_path: Path) -> None:
    """Others wait for it, and read what it wrote."""

    class Watched(Gpu):
        def times(self, works: Sequence[Callable[[], None]], rounds: int) -> list[list[float]]:
            folder = os.open(tmp_path / "kernels", os.O_RDONLY)
            with pytest.raises(BlockingIOError):
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(folder)
            return super().times(works, rounds)

    gpu = Watched(9, 1)
    assert made(gpu) == 1
    assert gpu.timed
    folder = os.open(tmp_path / "kernels", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(folder)
