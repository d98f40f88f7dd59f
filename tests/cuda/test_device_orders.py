"""The orders of epochs, made by a kernel: numpy's permutations, bit for bit; and when it makes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpubp
from gpubp.backends import orders, select
from gpubp.backends.cuda import orders as device_orders
from gpubp.backends.cuda.orders import FEWEST, WARP, WORDS, pays
from gpubp.backends.orders import numpy_orders
from gpubp.executor import Ensemble
from gpubp.ops import cuda_orders
from gpubp.render import Launch
from tests.executor.nets import DROPOUT, PLAIN, contents, rows
from tests.gpu.test_compiled import rows_of

from . import double
from .conftest import Use
from .double import HostDevice
from .host import Array, HostModule, RacingModule, needs_host
from .test_nets import LIBRARY

pytestmark = needs_host
LARGEST = (1 << 64) - 1
numbers = st.integers(0, LARGEST) | st.integers(0, 9)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy has taken long enough."""
    monkeypatch.setattr(orders, "numpy_seconds", lambda n, count: 1.0)


def by_kernel(
    n: int, seeds: Sequence[int], epoch: int, epochs: int, module: HostModule | None = None, order: int = 0
) -> Array:
    """Bytes behind the orders must stay as they are."""
    module = module or HostModule(cuda_orders(), b"", order)
    size = len(seeds) * epochs * n
    out, control = np.full(size + 64, -1), np.array([n, epoch, epochs, *seeds], np.uint64)
    work = Launch("orders", len(seeds) * epochs, WARP, dynamic_shared=4 * (WORDS + n))
    module.launch(work, np.zeros(1), [out], control.view(np.uint8))
    assert (out[size:] == -1).all()
    return out[:size].reshape(len(seeds), epochs * n)


# The kernel ----------------------------------------------------------------------------------------------------------
@settings(max_examples=30)
@given(
    n=st.integers(1, 40) | st.integers(1, 2000),
    seeds=st.lists(numbers, min_size=1, max_size=3),
    epoch=st.integers(0, LARGEST - 3) | st.integers(0, 1 << 34),
    epochs=st.integers(1, 3),
    order=st.integers(0, 1),
)
def test_those_of_numpy(n: int, seeds: list[int], epoch: int, epochs: int, order: int) -> None:
    found = by_kernel(n, seeds, epoch, epochs, order=order)
    np.testing.assert_array_equal(found, numpy_orders(n, seeds, epoch, epochs))


@pytest.mark.parametrize("n", [1, 2, 3, 31, 32, 33, 127, 128, 129, 255, 256, 257, 4096, 4097, 12032])
def test_of_each_number_of_rows(n: int) -> None:
    np.testing.assert_array_equal(by_kernel(n, (5,), 1 << 32, 1), numpy_orders(n, (5,), 1 << 32, 1))


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("n", [1, 5, 300])
def test_there_are_no_races(n: int, order: int) -> None:
    found = by_kernel(n, (3, 4), 7, 2, RacingModule(cuda_orders(), b"", order))
    np.testing.assert_array_equal(found, numpy_orders(n, (3, 4), 7, 2))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_missing_wait_is_a_race(number: int) -> None:
    parts = cuda_orders().split("    __syncwarp(~0u);\n")
    assert len(parts) == 4
    text = "    __syncwarp(~0u);\n".join([*parts[:number], parts[number] + parts[number + 1], *parts[number + 2 :]])
    with pytest.raises(AssertionError, match="a race: thread"):
        by_kernel(600, (3,), 7, 1, RacingModule(text, b""))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("block = 1 + thread", "block = thread"),
        ("block += 32", "block += 31"),
        ("next = words[k];", "next = words[k - 1];"),
        ("k <= 256", "k < 256"),
        ("given[1] + blockIdx.x % given[2]", "given[1] + blockIdx.x"),
        ("3 + blockIdx.x / given[2]", "3 + blockIdx.x % 2"),
        ("word <= last", "word < last"),
    ],
)
def test_planted_faults_show(old: str, new: str) -> None:
    assert cuda_orders().count(old) == 1
    found = by_kernel(300, (3, 4), 7, 3, HostModule(cuda_orders().replace(old, new), b""))
    assert found.tolist() != numpy_orders(300, (3, 4), 7, 3).tolist()


