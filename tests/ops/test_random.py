"""Random numbers by counter: known answers, layout of key and counter, distribution, the same bits in any shape."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from gpubp import ops
from gpubp.ir import Aval, Program, Var, evaluate, recording
from gpubp.ops import helpers

LOW = 0xFFFFFFFF

# Counter, key, result: `philox4x32 10` in the file kat_vectors of Random123 (Salmon, Moraes, Dror & Shaw, 2011).
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((LOW, LOW, LOW, LOW), (LOW, LOW), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def reference(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    """Philox4x32-10 in Python's whole numbers, after figure 2 of the paper."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(q >> 32) ^ c[1] ^ k[0], q & LOW, (p >> 32) ^ c[3] ^ k[1], p & LOW]
        k = [(k[0] + 0x9E3779B9) & LOW, (k[1] + 0xBB67AE85) & LOW]
    return tuple(c)


def philox(seed: int, step: int, stream: int, blocks: int) -> np.ndarray:
    return np.asarray(helpers.philox(np, np.array(seed), np.array(step), stream, 0, blocks))


def uniform(seed: int, step: int, stream: int, shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    """The primitive, as a program has it."""
    a, b = Var(Aval((), "int64")), Var(Aval((), "int64"))
    with recording() as eqns:
        y = ops.uniform(a, b, stream=stream, shape=shape, dtype=dtype)
    (value,) = evaluate(Program((a, b), tuple(eqns), (y,)), [np.array(seed), np.array(step)], np)
    assert (value.shape, value.dtype) == (shape, dtype)
    return np.asarray(value)


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_the_reference_gives_the_published_answers(
    counter: tuple[int, ...], key: tuple[int, ...], words: tuple[int, ...]
) -> None:
    assert reference(counter, key) == words


def test_the_published_answer_for_zeros() -> None:
    assert tuple(philox(0, 0, 0, 1)[0].tolist()) == KNOWN[0][2]


@given(
    seed=st.integers(0, 2**63 - 1), step=st.integers(0, 2**63 - 1), stream=st.integers(0, LOW), blocks=st.integers(1, 5)
)
def test_key_and_counter_stand_where_the_docs_say(seed: int, step: int, stream: int, blocks: int) -> None:
    """Key (seed's low 32 bits, stream), counter (block, seed's high 32 bits, step's low ones, its
    high ones)."""
    wanted = [reference((block, seed >> 32, step & LOW, step >> 32), (seed & LOW, stream)) for block in range(blocks)]
    assert [tuple(row) for row in philox(seed, step, stream, blocks).tolist()] == wanted


def test_words_become_numbers() -> None:
    """24 bits of a word, or 53 bits of two: the leading ones."""
    words = philox(5, 7, 3, 2).reshape(-1).tolist()
    assert uniform(5, 7, 3, (8,), "float32").tolist() == [(w >> 8) / 2**24 for w in words]
    pairs = [((a >> 5) * 2**26 + (b >> 6)) / 2**53 for a, b in zip(words[::2], words[1::2], strict=True)]
    assert uniform(5, 7, 3, (4,), "float64").tolist() == pairs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_is_uniform(dtype: str) -> None:
    n = 200_000
    u = uniform(1, 2, 3, (n,), dtype).astype("float64")
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 5 * np.sqrt(1 / 12 / n)
    assert abs(u.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / n)
    counts, _ = np.histogram(u, 100, (0, 1))
    # Chi squared of 99 degrees of freedom has the standard deviation sqrt(198).
    assert abs(((counts - n / 100) ** 2).sum() / (n / 100) - 99) < 5 * np.sqrt(198)
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 5 / np.sqrt(n)


def test_one_is_never_reached_in_either_type() -> None:
    assert np.float32((LOW >> 8) * 2.0**-24) < 1
    assert ((LOW >> 5) * 2**26 + (LOW >> 6)) * 2.0**-53 < 1


def test_seeds_steps_and_streams_are_independent() -> None:
    n = 20_000
    rows = [uniform(seed, step, stream, (n,)) for seed in (0, 1) for step in (0, 1, 2**32) for stream in (0, 1, 2)]
    assert len({row.tobytes() for row in rows}) == len(rows)
    off_diagonal = np.corrcoef(rows) - np.eye(len(rows))
    assert np.abs(off_diagonal).max() < 5 / np.sqrt(n)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_shape_only_lays_out_the_same_bits(dtype: str) -> None:
    line = uniform(9, 4, 1, (60,), dtype)
    for shape in [(3, 4, 5), (60, 1), (1, 60), (7,), (5, 5), (1,), ()]:
        found = uniform(9, 4, 1, shape, dtype)
        np.testing.assert_array_equal(found.reshape(-1), line[: found.size])
    assert uniform(9, 4, 1, (0, 3), dtype).size == 0


def test_normal_is_standard_normal() -> None:
    n = 200_000
    a, b = Var(Aval((), "int64")), Var(Aval((), "int64"))
    with recording() as eqns:
        y = ops.normal(a, b, stream=6, shape=(n,), dtype="float64")
    (z,) = evaluate(Program((a, b), tuple(eqns), (y,)), [np.array(3), np.array(5)], np)
    u, v = uniform(3, 5, 6, (n,)), uniform(3, 5, 7, (n,))
    np.testing.assert_allclose(z, np.sqrt(-2 * np.log1p(-u)) * np.cos(2 * np.pi * v), rtol=1e-12, atol=1e-14)
    for power, moment in [(1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0)]:
        variance = {1: 1, 2: 2, 3: 15, 4: 96}[power]
        assert abs((z**power).mean() - moment) < 5 * np.sqrt(variance / n)
