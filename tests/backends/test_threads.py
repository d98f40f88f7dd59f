"""The BLAS takes one thread while all products are small."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import gpubp
from gpubp.backends import one_thread, select
from gpubp.executor.ensemble import Ensemble
from gpubp.executor.feeding import Placed

NET = """
model {
  input  x: [8]
  target y: [1]
  output p = x -> dense(UNITS) -> dense(1)
}
train {
  loss = mse(p, y)
  optimizer = sgd(lr = 0.01)
}
"""


def now() -> int:
    return max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)


@pytest.fixture(autouse=True)
def two() -> Any:
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(2, "blas"):
        if now() != 2:
            pytest.skip("this BLAS has one thread")
        yield


def test_the_last_that_needs_it_lifts_the_limit() -> None:
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert now() == 1
    second.__exit__(None, None, None)
    assert now() == 2


def test_an_error_lifts_it() -> None:
    with pytest.raises(ValueError, match="in the middle"), one_thread():
        raise ValueError("in the middle")
    assert now() == 2


def test_many_threads_of_the_process_leave_it_as_it_was() -> None:
    def work() -> None:
        for _ in range(200):
            with one_thread():
                pass

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert now() == 2


@pytest.mark.parametrize(("largest", "threads"), [(0, 1), (10**6, 1), (10**8, 2)])
def test_only_small_products_are_limited(largest: int, threads: int) -> None:
    with select("cpu", "numpy").products(largest):
        assert now() == threads


@pytest.mark.parametrize(("units", "threads"), [("16", 1), ("40000", 2)])
@pytest.mark.parametrize("kind", ["alone", "restarts"])
def test_updates_run_with_it(units: str, threads: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = gpubp.loads(NET.replace("UNITS", units))
    ex = gpubp.Executor(net, "cpu", backend="numpy") if kind == "alone" else Ensemble(net, 2, "cpu", backend="numpy")
    seen = set()
    name = "fill" if kind == "alone" else "fill_each"
    fill = getattr(Placed, name)
    monkeypatch.setattr(Placed, name, lambda *given, **more: (seen.add(now()), fill(*given, **more)))
    placed = ex.place({"x": np.ones((64, 8)), "y": np.ones((64, 1))})
    ex.run_steps(placed, 2, 32)
    assert seen == {threads}
    assert now() == 2
