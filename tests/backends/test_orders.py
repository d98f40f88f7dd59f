"""The orders of epochs, compiled: the permutations of numpy, bit for bit; and who makes them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from platformdirs import user_cache_path

from gpubp.backends import orders
from gpubp.backends.native import Compiler, KernelCache, NativeBackend, backend
from gpubp.backends.native.orders import LibraryOrders
from gpubp.backends.numpy import NumpyBackend
from gpubp.backends.orders import ENOUGH, MAX_ROWS, Shuffles, numpy_orders, numpy_seconds
from gpubp.ops import c_orders
from gpubp.seeds import Purpose, generator, shuffled
from tests.render.compiled import COMPILER, needs_compiler

from .test_native import fake

LARGEST = (1 << 64) - 1
NO_WIDE_PRODUCT = "-U__SIZEOF_INT128__"
numbers = st.integers(0, LARGEST) | st.integers(0, 9) | st.integers(LARGEST - 9, LARGEST)


@cache
def compiled(text: str = "", *options: str) -> LibraryOrders:
    assert COMPILER is not None
    cache_folder: Path = user_cache_path("gpubp") / "kernels"
    return LibraryOrders(KernelCache(cache_folder).library(text or c_orders(), Compiler(COMPILER.command, options)))


# What they are -------------------------------------------------------------------------------------------------------
@given(n=st.integers(0, 40), seed=st.integers(0, 9), epoch=st.integers(0, 9), epochs=st.integers(1, 4))
def test_of_several_seeds_by_numpy(n: int, seed: int, epoch: int, epochs: int) -> None:
    seeds = (seed, 3, seed)
    expected = [shuffled(n, each, epoch, epochs).tolist() for each in seeds]
    assert numpy_orders(n, seeds, epoch, epochs).tolist() == expected
    assert numpy_orders(n, (seed,), epoch, epochs).tolist() == expected[:1]
    assert NumpyBackend().orders(n, seeds, epoch, epochs).tolist() == expected


@needs_compiler
@pytest.mark.parametrize("options", [(), (NO_WIDE_PRODUCT,)], ids=["wide", "narrow"])
@given(
    n=st.integers(0, 40) | st.integers(0, 5000),
    seeds=st.lists(numbers, min_size=1, max_size=4),
    epoch=st.integers(0, LARGEST - 3) | st.integers(0, 1 << 34),
    epochs=st.integers(1, 3),
)
def test_those_of_numpy(options: tuple[str, ...], n: int, seeds: list[int], epoch: int, epochs: int) -> None:
    found = compiled("", *options)(n, seeds, epoch, epochs)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, [shuffled(n, seed, epoch, epochs) for seed in seeds])


@needs_compiler
@pytest.mark.parametrize("n", [*range(34), 127, 128, 129, 255, 256, 257, 65535, 65536, 65537, 1_000_003])
def test_of_each_number_of_rows(n: int) -> None:
    for epoch in (0, 1 << 32):
        np.testing.assert_array_equal(compiled()(n, [5], epoch, 1)[0], shuffled(n, 5, epoch))


@needs_compiler
def test_words_that_are_left_out() -> None:
    """Of three rows with seed 4: the first word ends in 3, which is no row; then in 0, and the last row is exchanged
    with the first; then in 0, and so is the second."""
    raw = generator(4, Purpose.SHUFFLE).bit_generator.random_raw(2).tolist()
    assert [word >> half & 3 for word in raw for half in (0, 32)] == [3, 0, 0, 2]
    assert compiled()(3, [4], 0, 1).tolist() == [[1, 2, 0]] == [shuffled(3, 4, 0).tolist()]


@needs_compiler
def test_the_bits_of_the_last_row() -> None:
    """Also of more rows than fit into memory."""
    text = c_orders() + "uint32_t bits(uint32_t last) { return bits_of(last); }\n"
    assert COMPILER is not None
    library = ctypes.CDLL(str(KernelCache(user_cache_path("gpubp") / "kernels").library(text, COMPILER)))
    library.bits.restype = ctypes.c_uint32
    for last in {(1 << k) + more for k in range(33) for more in (-1, 0, 1)}:
        if last < 1 << 32:
            assert library.bits(ctypes.c_uint32(last)) == (1 << last.bit_length()) - 1


@needs_compiler
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("words[0] = (uint32_t)c0, words[1] = (uint32_t)(c0 >> 32)", "words[1] = c0, words[0] = c0 >> 32"),
        ("block = 1; last", "block = 0; last"),
        ("i < 10", "i < 9"),
        ("k1 = 3", "k1 = 4"),
        ("k0 += 0x9E3779B97F4A7C15u", "k0 += 0x9E3779B97F4A7C13u"),
        ("c1 = 0, c2 = 0, c3 = epoch", "c1 = epoch, c2 = 0, c3 = 0"),
        ("word <= last", "word < last"),
        ("bits >>= last <= bits >> 1;", ""),
        ("last <= bits >> 1", "last < bits >> 1"),
        ("epoch + (uint64_t)i", "epoch"),
        ("seeds[k]", "seeds[0]"),
    ],
)
def test_planted_faults_show(old: str, new: str) -> None:
    text = c_orders()
    assert text.count(old) == 1
    found, expected = (make(100, (3, 4), 5, 3) for make in (compiled(text.replace(old, new), "-O0"), numpy_orders))
    assert found.tolist() != expected.tolist()


@needs_compiler
def test_a_carry_between_the_halves_of_a_product_shows() -> None:
    text = c_orders()
    for old, new in [("(right >> 32) + (middle >> 32)", "(right >> 32)"), (" + (uint32_t)right", "")]:
        assert text.count(old) == 1
        made = compiled(text.replace(old, new), "-O0", NO_WIDE_PRODUCT)
        assert made(100, (3, 4), 5, 3).tolist() != numpy_orders(100, (3, 4), 5, 3).tolist()


@needs_compiler
def test_several_threads_at_once() -> None:
    make, seeds = compiled(), range(32)
    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(lambda seed: make(1000, (seed, seed + 1), seed, 3), seeds)]
    for seed, each in zip(seeds, found, strict=True):
        np.testing.assert_array_equal(each, numpy_orders(1000, (seed, seed + 1), seed, 3))


# Who makes them ------------------------------------------------------------------------------------------------------
def other(n: int, seeds: Sequence[int], epoch: int, epochs: int) -> str:
    return "compiled"


def maker(found: Callable[..., object] | None) -> tuple[list[str], Callable[[], Callable[..., object] | None]]:
    asked: list[str] = []

    def make() -> Callable[..., object] | None:
        asked.append("make")
        return found

    return asked, make


def test_numpy_until_it_took_long_enough() -> None:
    asked, make = maker(other)
    shuffles, count = Shuffles(make), 0
    while shuffles.chosen(128, 16) is numpy_orders:
        count += 1
    assert asked == ["make"]
    assert count == int(ENOUGH / numpy_seconds(128, 16))
    assert shuffles.chosen(2, 1) is other
    assert asked == ["make"], "once"


def test_at_once_where_there_is_much_to_do() -> None:
    assert Shuffles(maker(other)[1]).chosen(128, 1 << 16) is other
    assert Shuffles(maker(other)[1], 0.0).chosen(1, 1) is other


def test_another_thread_may_make_it_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(n: int, count: int) -> float:
        asked.append(n)
        if len(asked) == 1:
            assert shuffles.chosen(n, count) is other  # as in the other thread
        return 1.0

    asked: list[int] = []
    monkeypatch.setattr(orders, "numpy_seconds", interrupted)
    shuffles = Shuffles(maker(other)[1])
    assert shuffles.chosen(9, 9) is other
    assert asked == [9, 9]


def test_numpy_for_ever_where_nothing_can_be_compiled() -> None:
    asked, make = maker(None)
    shuffles = Shuffles(make, 0.0)
    assert [shuffles.chosen(9, 9) for _ in range(3)] == [numpy_orders] * 3
    assert asked == ["make"], "it is tried once"


def test_numpy_for_more_rows_than_words_have_bits_for() -> None:
    asked, make = maker(other)
    shuffles = Shuffles(make, 0.0)
    assert shuffles.chosen(MAX_ROWS + 1, 1) is numpy_orders
    assert asked == []
    assert shuffles.chosen(MAX_ROWS, 1) is other


@needs_compiler
def test_a_small_training_does_not_wait_for_the_compiler(tmp_path: Path) -> None:
    assert COMPILER is not None
    used = NativeBackend(COMPILER, folder=tmp_path / "kernels")
    for epoch in range(0, 320, 16):  # which take NumPy two milliseconds
        np.testing.assert_array_equal(used.orders(120, (3,), epoch, 16)[0], shuffled(120, 3, epoch, 16))
    assert not used.cache.folder.exists()
    used.orders(120, range(132), 0, 248)
    assert used.cache.folder.exists()
    np.testing.assert_array_equal(used.orders(120, (3,), 5, 16)[0], shuffled(120, 3, 5, 16))


@needs_compiler
def test_a_compiler_that_fails_leaves_kernels_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backend, "_said", set())
    used = NativeBackend(fake(tmp_path, "exit 1"), forced=True, folder=tmp_path / "kernels")
    for _ in range(2):
        assert used.orders(9, (3, 4), 1, 2).tolist() == numpy_orders(9, (3, 4), 1, 2).tolist()
    assert used.compiles
    assert len([text for text in caplog.messages if text.startswith("NumPy shuffles the rows: ")]) == 1


def test_where_nothing_is_compiled_any_more_numpy_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "numpy_seconds", lambda n, count: 1.0)
    used = NativeBackend(fake(tmp_path, "exit 1"), folder=tmp_path / "kernels")
    used.compiles = False
    assert used.orders(9, (3,), 1, 2).tolist() == numpy_orders(9, (3,), 1, 2).tolist()
    assert not used.cache.folder.exists()
