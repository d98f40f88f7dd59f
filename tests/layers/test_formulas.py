"""Formulas of a file's own as activations, losses and metrics: their values and gradients, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.insight.rules import both_sides

TEXT = """fn capped(z, limit = 1) = where(z > limit, limit + 0.1 * (z - limit), where(z < -limit, -limit, z))
fn parts(z) = stack(slice(z, 0, 2), slice(z, 1, 3), slice(z, 2, 4))
fn gap(p, y) = mean(where(abs(p - y) < 0.5, (p - y)^2, abs(p - y) - 0.25))
fn weighed(p, y, by = 2) = sum(by * maximum((p - y)^2, 0.01 * abs(p - y)))
fn hits(p, y) = mean((p > 0) == (y > 0))
fn noisy(z, by = 0.3) = z + by * normal([4])

model {
  input  x: [5]
  target y: [3]
  h = x -> dense(4) -> capped(limit = 0.7) -> NOISE
  tall = (h -> parts) * (h -> slice(0, 3) -> reshape([3, 1]))
  output p = sum(tall, axis = 1) - minimum(mean(h), 0.3) + 0.1 * max(h)
}

train {
  loss      = gap(p, y) + 0.5 * weighed(p, y)
  optimizer = sgd(0.1)
  epochs    = 1
  metrics   = [hits(p, y), gap(p, y)]
}
"""
ROWS = {name: np.random.default_rng(k).normal(size=(7, n)) for k, (name, n) in enumerate({"x": 5, "y": 3}.items())}


def plain(noise: str = "tanh") -> gpubp.Executor:
    return gpubp.Executor(gpubp.loads(TEXT.replace("NOISE", noise)), device="cpu", precision="float64")


def capped(z: Any, limit: float) -> Any:
    return np.where(z > limit, limit + 0.1 * (z - limit), np.maximum(z, -limit))


def test_values_are_those_of_numpy() -> None:
    ex = plain()
    w, b = ex.parameters["h.dense.weight"], np.linspace(-1, 1, 4)
    ex.set_parameters({"h.dense.bias": b})
    h = np.tanh(capped(ROWS["x"] @ w + b, 0.7))
    tall = np.stack([h[:, 0:2], h[:, 1:3], h[:, 2:4]], 1) * h[:, :3, None]
    p = tall.sum(2) - np.minimum(h.mean(1, keepdims=True), 0.3) + 0.1 * h.max(1, keepdims=True)
    np.testing.assert_allclose(ex.predict(ROWS["x"]), p, rtol=1e-12)
    d = p - ROWS["y"]
    gap = np.where(abs(d) < 0.5, d**2, abs(d) - 0.25).mean(1)
    weighed = (2 * np.maximum(d**2, 0.01 * abs(d))).sum(1)
    assert ex.loss(ROWS) == pytest.approx((gap + 0.5 * weighed).mean(), rel=1e-12)


@pytest.mark.parametrize("noise", ["tanh", "noisy", "noisy(by = 2)"])
def test_gradients_are_those_of_differences(noise: str) -> None:
    """Draws are those of the step, which does not change between the two."""
    ex = plain(noise)
    rng = np.random.default_rng(2)
    start = {name: rng.normal(scale=0.5, size=array.shape) for name, array in ex.parameters.items()}
    ex.set_parameters(start)
    _, found = ex.gradients(ROWS)
    for name, at in start.items():
        direction = rng.uniform(0.5, 1.0, at.shape) * rng.choice([-1.0, 1.0], at.shape)

        def along(t: float, name: str = name, direction: Any = direction) -> float:
            ex.set_parameters({**start, name: start[name] + t * direction})
            return ex.gradients(ROWS)[0]

        for difference in both_sides(along, 1e-6):
            assert float((found[name] * direction).sum()) == pytest.approx(difference, rel=1e-5)


def test_a_reversed_gradient_in_a_formula() -> None:
    """The loss is the same, the gradient behind it the other way round and of another length."""
    text = """fn against(z, by = 1) = reverse_gradient(z, by)
model {
  input x: [3]
  output p = x -> dense(2) -> tanh -> STAGE -> dense(1)
}
train {
  loss      = p^2
  optimizer = sgd(0.1)
  epochs    = 1
}
"""
    made = []
    for stage in ("against(by = 2)", "reshape([2])"):
        ex = gpubp.Executor(gpubp.loads(text.replace("STAGE", stage)), device="cpu", precision="float64")
        made.append(ex.gradients({"x": ROWS["x"][:, :3]}))
    (turned, behind), (straight, before) = made
    assert turned == straight
    np.testing.assert_allclose(behind["p.dense.weight"], -2 * before["p.dense.weight"], rtol=1e-12)
    np.testing.assert_allclose(behind["p.dense_2.weight"], before["p.dense_2.weight"], rtol=1e-12)


def test_a_formula_is_a_metric_by_its_name() -> None:
    text = TEXT.replace("NOISE", "tanh")
    rows = {name: [[f"{v:.4f}" for v in row] for row in array] for name, array in ROWS.items()}
    lines = "\n".join(f"  {name} = [{', '.join('[' + ', '.join(row) + ']' for row in rows[name])}]" for name in rows)
    run = gpubp.train(gpubp.loads(f"data {{\n{lines}\n}}\n{text}"), "cpu")
    assert 0 <= run.metrics["train.hits"] <= 1
    assert run.metrics["train.gap"] > 0
