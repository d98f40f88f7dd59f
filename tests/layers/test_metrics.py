"""Metrics beside direct formulas, over sets that are evaluated in one piece, in several, and with padding."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from tests.peers.nets import Array

ROWS = pytest.mark.parametrize("rows", [1, 2, 5, 4096, 4097, 9001])
PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])


def evaluate(
    model: str, loss: str, metrics: str, data: dict[str, Array], precision: str = "float64"
) -> dict[str, float]:
    """All figures of a net that hands its input on as `p`."""
    text = f"""model {{
  {model}
}}
train {{
  loss = {loss}
  optimizer = sgd(lr = 0.1)
  epochs = 1
  metrics = [{metrics}]
}}"""
    return gpubp.Executor(gpubp.loads(text), device="cpu", precision=precision).evaluate(data)


def numbers(p: Array, y: Array, precision: str = "float64") -> dict[str, float]:
    model = f"input x: [{p.shape[1]}]\n  target y: [{p.shape[1]}]\n  output p = 1 * x"
    return evaluate(model, "half_squared_error(p, y)", "mae(p, y), mse(p, y), r2(p, y)", {"x": p, "y": y}, precision)


@ROWS
@PRECISIONS
def test_figures_of_numbers(rows: int, precision: str) -> None:
    rng = np.random.default_rng(rows)
    y = rng.normal(size=(rows, 3)) * [1, 10, 0.1] + [0, 5, -2]
    p = y + rng.normal(size=(rows, 3)) * [0.5, 20, 0.01]
    found = numbers(p, y, precision)
    d = p - y
    spread = ((y - y.mean(0)) ** 2).sum(0)
    r2 = np.where(spread > 0, 1 - (d**2).sum(0) / np.where(spread > 0, spread, 1), 0).mean()
    wanted = {"mae": np.abs(d).mean(), "mse": (d**2).mean(), "r2": r2, "loss": (d**2).sum(1).mean() / 2, "penalty": 0}
    assert found == pytest.approx(wanted, rel=1e-10 if precision == "float64" else 1e-4)


def test_r2_at_its_edges() -> None:
    y = np.array([[1.0], [2.0], [3.0]])
    assert numbers(y, y)["r2"] == 1
    assert numbers(np.full((3, 1), 2.0), y)["r2"] == pytest.approx(0, abs=1e-12)
    flat = np.full((3, 1), 0.1)
    assert numbers(flat, flat)["r2"] == 1
    assert numbers(y, flat)["r2"] == 0
    # One output that varies and one that does not.
    both = np.concatenate([y, flat], axis=1)
    assert numbers(both + np.array([0.0, 1.0]), both)["r2"] == 0.5


@pytest.mark.parametrize("first", [0.0, 1e6])
@pytest.mark.parametrize("rows", [500, 4097, 9001])
@pytest.mark.parametrize("place", [1e5, 1e9, 1e12])
def test_r2_of_a_target_far_from_zero(place: float, rows: int, first: float) -> None:
    """In one piece and in several; with a first row that lies far from the others, too. `wanted` has more digits."""
    rng = np.random.default_rng(0)
    y = place + rng.normal(size=(rows, 1))
    y[0] += first
    p = y + 0.5 * rng.normal(size=(rows, 1))
    wide, said = y.astype(np.longdouble), p.astype(np.longdouble)
    wanted = float(1 - ((said - wide) ** 2).sum() / ((wide - wide.mean()) ** 2).sum())
    assert numbers(p, y)["r2"] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("rows", [1, 3, 4097])
@pytest.mark.parametrize("value", [0.1, 1e9 + 0.1, -1e100])
def test_r2_of_a_target_that_does_not_vary(value: float, rows: int) -> None:
    y = np.full((rows, 1), value)
    assert numbers(y, y)["r2"] == 1
    assert numbers(y * (1 + 1e-9), y)["r2"] == 0


@ROWS
@PRECISIONS
def test_accuracy_of_labels(rows: int, precision: str) -> None:
    rng = np.random.default_rng(rows)
    logits, y = rng.normal(size=(rows, 4)), rng.integers(0, 4, rows)
    model = "input x: [4]\n  target y: class(4)\n  output p = x -> softmax"
    found = evaluate(model, "cross_entropy(p, y)", "accuracy(p, y)", {"x": logits, "y": y}, precision)
    assert found["accuracy"] == (logits.argmax(1) == y).mean()
    each = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(rows), y]
    assert found["loss"] == pytest.approx(each.mean(), rel=1e-10 if precision == "float64" else 1e-5)


@ROWS
def test_accuracy_of_two_sides(rows: int) -> None:
    rng = np.random.default_rng(rows)
    z, y = rng.normal(size=(rows, 2)), rng.integers(0, 2, (rows, 2))
    model = "input x: [2]\n  target y: [2]\n  output p = x -> sigmoid"
    found = evaluate(model, "binary_cross_entropy(p, y)", "accuracy(p, y)", {"x": z, "y": y})
    assert found["accuracy"] == pytest.approx(((z > 0) == (y == 1)).mean(), rel=1e-12)
    each = np.logaddexp(0, z) - y * z
    assert found["loss"] == pytest.approx(each.mean(), rel=1e-10)


def test_accuracy_of_sequences_is_over_positions() -> None:
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(7, 5, 3)), rng.integers(0, 3, (7, 5))
    model = "input x: [5, 3]\n  target y: class(3)[5]\n  output p = x -> softmax"
    found = evaluate(model, "cross_entropy(p, y)", "accuracy(p, y)", {"x": logits, "y": y})
    assert found["accuracy"] == pytest.approx((logits.argmax(-1) == y).mean())


def test_a_value_of_the_model_is_a_metric_by_its_mean() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(11, 2))
    model = "input x: [2]\n  target y: [2]\n  output p = 1 * x\n  size = mean(abs(p))"
    found = evaluate(model, "mse(p, y)", "size, huber(p, y)", {"x": x, "y": 0 * x})
    assert found["size"] == pytest.approx(np.abs(x).mean())
    assert found["huber"] == pytest.approx(np.where(np.abs(x) <= 1, x**2 / 2, np.abs(x) - 0.5).mean())
