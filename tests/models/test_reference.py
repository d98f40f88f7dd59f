"""The numbers of the reference text: its worked example, and its NumPy program for XOR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gpubp

MODELS = Path(__file__).resolve().parents[2] / "models"

# The text rounds on the way, so what it prints differs from the exact values by up to this.
PRINTED = 0.001
PRINTED_SLOPE = 0.006  # of the sigmoid, which it takes at a rounded a


@pytest.fixture(scope="module")
def example() -> gpubp.Executor:
    return gpubp.Executor(gpubp.load(MODELS / "worked_example.net"), device="cpu")


ROW = {"x": [[0.5, 0.8]], "y": [[1.0]]}


def sigmoid(z: NDArray[Any] | float) -> Any:
    return 1 / (1 + np.exp(-np.asarray(z)))


def forward(weights: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    """z and a of the hidden units, z and a of the output, from the parameters alone."""
    z_h = np.array([0.5, 0.8]) @ weights["hidden.dense.weight"] + weights["hidden.dense.bias"]
    a_h = sigmoid(z_h)
    z_o = a_h @ weights["p.dense.weight"] + weights["p.dense.bias"]
    return z_h, a_h, z_o, sigmoid(z_o)


def test_the_weights_give_the_printed_values(example: gpubp.Executor) -> None:
    assert example.dtype == "float64"
    assert list(example.parameters) == ["hidden.dense.weight", "hidden.dense.bias", "p.dense.weight", "p.dense.bias"]
    z_h, a_h, z_o, a_o = forward(example.parameters)
    np.testing.assert_allclose(z_h, [0.1, 0.3], rtol=0, atol=1e-15)
    np.testing.assert_allclose(a_h, [0.525, 0.574], rtol=0, atol=PRINTED)
    np.testing.assert_array_equal(example.parameters["p.dense.weight"], [[0.4], [0.6]])
    np.testing.assert_allclose(z_o, [0.2], rtol=0, atol=1e-15)
    assert 0.549 <= a_o.item() <= 0.550


def test_the_output(example: gpubp.Executor) -> None:
    output = example.predict({"x": [[0.5, 0.8]]})["p"]
    assert output.shape == (1, 1)
    assert 0.549 <= output.item() <= 0.550
    assert output.item() == pytest.approx(sigmoid(0.2).item(), abs=1e-15)


def test_the_loss(example: gpubp.Executor) -> None:
    loss = example.loss(ROW)
    assert 0.101 <= loss <= 0.102
    assert loss == pytest.approx(0.5 * (1 - sigmoid(0.2).item()) ** 2, abs=1e-15)


def test_the_gradients(example: gpubp.Executor) -> None:
    """delta = dL/dz is the gradient of a bias; the text writes its weights [out, in]."""
    loss, gradients = example.gradients(ROW)
    assert 0.101 <= loss <= 0.102
    printed = {
        "p.dense.bias": [-0.111],
        "hidden.dense.bias": [-0.011, -0.016],
        "p.dense.weight": [[-0.058], [-0.064]],
        "hidden.dense.weight": np.transpose([[-0.006, -0.009], [-0.008, -0.013]]),
    }
    for name, values in printed.items():
        np.testing.assert_allclose(gradients[name], values, rtol=0, atol=PRINTED, err_msg=name)


def test_the_gradients_are_exact(example: gpubp.Executor) -> None:
    """The same steps by hand, without rounding."""
    _, a_h, _, a_o = forward(example.parameters)
    delta_o = (a_o - 1) * a_o * (1 - a_o)
    slope = a_h * (1 - a_h)
    np.testing.assert_allclose(slope, [0.247, 0.241], rtol=0, atol=PRINTED_SLOPE)
    delta_h = delta_o * np.array([0.4, 0.6]) * slope
    _, gradients = example.gradients(ROW)
    exact = {
        "p.dense.bias": delta_o,
        "hidden.dense.bias": delta_h,
        "p.dense.weight": np.outer(a_h, delta_o),
        "hidden.dense.weight": np.outer([0.5, 0.8], delta_h),
    }
    for name, values in exact.items():
        np.testing.assert_allclose(gradients[name], values, rtol=1e-14, err_msg=name)


def test_one_step_goes_against_the_gradient() -> None:
    example = gpubp.Executor(gpubp.load(MODELS / "worked_example.net"), device="cpu")
    before = {name: value.copy() for name, value in example.parameters.items()}
    loss, gradients = example.gradients(ROW)
    assert example.train_step(ROW) == loss
    for name, value in example.parameters.items():  # the file's rate is 1
        np.testing.assert_allclose(value, before[name] - gradients[name], rtol=1e-14, err_msg=name)
    assert example.loss(ROW) < loss


X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64)
Y = np.array([[0], [1], [1], [0]], dtype=np.float64)


def textbook(w1: NDArray[Any], w2: NDArray[Any], epochs: int, rate: float) -> tuple[NDArray[Any], ...]:
    """Sigmoid twice, zero biases at first; gradients are sums over the four rows, the output's error is a2 - y."""
    w1, b1, w2, b2 = w1.copy(), np.zeros((1, w1.shape[1])), w2.copy(), np.zeros((1, 1))
    for _ in range(epochs):
        a1 = sigmoid(X @ w1 + b1)
        a2 = sigmoid(a1 @ w2 + b2)
        error2 = a2 - Y
        error1 = (error2 @ w2.T) * a1 * (1 - a1)
        w2 -= rate * (a1.T @ error2)
        b2 -= rate * error2.sum(axis=0, keepdims=True)
        w1 -= rate * (X.T @ error1)
        b1 -= rate * error1.sum(axis=0, keepdims=True)
    return w1, b1.reshape(-1), w2, b2.reshape(-1)


def test_the_numpy_program_for_xor() -> None:
    rng = np.random.default_rng(42)
    w1, w2 = rng.standard_normal((2, 3)), rng.standard_normal((3, 1))
    ex = gpubp.Executor(gpubp.load(MODELS / "xor_numpy.net"), device="cpu")
    assert ex.dtype == "float64"
    ex.set_parameters({"hidden.dense.weight": w1, "p.dense.weight": w2})
    losses = ex.train_steps({"x": X, "y": Y}, steps=10_000, batch=4)
    assert losses[-1] < losses[0] / 10
    for value, reference in zip(ex.parameters.values(), textbook(w1, w2, 10_000, 0.1), strict=True):
        np.testing.assert_allclose(value, reference, rtol=0, atol=1e-10)


def test_the_file_is_that_program() -> None:
    """What `run` does with it: the epochs, the rate, the batch, the order."""
    net = gpubp.load(MODELS / "xor_numpy.net")
    start = gpubp.Executor(net, device="cpu", seed=0).parameters
    run = gpubp.train(net, "cpu", epochs=300)
    first = textbook(start["hidden.dense.weight"], start["p.dense.weight"], 300, 0.1)
    assert run.executor.step == 300
    for value, reference in zip(run.executor.parameters.values(), first, strict=True):
        np.testing.assert_allclose(value, reference, rtol=0, atol=1e-12)
    assert net.option("epochs") == 10_000
    assert not start["hidden.dense.bias"].any()
    assert not start["p.dense.bias"].any()
