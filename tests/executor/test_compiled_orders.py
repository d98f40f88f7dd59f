"""Trainings whose orders compiled code makes are those whose orders NumPy makes, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import gpubp
from gpubp.backends.native import NativeBackend
from gpubp.backends.native.orders import LibraryOrders
from gpubp.backends.orders import numpy_orders
from gpubp.executor import Ensemble, feeding
from gpubp.executor.feeding import Orders, Placed, PlacedEach
from tests.render.compiled import QUICK, needs_compiler

from .nets import DROPOUT, contents, rows

pytestmark = needs_compiler


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What compiled code was asked for."""
    asked, original = list[tuple[object, ...]](), LibraryOrders.__call__

    def call(self: LibraryOrders, *args: object) -> object:
        asked.append(args)
        return original(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(LibraryOrders, "__call__", call)
    return asked


@pytest.fixture(params=[True, False], ids=["ahead", "as_needed"])
def ahead(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(feeding, "MAX_AHEAD", 1)


def each_way(monkeypatch: pytest.MonkeyPatch, asked: list[tuple[object, ...]]) -> Iterator[None]:
    yield
    assert asked, "compiled code makes them"
    asked.clear()
    with monkeypatch.context() as patched:
        patched.setattr(NativeBackend, "orders", lambda self, *args: numpy_orders(*args))
        yield
    assert not asked


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("batch", [4, 7])
def test_of_one_net(batch: int, made: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    net, found = gpubp.loads(DROPOUT), []
    for _ in each_way(monkeypatch, made):
        ex = gpubp.Executor(net, "cpu", seed=1 << 62, backend=QUICK)
        placed = ex.place(rows(20))
        losses = [ex.run_steps(placed, steps, batch)[0].tolist() for steps in (1, 13, 2)]
        found.append((losses, contents(ex)))
    assert found[0] == found[1]


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("batch", [4, 7])
def test_of_several_nets(batch: int, made: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    net, found = gpubp.loads(DROPOUT), []
    for _ in each_way(monkeypatch, made):
        together = Ensemble(net, 3, "cpu", seed=5, backend=QUICK)
        placed = together.place(rows(20))
        losses = [together.run_steps(placed, steps, batch)[0].tolist() for steps in (1, 13, 2)]
        found.append((losses, [contents(together.member(k)) for k in range(3)]))
    assert found[0] == found[1]
    assert all(args[1] == (5, 6, 7) for args in made)


@pytest.mark.usefixtures("ahead")
def test_of_rows_of_their_own() -> None:
    """One net after the other, each in its own order of its own rows, as `Placed` alone gives them."""
    backend = gpubp.Executor(gpubp.loads(DROPOUT), "cpu", backend=QUICK).backend
    arrays = [np.arange(20.0)[:, None] + 100 * k for k in range(3)]
    each = [Placed(backend, [array]) for array in arrays]
    together, seeds = PlacedEach(backend, each), (4, 4, 9)
    for epoch in (3, 4, 2):
        slots, singles = np.empty((3, 5, 1)), np.empty((3, 5, 1))
        together.fill_each([slots], seeds, epoch, 5, 10, mixed=True)
        for k, seed in enumerate(seeds):
            each[k].fill([singles[k]], seed, epoch, 5, 10, mixed=True)
        np.testing.assert_array_equal(slots, singles)
        found, order = together.in_memory([slots], seeds, epoch, 2, mixed=True) or pytest.fail("it is there")
        for k, seed in enumerate(seeds):
            np.testing.assert_array_equal(found[0][order[k]], arrays[k][numpy_orders(20, (seed,), epoch, 2)[0]])


def test_epochs_are_made_ahead_and_kept(made: list[tuple[object, ...]]) -> None:
    orders = Orders(gpubp.Executor(gpubp.loads(DROPOUT), "cpu", backend=QUICK).backend, 20)
    for epoch, epochs in [(3, 1), (4, 2), (18, 1), (19, 1), (19, 40), (0, 1)]:
        found = orders.of((1, 2), epoch, epochs)
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, numpy_orders(20, (1, 2), epoch, epochs))
    assert [args[2:] for args in made] == [(3, 16), (19, 16), (19, 40), (0, 16)]
    orders.of((2, 1), 0)
    assert made[-1][1:] == ((2, 1), 0, 16)


def test_few_epochs_of_many_rows_are_made_ahead(made: list[tuple[object, ...]]) -> None:
    backend = gpubp.Executor(gpubp.loads(DROPOUT), "cpu", backend=QUICK).backend
    for n, seeds in [(1 << 13, 1), (1 << 10, 128), (1 << 18, 1)]:
        Orders(backend, n).of(tuple(range(seeds)), 0)
    assert [args[3] for args in made] == [16, 1, 1]