# When it is used -----------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("soon")
def test_the_backend_launches_it(use: Use) -> None:
    device = use()
    backend = select("gpu")
    for n, seeds, epoch, epochs in [(9, (3, 4, 3), 5, 2), (40, (1,), 0, 16), (12000, (LARGEST, 0), 1 << 40, 2)]:
        device.log.clear()
        found = backend.orders(n, seeds, epoch, epochs)
        assert device.log[-3:] == ["memory", "write", "orders"]
        assert found.dtype == np.int64
        np.testing.assert_array_equal(backend.to_host(found), numpy_orders(n, seeds, epoch, epochs))
        assert device.asked["orders"] == 4 * (WORDS + n)


def test_not_before_numpy_took_long_enough(use: Use) -> None:
    device = use()
    backend = select("gpu")
    for epoch in range(0, 320, 16):
        found = backend.to_host(backend.orders(120, (3,), epoch, 16))
        np.testing.assert_array_equal(found, numpy_orders(120, (3,), epoch, 16))
    assert "module" not in device.log
    found = backend.to_host(backend.orders(2, range(132), 0, 300))
    assert device.log.count("module") == 1
    np.testing.assert_array_equal(found, numpy_orders(2, range(132), 0, 300))


@pytest.mark.usefixtures("soon")
def test_what_takes_the_host_less_time_is_made_there(use: Use) -> None:
    device = use()
    most = device.room // 4 - WORDS
    assert [pays(device, n, FEWEST) for n in (1, most, most + 1)] == [True, True, False]
    assert not pays(device, 1, FEWEST - 1)
    backend = select("gpu")
    for n, seeds, epochs in [(9, (3,), FEWEST - 1), (most + 1, (3, 4), 2)]:
        found = backend.to_host(backend.orders(n, seeds, 5, epochs))
        np.testing.assert_array_equal(found, numpy_orders(n, seeds, 5, epochs))
    assert "orders" not in device.log


@pytest.mark.usefixtures("soon")
def test_a_kernel_that_cannot_be_compiled(
    use: Use, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(device_orders, "cuda_orders", lambda: "nonsense")
    use()
    backend = select("gpu")
    for _ in range(2):
        found = backend.to_host(backend.orders(9, (3, 4), 1, 2))
        np.testing.assert_array_equal(found, numpy_orders(9, (3, 4), 1, 2))
    assert backend.compiles, "kernels of nets are another matter"
    assert len([text for text in caplog.messages if text.startswith("NumPy shuffles the rows: ")]) == 1


@pytest.mark.usefixtures("soon")
def test_cupy_alone_takes_those_of_numpy(use: Use) -> None:
    device = use()
    backend = select("gpu", "cupy")
    np.testing.assert_array_equal(backend.to_host(backend.orders(9, (3, 4), 1, 8)), numpy_orders(9, (3, 4), 1, 8))
    assert device.log == []


@pytest.mark.parametrize("batch", [5, 7])
@pytest.mark.parametrize(
    ("text", "way"),
    [(PLAIN, "train_block"), (DROPOUT, "train_block"), (LIBRARY.replace("shuffle = false", ""), "replay")],
    ids=["plain", "dropout", "graphs"],
)
def test_trainings_are_the_same(text: str, way: str, batch: int, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """One net and several."""
    net, found = gpubp.loads(text), []
    data = rows_of(net, 20)
    for seconds in (1.0, 0.0):
        monkeypatch.setattr(orders, "numpy_seconds", lambda n, count, seconds=seconds: seconds)
        device = use()
        ex, together = gpubp.Executor(net, "gpu", seed=3), Ensemble(net, 3, "gpu", seed=3)
        losses = [together.run_steps(together.place(data), 9, batch)[0].get() for _ in range(2)]
        single = [ex.run_steps(ex.place(data), 9, batch)[0].get() for _ in range(2)]
        assert (device.log.count("orders") > 1) == (seconds > 0)
        assert way in device.log
        states = [contents(together.member(k)) for k in range(3)]
        found.append(([each.tolist() for each in (*losses, *single)], states, contents(ex)))
    assert found[0] == found[1]


@pytest.mark.usefixtures("soon")
def test_trainings_race_nowhere(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(double, "HostModule", RacingModule)
    device: HostDevice = use()
    together = Ensemble(gpubp.loads(PLAIN), 2, "gpu")
    together.run_steps(together.place(rows(20)), 9, 5)
    assert "orders" in device.log
