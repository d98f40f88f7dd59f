"""Copies of an executor, and what Python hands in that is nearly right: paths for nets, NumPy's whole numbers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp

from .nets import DROPOUT, PLAIN, contents, rows

MODELS = Path(__file__).resolve().parents[2] / "models"
WAYS = {"pickle": lambda one: pickle.loads(pickle.dumps(one)), "copy": copy.copy, "deepcopy": copy.deepcopy}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", [PLAIN, DROPOUT], ids=["plain", "dropout"])
def test_a_copy_goes_on_by_itself_with_the_same_bytes(way: str, text: str) -> None:
    first = gpubp.Executor(gpubp.loads(text), "cpu", seed=3, backend="numpy")
    data = rows(6)
    first.train_steps(data, 5, 2)
    second = WAYS[way](first)
    before = contents(second)
    assert before == contents(first)
    losses = first.train_steps(data, 5, 2)
    assert contents(second) == before, "it is another one"
    assert second.train_steps(data, 5, 2).tobytes() == losses.tobytes()
    assert contents(second) == contents(first)
    assert second.backend.description == first.backend.description


def test_a_run_is_pickled_with_its_figures() -> None:
    run = gpubp.train(gpubp.load(MODELS / "xor.net"), "cpu", epochs=3)
    again = pickle.loads(pickle.dumps(run))
    assert (again.metrics, again.history) == (run.metrics, run.history)
    assert contents(again.executor) == contents(run.executor)


def refuse(text: str) -> None:
    gpubp.loads(text)


@pytest.mark.parametrize("text", ["model {", "model {\n  input x: [2]\n  output p = x -> tahn\n}"])
def test_an_error_leaves_the_process_of_a_pool(text: str) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        error = pool.submit(refuse, text).exception()
    assert isinstance(error, gpubp.NetError)
    with pytest.raises(gpubp.NetError) as here:
        gpubp.loads(text)
    assert (str(error), error.diagnostics) == (str(here.value), here.value.diagnostics)


@pytest.mark.parametrize("use", [gpubp.Executor, gpubp.train, gpubp.graph], ids=["Executor", "train", "graph"])
def test_a_path_in_the_place_of_a_net_is_told(use: Callable[[Any], object]) -> None:
    with pytest.raises(gpubp.GpubpError, match=r"a net is wanted, not a path: `gpubp.load\('a.net'\)` reads it"):
        use("a.net")
    with pytest.raises(gpubp.GpubpError, match=r"a net is wanted, as `gpubp\.load` gives it, not NoneType"):
        use(None)


def test_whole_numbers_of_numpy_count(tmp_path: Path) -> None:
    executor = gpubp.Executor(gpubp.loads(PLAIN), "cpu")
    data = rows(6)
    assert len(executor.train_steps(data, np.int64(3), np.int32(2))) == 3
    assert executor.evaluate(data, np.int64(4)) == executor.evaluate(data, 4)
    assert gpubp.train(gpubp.load(MODELS / "xor.net"), "cpu", epochs=np.int64(2)).epochs == 2
    for wrong in (True, 1.0, "3", None):
        with pytest.raises(gpubp.InputError, match="batch must be a whole number of at least 1, not "):
            executor.evaluate(data, wrong)  # type: ignore[arg-type]


def test_programs_that_there_are_not() -> None:
    executor = gpubp.Executor(gpubp.loads(PLAIN), "cpu")
    with pytest.raises(gpubp.GpubpError, match="there is no mode `test`: it is one of predict, measure, gradients"):
        executor.source("test", 4)  # type: ignore[arg-type]
    with pytest.raises(gpubp.InputError, match="batch must be"):
        executor.compiled("train", 0)


def test_a_notebook_completes_public_names_alone() -> None:
    shown = [name for name in dir(gpubp) if not name.startswith("__")]
    assert shown == sorted(gpubp.__all__)
