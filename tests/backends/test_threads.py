"""Threads: the BLAS takes one while all products are small; compiled kernels take the cores that there are."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import gpubp
from gpubp.backends import one_thread, select
from gpubp.backends.threads import cores
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


@pytest.mark.parametrize(("largest", "wanted"), [(0, 1), (10**6, 1), (10**8, 2)])
def test_only_small_products_are_limited(largest: int, wanted: int) -> None:
    with select("cpu", "numpy").products(largest):
        assert now() == wanted


@pytest.mark.parametrize(("units", "wanted"), [("16", 1), ("40000", 2)])
@pytest.mark.parametrize("kind", ["alone", "restarts"])
def test_updates_run_with_it(units: str, wanted: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = gpubp.loads(NET.replace("UNITS", units))
    ex = gpubp.Executor(net, "cpu", backend="numpy") if kind == "alone" else Ensemble(net, 2, "cpu", backend="numpy")
    seen = set()
    name = "fill" if kind == "alone" else "fill_each"
    fill = getattr(Placed, name)
    monkeypatch.setattr(Placed, name, lambda *given, **more: (seen.add(now()), fill(*given, **more)))
    placed = ex.place({"x": np.ones((64, 8)), "y": np.ones((64, 1))})
    ex.run_steps(placed, 2, 32)
    assert seen == {wanted}
    assert now() == 2


@pytest.mark.parametrize(("units", "wanted"), [("16", 1), ("16000", 1), ("80000", 2)])
@pytest.mark.parametrize("call", ["evaluate", "predict", "gradients", "train_step", "restarts"])
def test_all_other_programs_do_too(units: str, wanted: int, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of restarts each has products of its own: together they are no larger."""
    net = gpubp.loads(NET.replace("UNITS", units))
    rows = {"x": np.ones((64, 8)), "y": np.ones((64, 1))}
    ex = gpubp.Executor(net, "cpu", backend="numpy")
    several = Ensemble(net, 2, "cpu", backend="numpy")
    seen = set()
    matmul = np.matmul
    monkeypatch.setattr(np, "matmul", lambda *given, **more: (seen.add(now()), matmul(*given, **more))[1])
    if call == "restarts":
        several.evaluate(rows)
    else:
        getattr(ex, call)(rows["x"] if call == "predict" else rows)
    assert seen == {wanted}
    assert now() == 2


# Compiled kernels ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "most"), [("max 100000\n", 64), ("150000 100000\n", 2), ("20000 100000\n", 1), ("", 64), ("x y z", 64)]
)
def test_a_container_has_the_cores_of_its_quota(
    text: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    quota = tmp_path / "cpu.max"
    quota.write_text(text, "ascii")
    assert cores(quota) == most
    assert cores(tmp_path / "missing") == 64


@pytest.mark.parametrize(
    ("setting", "wanted"), [({}, "2"), ({"OMP_NUM_THREADS": "1"}, "1"), ({"OPENBLAS_NUM_THREADS": "1"}, "1")]
)
def test_kernels_take_as_many_as_the_blas_does(setting: dict[str, str], wanted: str) -> None:
    """Also where it is limited to one for the moment."""
    text = """
import numpy, os
os.sched_getaffinity = lambda _: {0, 1}
from gpubp.backends import one_thread
from gpubp.backends.threads import threads
with one_thread():
    print(threads())
"""
    clean = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", text], env=clean | setting, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == wanted


def test_a_process_takes_as_many_as_it_is_told() -> None:
    """Of its kernels and of the BLAS alike."""
    code = (
        "from gpubp.backends.threads import take_threads, threads; take_threads(1);"
        "from threadpoolctl import threadpool_info; print(threads(), {p['num_threads'] for p in threadpool_info()})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 {1}\n"
