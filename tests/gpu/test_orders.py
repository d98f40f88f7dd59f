"""The orders of epochs on a real GPU: numpy's permutations, alone and in trainings."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from gpubp.backends import orders, select
from gpubp.backends.orders import numpy_orders
from gpubp.executor.ensemble import Ensemble
from tests.executor.nets import DROPOUT, contents
from tests.gpu.test_compiled import rows_of

LARGEST = (1 << 64) - 1


def soon(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """What NumPy has taken, for each call."""
    monkeypatch.setattr(orders, "numpy_seconds", lambda n, count: seconds)


@pytest.mark.parametrize(
    ("n", "nets", "epochs"), [(1, 4, 1), (2, 1, 4), (3, 132, 7), (128, 132, 62), (1000, 1, 16), (12_000, 3, 5)]
)
def test_those_of_numpy(n: int, nets: int, epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    soon(monkeypatch, 1.0)
    backend, seeds = select("gpu"), (LARGEST, *range(nets - 1))
    for epoch in (0, 1 << 40):
        found = backend.to_host(backend.orders(n, seeds, epoch, epochs))
        np.testing.assert_array_equal(found, numpy_orders(n, seeds, epoch, epochs))


def test_of_as_many_rows_as_a_block_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    soon(monkeypatch, 1.0)
    backend = select("gpu")
    for n in (50_000, 57_856, 57_857):
        found = backend.to_host(backend.orders(n, (3,), 5, 4))
        np.testing.assert_array_equal(found, numpy_orders(n, (3,), 5, 4))


@pytest.mark.parametrize("batch", [32, 48])
def test_trainings_are_those_whose_orders_the_host_makes(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    net, found = gpubp.loads(DROPOUT), []
    for seconds in (1.0, 0.0):
        soon(monkeypatch, seconds)
        ex, together = gpubp.Executor(net, "gpu", seed=3), Ensemble(net, 5, "gpu", seed=3)
        for each in (ex, together):
            placed = each.place(rows_of(net, 128))
            for _ in range(3):
                each.run_steps(placed, 50, batch)
        found.append([contents(ex), *(contents(together.member(k)) for k in range(5))])
    assert found[0] == found[1]
