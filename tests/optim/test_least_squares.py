"""Levenberg-Marquardt: its steps beside dense references, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.executor import Ensemble
from tests.peers.nets import Array, executor
from tests.render.compiled import needs_compiler

from .test_quasi_newton import place, valley
from .worlds import X, Y, equal, make, weights

OPTIMIZER = "levenberg_marquardt"


def reference(p: Array, steps: int, damping: float = 1e-3) -> Iterator[Array]:
    """The points at which the losses of Rosenbrock's function are computed, by Madsen, Nielsen & Tingleff (2004),
    algorithm 3.16: its F is half of the loss, so that its matrix and its gradient are half of ours."""

    def errors(p: Array) -> Array:
        return np.array([10 * (p[1] - p[0] ** 2), 1 - p[0]])

    def jacobian(p: Array) -> Array:
        return np.array([[-20 * p[0], 10.0], [-1.0, 0.0]])

    J, f = jacobian(p), errors(p)
    mu, nu = damping * (J.T @ J).max(), 2.0
    for _ in range(steps):
        yield p
        h = np.linalg.solve(J.T @ J + mu * np.eye(2), -J.T @ f)
        yield p + h
        decrease = 0.5 * (f @ f - errors(p + h) @ errors(p + h))
        gain = decrease / (0.5 * h @ (mu * h - J.T @ f))
        if gain > 0:
            p = p + h
            J, f = jacobian(p), errors(p)
            mu, nu = mu * max(1 / 3, 1 - (2 * gain - 1) ** 3), 2.0
        else:
            mu, nu = mu * nu, 2 * nu


def test_each_trial_is_that_of_the_paper() -> None:
    """Also those in vain, after which the next update is back at the point they left."""
    ex, wanted, before = valley(OPTIMIZER), [], place(valley())
    for p in reference(before, 18):
        if not any(np.array_equal(p, q) for q in wanted[-1:]):
            wanted.append(p)
    found = [before]
    for _ in wanted[1:]:
        ex.train_step({"x": [[1.0]]})
        found.append(place(ex))
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-9)
    returned = sum(any(np.array_equal(p, q) for q in found[max(0, k - 2) : k]) for k, p in enumerate(found))
    assert returned > 3
    np.testing.assert_allclose(found[-1], [1.0, 1.0], atol=1e-6)


# A training ----------------------------------------------------------------------------------------------------------
def test_what_has_converged_stays() -> None:
    """To the bit, from the first gradient on that is within the tolerance."""
    ex = valley(f"{OPTIMIZER}(tolerance = 1e-6)")
    for _ in range(60):
        ex.train_step({"x": [[1.0]]})
    before = place(ex)
    np.testing.assert_allclose(before, [1.0, 1.0], atol=1e-6)
    ex.train_step({"x": [[1.0]]})
    np.testing.assert_array_equal(place(ex), before)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_size_of_a_loss_does_not_matter(scale: float, precision: str) -> None:
    model = "input x: [1]\noutput w = 0 * x -> dense(2)"
    ex = executor(model, f"{scale:g} * (sum((w - 2)^2) + sum((w - 1)^2))", precision, f"{OPTIMIZER}(tolerance = 0)")
    ex.train_steps({"x": [[1.0]]}, 40, 1)
    np.testing.assert_allclose(ex.parameters["w.dense.bias"], 1.5, rtol=1e-6)


def test_weights_without_any_influence() -> None:
    """The curvature is 0 everywhere."""
    ex = executor("input x: [1]\noutput w = 0 * (x -> dense(2))", "sum(w^2)", "float64", f"{OPTIMIZER}(tolerance = 0)")
    before = weights(ex)
    ex.train_steps({"x": [[1.0]]}, 3, 1)
    assert equal(before, weights(ex))


@needs_compiler
def test_compiled_steps_are_those_of_numpy() -> None:
    net = make("", OPTIMIZER).net
    one, other = (gpubp.Executor(net, "cpu", "float64", backend=backend) for backend in ("numpy", "native"))
    losses = [ex.train_steps({"x": X, "y": Y}, steps=15, batch=12) for ex in (one, other)]
    np.testing.assert_allclose(*losses, rtol=1e-6, atol=1e-12)
    assert losses[0][-1] < 0.5 * losses[0][0]


def test_a_resume_goes_on_bit_for_bit() -> None:
    """Also between a trial in vain and the next."""
    one, data = make("", OPTIMIZER), {"x": X, "y": Y}
    for _ in range(12):
        before = one.state_dict()
        wanted = [one.train_step(data), one.train_step(data)]
        other = make("", OPTIMIZER)
        other.load_state_dict(before)
        assert [other.train_step(data), other.train_step(data)] == wanted
        assert equal(one.state_dict(), other.state_dict())


@pytest.mark.parametrize("backend", ["numpy", pytest.param("native", marks=needs_compiler)])
def test_each_restart_is_its_own_run(backend: str) -> None:
    net, data = make("", OPTIMIZER).net, {"x": X, "y": Y}
    many = Ensemble(net, 3, "cpu", "float64", seed=5, backend=backend)
    losses, _, _ = many.run_steps(many.place(data), 9, 12)
    for k in range(3):
        one = gpubp.Executor(net, "cpu", "float64", seed=5 + k, backend=backend)
        alone, _, _ = one.run_steps(one.place(data), 9, 12)
        np.testing.assert_array_equal(losses[k], alone)
        assert equal(many.member(k).state_dict(), one.state_dict())


def test_frozen_layers_stay() -> None:
    ex = make("freeze = [hidden]", OPTIMIZER)
    before = weights(ex)
    losses = ex.train_steps({"x": X, "y": Y}, 20, 12)
    assert losses[-1] < losses[0]
    moved = {name for name, value in weights(ex).items() if not np.array_equal(value, before[name])}
    assert moved == {"p.dense.weight", "p.dense.bias"}


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ("rates = [rate([hidden], 0.5)]", "`rates` gives each layer its own length"),
        ("clip = clip_norm(1.0)", "`clip` changes them"),
        ("accumulate = 2", "`accumulate` divides them"),
        ("schedule = cosine", "has no learning rate, which `schedule` changes"),
    ],
)
def test_what_contradicts_it_is_refused(keys: str, what: str) -> None:
    with pytest.raises(gpubp.NetError, match=what) as caught:
        make(keys, OPTIMIZER)
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert span.text == keys.partition(" = ")[2]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("output p = x -> dense(4) -> batchnorm -> dense(2)", "`batchnorm` mixes the examples of a batch"),
        ("output p = x -> dense(1000) -> tanh -> dense(2)", "of which 4,096 are the most, not 6,002"),
    ],
)
def test_nets_that_it_cannot_train(lines: str, message: str) -> None:
    with pytest.raises(gpubp.NetError, match=message):
        make("", OPTIMIZER, lines)


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        ("mse(p, y) + l1(0.1)", "l1(0.1)"),
        ("huber(p, y)", "huber(p, y)"),
        ("mse(p, y) * mean(p)", "mse(p, y) * mean(p)"),
        ("sqrt(mse(p, y))", "sqrt(mse(p, y))"),
        ("mean((p - y)^2 / p)", "(p - y)^2 / p"),
        ("mean((p - y)^3)", "(p - y)^3"),
    ],
)
def test_losses_that_are_no_sum_of_squares(loss: str, text: str) -> None:
    with pytest.raises(gpubp.NetError, match="minimises a sum of squares, which this is not") as caught:
        executor("input x: [4]\ntarget y: [2]\noutput p = x -> dense(2)", loss, "float64", OPTIMIZER)
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert span.text == text


@pytest.mark.parametrize("optimizer", [OPTIMIZER, "lbfgs"])
def test_a_training_ends_at_the_lower_of_two_points(optimizer: str) -> None:
    """The last trial, where it was not in vain, or that from which it started."""
    text = f"""
