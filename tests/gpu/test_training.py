"""Training on a real GPU with plain CuPy: the same programs, the same results within rounding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp

MODELS = Path(__file__).parents[2] / "models"


def test_xor_is_solved(cupy: Any) -> None:
    run = gpubp.train(gpubp.load(MODELS / "xor.net"), device="gpu")
    assert run.metrics["train.loss"] < 0.01
    assert isinstance(run.executor.parameters["p.dense.weight"], cupy.ndarray)


def test_digits_are_read(cupy: Any) -> None:
    run = gpubp.train(gpubp.load(MODELS / "digits.net"), device="gpu")
    assert run.metrics["test.accuracy"] >= 0.95


@pytest.mark.parametrize("model", ["xor", "iris", "digits", "digits_tuned", "diabetes", "spiral"])
def test_curves_are_those_of_the_cpu(cupy: Any, model: str) -> None:
    net = gpubp.load(MODELS / f"{model}.net")
    gpu, cpu = (gpubp.train(net, device=device, epochs=3, precision="float64") for device in ("gpu", "cpu"))
    losses = [[record["train.loss"] for record in run.history] for run in (gpu, cpu)]
    np.testing.assert_allclose(*losses, rtol=1e-9)


def test_two_runs_give_the_same_bytes(cupy: Any) -> None:
    net = gpubp.load(MODELS / "digits.net")
    first, second = (gpubp.train(net, device="gpu", epochs=2).executor.state_dict() for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(second[name], array)


def test_random_bits_are_those_of_the_cpu(cupy: Any) -> None:
    net = gpubp.load(MODELS / "digits.net")
    data = {"image": np.ones((4, 8, 8)), "digit": [0, 1, 2, 3]}
    # Dropout is on: equal gradients mean equal masks.
    results = [gpubp.Executor(net, device=device, precision="float64").gradients(data)[1] for device in ("gpu", "cpu")]
    for name, array in results[1].items():
        np.testing.assert_allclose(cupy.asnumpy(results[0][name]), array, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["lbfgs(history = 3)", "levenberg_marquardt"])
@pytest.mark.parametrize("more", ["", "restarts = 3"])
def test_a_line_search_decides_on_the_device(cupy: Any, more: str, optimizer: str) -> None:
    """Which trial is accepted, without the host."""
    text = (MODELS / "xor.net").read_text("utf-8").replace("adam(lr = 0.05)", f"{optimizer}\n  {more}")
    text = text.replace("binary_cross_entropy(p, y)", "mse(p, y)")
    gpu, cpu = (
        gpubp.train(gpubp.loads(text), device=device, epochs=25, precision="float64") for device in ("gpu", "cpu")
    )
    losses = [[record["train.loss"] for record in run.history] for run in (gpu, cpu)]
    assert losses[1][-1] < 1e-3 * losses[1][0]
    np.testing.assert_allclose(*losses, rtol=1e-6, atol=1e-12)
