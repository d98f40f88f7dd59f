"""What NVRTC makes of CUDA text, run from PTX."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .kernels import OURS, Fault, Kernels, compiled, needs_gcc
from .make_ptx import FOLDER

pytestmark = needs_gcc
both_orders = pytest.mark.parametrize("order", [0, 1])
INT = ctypes.c_int


@cache
def snippet(name: str) -> Kernels:
    return Kernels((FOLDER / f"{name}.ptx").read_text("utf-8"))


def ints(count: int, value: int = -9) -> np.ndarray[Any, Any]:
    return np.full(count, value, np.int32)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.cu")), ids=lambda p: p.stem)
def test_the_fixtures_are_what_nvrtc_makes(path: Path) -> None:
    made = compiled(path.read_text("utf-8"), *OURS)
    kept = path.with_suffix(".ptx").read_text("utf-8")
    if made[: made.index(".version")] != kept[: kept.index(".version")]:
        pytest.skip("another release of NVRTC")
    assert made == kept, "run python -m tests.emulator.make_ptx"


# Threads -------------------------------------------------------------------------------------------------------------
@both_orders
def test_shuffles(order: int) -> None:
    x, out, t = np.arange(32, dtype=np.int32) ** 2, ints(288), np.arange(32)
    snippet("threads")("shuffles", 1, 32, [out, x], order=order)
    half = np.where(t < 16, t ^ 8, t ^ 1)
    lanes = [0 * t + 5, t // 8 * 8 + (t % 8 + 3) % 8, np.where(t < 3, t, t - 3), np.where(t % 16 < 2, t, t - 2)]
    lanes += [np.where(t > 24, t, t + 7), np.where(t % 4 == 3, t, t + 1), t ^ 21, t ^ 2, half]
    np.testing.assert_array_equal(out.reshape(9, 32), [x[lane] for lane in lanes])


@both_orders
def test_votes(order: int) -> None:
    x, out = np.random.default_rng(0).integers(0, 7, 32).astype(np.int32), np.zeros(320, np.uint32)
    snippet("threads")("votes", 1, 32, [out, x], order=order)
    bits = 1 << np.arange(32, dtype=np.uint64)
    holds = (bits * (x > 2)).sum()
    same = [(bits * (x == one)).sum() for one in x]
    low = (x - 3).astype(np.uint32).min()
    wanted = [holds, 3, same, 0, 0xFFFFFFFF - 1, x.sum(), x.max() - 3, low, np.bitwise_xor.reduce(x)]
    wanted.append(np.where(x > 3, (bits * (x > 3)).sum(), 0))
    np.testing.assert_array_equal(out.reshape(10, 32), [np.broadcast_to(w, 32) for w in wanted])


@both_orders
@pytest.mark.parametrize("name", ["own", "block", "warp", "pairs", "named", "reduced"])
def test_waits_order_what_threads_do(name: str, order: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATED_GPU_RACES", "1")
    for _ in range(2):  # a launch comes behind the one before it
        snippet("races")(name, 3, 64, [ints(64)], order=order)


@both_orders
@pytest.mark.parametrize(
    "name", ["nothing", "shuffle", "vote", "other_warp", "other_pair", "own_warp", "same_value", "written_again"]
)
def test_races(name: str, order: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shuffles and votes order nothing, and to write the same number is a race, too."""
    snippet("races")(name, 1, 64, [ints(64)], order=order)
    monkeypatch.setenv("EMULATED_GPU_RACES", "1")
    told = rf"^719: {name}, block \(0, 0, 0\), thread .*line \d+: a race: thread \d+ (wrote|read), in line \d+, byte"
    with pytest.raises(Fault, match=told):
        snippet("races")(name, 1, 64, [ints(64)], order=order)


@both_orders
def test_barriers(order: int) -> None:
    x, out = np.random.default_rng(0).integers(0, 7, 128).astype(np.int32), ints(512)
    snippet("threads")("barriers", 1, 128, [out, x], order=order)
    np.testing.assert_array_equal(out[:384].reshape(3, 128).T, [[(x > 2).sum(), 1, 1]] * 128)
    np.testing.assert_array_equal(out[384:], [*x[63::-1], *x[:64]])


@both_orders
@pytest.mark.parametrize("block", [1, 2, 32, 64, 256, 1024])
def test_a_sum_in_dynamic_shared_memory(block: int, order: int) -> None:
    x, out = np.random.default_rng(0).integers(0, 99, 5000).astype(np.float32), np.zeros(3, np.float32)
    snippet("threads")("total", 3, block, [out, x, INT(5000)], block * 4, order)
    np.testing.assert_array_equal(out, x.sum())
    with pytest.raises(
        Fault, match=r"^700: total, block \(\d, 0, 0\), thread .* outside of the .* bytes of shared memory"
    ):
        snippet("threads")("total", 3, block, [out, x, INT(5000)], block * 4 - 4, order)


@both_orders
def test_where_a_thread_is(order: int) -> None:
    out = ints(2 * 3 * 2 * 60)
    snippet("threads")("where", (2, 3, 2), (5, 4, 3), [out], order=order)
    block, thread = np.divmod(np.arange(720), 60)
    np.testing.assert_array_equal(out, block * 10000 + thread * 10 + 1)


@both_orders
def test_a_thread_may_wait_for_another_by_memory(order: int) -> None:
    flag, out = ints(2, 0), ints(2)
    snippet("threads")("turns", 1, 64, [flag, out], order=order)
    assert out.tolist() == [1, 2]