data {{ x = [[1.0]] }}
model {{
  input x: [1]
  a = 0 * x -> dense(1, bias_init = constant(-1.2))
  output b = 0 * x -> dense(1, bias_init = constant(1.0))
}}
train {{
  loss      = 100 * (b - a^2)^2 + (1 - a)^2
  optimizer = {optimizer}
  precision = float64
  epochs    = 1
}}
"""
    ends, in_vain = [], 0
    for epochs in range(1, 16):
        run = gpubp.train(gpubp.loads(text), device="cpu", epochs=epochs)
        last = run.history[-1]["train.loss"]
        ends.append(run.metrics["train.loss"])
        assert ends[-1] <= last * (1 + 1e-12)
        in_vain += ends[-1] < last
    assert 0 < in_vain < len(ends)
    assert ends == sorted(ends, reverse=True)
    assert ends[-1] < ends[0] / 5


@pytest.mark.parametrize("backend", ["numpy", pytest.param("native", marks=needs_compiler)])
@pytest.mark.parametrize("optimizer", [f"{OPTIMIZER}(damping = 1e-12)", "lbfgs(lr = 100)"])
def test_a_trial_that_overflows_is_taken_back(optimizer: str, backend: str) -> None:
    """The training goes on from the point before, whose loss the step has, and finds the minimum."""
    text = f"""
