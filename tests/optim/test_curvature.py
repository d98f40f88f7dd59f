"""The curvature of losses that are sums of squares: the first step of Levenberg-Marquardt beside dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from tests.peers.nets import Array, executor

from .worlds import weights

OPTIMIZER = "levenberg_marquardt"
ROWS = np.random.default_rng(1).normal(size=(5, 4))
GOALS = np.random.default_rng(2).normal(size=(5, 2))
NETS = {
    "dense": "hidden = x -> dense(3) -> tanh\noutput p = hidden -> dense(2)",
    "shared": "layer f = dense(4) -> tanh\noutput p = x -> f -> f -> dense(2)",
    "convolution": "output p = x -> reshape([4, 1]) -> conv(3, size = 2) -> tanh -> flatten -> dense(2)",
    "lstm": "output p = x -> reshape([4, 1]) -> lstm(2) -> flatten -> dense(2)",
    "attention": "output p = x -> reshape([2, 2]) -> attention(heads = 1) -> layernorm -> flatten -> dense(2)",
    "loop": "output p = x -> dense(2) -> repeat 2 { dense(2) -> tanh }",
    "weights": "a = weight([2])\noutput p = (x -> dense(2)) * exp(a)",
    "derivative": "u = x -> dense(3) -> tanh -> dense(1)\noutput p = derivative(u, x) -> slice(0, 2)",
}


def gauss_newton(ex: gpubp.Executor, errors: str, scale: float, **more: Array) -> Array:
    """scale J^T J, with the Jacobian of an output by central differences."""
    columns, step = [], 1e-6
    for value in ex.parameters.values():
        for i in np.ndindex(value.shape):
            before = value[i]
            sides = []
            for d in (step, -step):
                value[i] = before + d
                sides.append(np.array(ex.predict({"x": ROWS, **more})[errors]).ravel())
            value[i] = before
            columns.append((sides[0] - sides[1]) / (2 * step))
    J = np.stack(columns, axis=1)
    return np.asarray(scale * J.T @ J)


def first_step(ex: gpubp.Executor, H: Array) -> Array:
    """(H + mu I)^-1 g with mu = a tenth of the largest element."""
    _, gradients = ex.gradients({"x": ROWS, "y": GOALS})
    g = np.concatenate([gradients[name].ravel() for name in ex.parameters])
    return np.linalg.solve(H + 0.1 * H.max() * np.eye(len(H)), g)


def moved(ex: gpubp.Executor) -> Array:
    before = weights(ex)
    ex.train_step({"x": ROWS, "y": GOALS})
    return np.concatenate([(before[name] - value).ravel() for name, value in ex.parameters.items()])


@pytest.mark.parametrize(
    ("loss", "scale"),
    [("mse(p, y)", 2 / 10), ("half_squared_error(p, y)", 1 / 5), ("3 * mean(0.5 * (p - y) * (p - y))", 3 / 10)],
)
def test_a_step_of_every_loss(loss: str, scale: float) -> None:
    ex = executor(f"input x: [4]\ntarget y: [2]\n{NETS['dense']}", loss, "float64", f"{OPTIMIZER}(damping = 0.1)")
    wanted = first_step(ex, gauss_newton(ex, "p", scale))
    np.testing.assert_allclose(moved(ex), wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", NETS)
def test_a_step_of_every_net(name: str) -> None:
    ex = executor(f"input x: [4]\ntarget y: [2]\n{NETS[name]}", "mse(p, y)", "float64", f"{OPTIMIZER}(damping = 0.1)")
    wanted = first_step(ex, gauss_newton(ex, "p", 2 / 10))
    np.testing.assert_allclose(moved(ex), wanted, rtol=1e-5, atol=1e-8)


def test_errors_of_several_terms_with_weights_of_their_own() -> None:
    """Weights that depend on the row, and a term without a target, whose errors an output shows."""
    model = """input x: [4]
    {} y: [2]
    p = x -> dense(3) -> tanh -> dense(2)
    q = p -> dense(1)
    output errors = {}"""
    weighed = "concat(sqrt(exp(x -> slice(0, 2))) * (p - y), 0.5 * (q - 1))"
    loss = "sum((p - y)^2 * exp(x -> slice(0, 2))) + 0.25 * (q - 1)^2"
    ex = executor(model.format("target", "q"), loss, "float64", f"{OPTIMIZER}(damping = 0.1)")
    shows = executor(model.format("input", weighed), "sum(errors)", "float64")
    shows.set_parameters(weights(ex))
    H = gauss_newton(shows, "errors", 2 / 5, y=GOALS)
    wanted = first_step(ex, H)
    np.testing.assert_allclose(moved(ex), wanted, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("penalty", "scale"), [("l2(0.3)", 0.6), ("0.3 * sum((a - 1)^2)", 0.6), ("0.15 * sum((2 * a)^2)", 1.2)]
)
def test_penalties_have_a_curvature_of_their_own(penalty: str, scale: float) -> None:
    """Of the weights themselves, or of another sum of squares that depends on no row."""
    model = "input x: [4]\ntarget y: [2]\na = weight([2])\noutput p = (x -> dense(2)) * a"
    ex = executor(model, f"mse(p, y) + {penalty}", "float64", f"{OPTIMIZER}(damping = 0.1)")
    H, at = gauss_newton(ex, "p", 2 / 10), 0
    for name, value in ex.parameters.items():
        counts = name != "p.dense.bias" if penalty.startswith("l2") else name == "a.weight"
        H[range(at, at + value.size), range(at, at + value.size)] += scale * counts
        at += value.size
    wanted = first_step(ex, H)
    np.testing.assert_allclose(moved(ex), wanted, rtol=1e-6, atol=1e-9)


def test_a_loss_that_no_parameter_changes() -> None:
    """But for a penalty."""
    model = "input x: [4]\ntarget y: [2]\noutput p = x -> dense(2)"
    for penalty, factor in (("", 1.0), (" + l2(0.5)", 0.0)):
        loss = f"sum((slice(x, 0, 2) - y)^2){penalty}"
        ex = executor(model, loss, "float64", f"{OPTIMIZER}(damping = 0)")
        before = weights(ex)["p.dense.weight"]
        moved(ex)
        np.testing.assert_allclose(ex.parameters["p.dense.weight"], factor * before, atol=1e-9)