# Memory --------------------------------------------------------------------------------------------------------------
def test_variables_of_a_module() -> None:
    made = snippet("memory")
    counter = ctypes.c_int.in_dll(made.library, "counter")
    assert ctypes.c_ulong.in_dll(made.library, "emulated_size_sums").value == 24
    counter.value, (ctypes.c_int64 * 3).in_dll(made.library, "sums")[1] = 7, 0
    out, count = np.zeros(6, np.float32), ints(6)
    made("variables", 1, 6, [out, count])
    np.testing.assert_array_equal(out, [1.5, -2, 4, 0.25, 1.5, -2])
    assert sorted(count) == [9, 11, 13, 15, 17, 19]
    assert (ctypes.c_int64 * 3).in_dll(made.library, "sums")[1] == 6 << 33


def test_structs_by_value_and_by_address() -> None:
    wide, out = np.arange(32, dtype=np.float32), np.zeros(64, np.float32)
    wide = aligned_copy(wide)
    out = aligned_copy(out)
    snippet("memory")("structs", 1, 8, [out, np.float32([5, 6, 7, 8]).tobytes(), wide, INT(1)])
    np.testing.assert_array_equal(out[:8], wide[2::4] + [6, 7, 8, 5] * 2)
    np.testing.assert_array_equal(out[32:], wide)


def aligned_copy(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    room = np.zeros(array.nbytes + 16, np.uint8)
    start = -room.ctypes.data % 16
    found = room[start : start + array.nbytes].view(array.dtype)
    found[...] = array
    return found


def test_local_memory() -> None:
    out, n, k = ints(9), 3, 21
    snippet("memory")("locals", 1, 9, [out, INT(n), INT(k)])
    for t in range(9):
        at = [i * n + t for i in range(16)]
        for i in range(k):
            at[(i * 7 + n) % 16] += at[i * 3 % 16]
        assert out[t] == at[k % 16]


def test_generic_addresses() -> None:
    x, out = np.arange(32, dtype=np.int32) * 11, ints(64)
    snippet("memory")("spaces", 1, 32, [out, x, INT(100)])
    t = np.arange(32)
    np.testing.assert_array_equal(out[:32], np.choose(t % 3, [x[t % 4], x[t % 4] * 2, 100 + t % 4]))
    np.testing.assert_array_equal(out[32:], np.choose(t % 3, [2, 1, 4]))


@both_orders
def test_atomics(order: int) -> None:
    u, s, f, d, q = np.full(112, 100, np.uint32), ints(3), np.zeros(33, np.float32), np.zeros(1), np.zeros(1, np.uint64)
    u[[1, 6, 7, 72]] = 0, 5, 7, 4
    snippet("memory")("atomics", 1, 32, [u, s, f, d, q], order=order)
    t = np.arange(32)
    assert u[:6].tolist() == [100 + t.sum(), 31, 3, 255, 0, 100 ^ np.bitwise_xor.reduce(t)]
    counted, down = 5, 7
    for _ in t:
        counted, down = (0 if counted >= 9 else counted + 1), (9 if down == 0 or down > 9 else down - 1)
    assert u[6:8].tolist() == [counted, down]
    assert u[72] == (32 if order == 0 else 5)
    assert sorted([*u[80:112], u[73]]) == sorted([*t, 100])
    assert s.tolist() == [-9, 26, 96]
    assert sorted(f[1:]) == [k / 2 for k in range(32)]
    assert (f[0], d[0], q[0]) == (16, 8, 32 << 40)


def test_bytes_and_words() -> None:
    x, y, out = np.arange(-16, 16, dtype=np.int8), np.arange(32, dtype=np.uint16) * 2000, np.zeros(512, np.uint8)
    snippet("memory")("bytes", 1, 32, [out, x, y])
    np.testing.assert_array_equal(out[:32], (x.astype(int) * 3 + y) % 256)
    np.testing.assert_array_equal(out[64:192].reshape(32, 4), np.arange(32)[:, None] + np.arange(4))
    np.testing.assert_array_equal(out[256:384].view(np.int16).reshape(32, 2), np.stack([x, y.view(np.int16)], 1))


def test_copies_to_shared_memory() -> None:
    x, out = aligned_copy(np.arange(64, dtype=np.int32)), ints(16)
    snippet("memory")("copies", 1, 16, [out, x])
    np.testing.assert_array_equal(out, x[63:47:-1])


# Calls ---------------------------------------------------------------------------------------------------------------
def test_functions() -> None:
    out, x, floats = ints(3), np.arange(5) * 1.5, np.zeros(5)
    snippet("calls")("called", 1, 3, [out, INT(84), INT(36)])
    assert out.tolist() == [120, 84 * 36, 12]
    snippet("calls")("returned", 1, 5, [floats, x])
    np.testing.assert_array_equal(floats, 2 * x + np.arange(5) + 1 + np.arange(5) / 2)


def test_a_branch_by_an_index() -> None:
    out = np.arange(18, dtype=np.int32) * 10
    snippet("calls")("chosen", 1, 8, [out, np.arange(8, dtype=np.int32)])
    assert out[8:16].tolist() == [3, 50, 6, 23, 7, 200, 60 ^ 99, -1]


def test_text(capfd: pytest.CaptureFixture[str]) -> None:
    snippet("calls")("said", 1, 3, [INT(7), ctypes.c_double(2.5)])
    assert capfd.readouterr().out == "7 of it is 2.500, 10000000000%\n"


def test_an_exit() -> None:
    out = ints(3)
    snippet("calls")("stopped", 1, 3, [out])
    assert out.tolist() == [1, 1, -9]