model {{
  input  x: [1]
  target y: [1]
  rate   = weight([1], init = constant(0.1))
  output p = exp(exp(rate * x))
}}
train {{
  loss = (p - y)^2
  optimizer = {optimizer}
}}
"""
    x = np.linspace(0, 5, 9)[:, None]
    data = {"x": x, "y": np.exp(np.exp(0.3 * x))}
    ex = gpubp.Executor(gpubp.loads(text), "cpu", "float64", backend=backend)
    tried, losses = [], []
    for _ in range(120):
        losses.append(ex.train_step(data))
        tried.append(float(ex.parameters["rate.weight"][0]))
    assert max(tried) > 1.4  # exp(exp(7)) is inf
    assert np.isfinite(losses).all()
    assert sum(loss in losses[:k] for k, loss in enumerate(losses)) >= 3  # that of the point before
    assert tried[-1] == pytest.approx(0.3, abs=1e-5)
    hopeless = gpubp.Executor(gpubp.loads(text.replace("0.1", "300")), "cpu", "float64", backend=backend)
    with pytest.raises(gpubp.DivergedError, match="before any update"):
        hopeless.train_step(data)


def test_parameters_lie_side_by_side_where_all_pairs_make_a_matrix() -> None:
    """Seven numbers are a system of 16 equations, not of 112."""
    net = gpubp.load(Path(__file__).parents[2] / "models" / "mobility.net")
    assert [group.size for group in net.layout.groups] == [16]
    assert [start for _, start in net.layout.places.values()] == [*range(7)]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    ("optimizer", "x", "y", "what"),
    [
        (OPTIMIZER, 1.0, 1e20, ("the loss is inf at step 1", "the loss, or its curvature, is not finite at step 1")),
        ("lbfgs", 1.0, 1e20, ("the loss is inf at step 1", "the loss is not finite at step 1")),
        (OPTIMIZER, 1e20, 1.0, ("the curvature of the loss overflows at step 1, where the loss is 1", "its curvature")),
    ],
)
def test_what_overflows_before_any_trial(optimizer: str, x: float, y: float, what: tuple[str, str], count: int) -> None:
    """Where all gradients are finite; the weights stay, alone and with restarts."""
    ex = executor(
        "input x: [1]\ntarget y: [1]\noutput p = x * weight([1], init = zeros)", "mse(p, y)", "float32", optimizer
    )
    many = Ensemble(ex.net, 2, "cpu", "float32", backend="numpy") if count > 1 else ex
    with pytest.raises(gpubp.DivergedError, match=what[count - 1]):
        many.run_steps(many.place({"x": [[x]], "y": [[y]]}), 2, 1)
    for kept in [many.member(k) for k in range(2)] if isinstance(many, Ensemble) else [ex]:
        np.testing.assert_array_equal(kept.parameters["p.weight"], [0.0])
