"""What optimizers promise beyond single steps: epsilon's place, what decays, where state begins."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from gpubp import optim
from gpubp.ir import Var
from gpubp.optim import UpdateContext
from gpubp.registry import ENTRIES, NonNegative, register
from tests.peers.nets import executor

MODEL = """input x: [1]
target g: [3]
output p = x -> dense(3)"""
EVERY = sorted(
    name for (part, name), entry in ENTRIES.items() if part == "optimizer" and not entry.least_squares
)  # those have losses of their own, in test_least_squares.py
assert optim.optimizers.sgd is ENTRIES["optimizer", "sgd"].function  # they are registered by their import
START = {"p.dense.weight": [[1.0, -2.0, 3.0]], "p.dense.bias": [1.0, -2.0, 3.0]}


def make(optimizer: str, loss: str = "sum(p * g)", precision: str = "float64") -> gpubp.Executor:
    ex = executor(MODEL, loss, precision, optimizer)
    ex.set_parameters(START)
    return ex


def push(ex: gpubp.Executor, g: list[float], steps: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases after steps with the gradient g each."""
    for _ in range(steps):
        ex.train_step({"x": [[1.0]], "g": [g]})
    return ex.parameters["p.dense.weight"][0].copy(), ex.parameters["p.dense.bias"].copy()


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_where_adams_epsilon_stands(precision: str) -> None:
    """At the first step m_hat / (sqrt(v_hat) + eps) = g / (|g| + eps): one half at g = eps = 1e-8."""
    ex = make("adam(lr = 1)", precision=precision)
    ex.set_parameters({"p.dense.weight": np.zeros((1, 3)), "p.dense.bias": np.zeros(3)})
    w, _ = push(ex, [1e-8, 1.0, -1e-12])
    np.testing.assert_allclose(w, [-0.5, -1 / (1 + 1e-8), 1e-12 / (1e-12 + 1e-8)], rtol=1e-6)


def test_where_rmsprops_epsilon_stands() -> None:
    ex = make("rmsprop(lr = 1, rho = 0.75, eps = 1e-8)")
    ex.set_parameters({"p.dense.bias": np.zeros(3)})
    _, b = push(ex, [1e-8, 1.0, 0.0])
    np.testing.assert_allclose(b, [-1e-8 / (0.5e-8 + 1e-8), -1 / (0.5 + 1e-8), 0], rtol=1e-10)


@pytest.mark.parametrize("optimizer", ["adamw(lr = 0.1, decay = 0.5)", "adamw(lr = 0.1)"])
def test_decay_shrinks_weights_and_leaves_biases_alone(optimizer: str) -> None:
    """Without a gradient, each step multiplies a weight by 1 - lr decay."""
    factor = 1 - 0.1 * (0.5 if "decay" in optimizer else 0.01)
    w, b = push(make(optimizer), [0.0, 0.0, 0.0], steps=3)
    np.testing.assert_allclose(w, np.array(START["p.dense.weight"][0]) * factor**3, rtol=1e-14)
    np.testing.assert_array_equal(b, START["p.dense.bias"])


def test_an_optimizer_from_outside_decays_weights_alone() -> None:
    """Whatever it calls its option."""

    def shrink(cx: UpdateContext, p: Var, g: Var, *, lr: NonNegative, weight_decay: NonNegative = 0.5) -> Var:
        return p - cx.scalar(cx.rate(lr)) * (g + weight_decay * p) if cx.decays else p - cx.scalar(cx.rate(lr)) * g

    register("optimizer", "shrink")(shrink)
    w, b = push(make("shrink(lr = 0.1)"), [0.0, 0.0, 0.0])
    del ENTRIES["optimizer", "shrink"]
    np.testing.assert_allclose(w, np.array(START["p.dense.weight"][0]) * 0.95, rtol=1e-14)
    np.testing.assert_array_equal(b, START["p.dense.bias"])


def test_nesterov_needs_a_momentum() -> None:
    with pytest.raises(gpubp.NetError, match="`nesterov` looks ahead along the momentum, which is 0"):
        make("sgd(lr = 0.1, nesterov = true)")


def test_adamw_is_not_adam_with_a_penalty() -> None:
    g = [1.0, 1e-3, 0.0]
    decoupled, _ = push(make("adamw(lr = 0.01, decay = 0.2)"), g, 5)
    coupled, _ = push(make("adam(lr = 0.01)", "sum(p * g) + l2(0.1)"), g, 5)
    assert (np.abs(decoupled - coupled) > 1e-3).all()
    # Adam divides the penalty's gradient away: the weight without any other gradient still moves by lr a step.
    np.testing.assert_allclose(coupled[2], 3 - 5 * 0.01, atol=1e-4)


@pytest.mark.parametrize("start", ["adam(lr = 0.01)", "adamw(lr = 0.01, decay = 0)"])
def test_adamw_without_decay_is_adam(start: str) -> None:
    w, b = push(make(start), [1.0, -1e-3, 1e-9], 4)
    v, c = push(make("adam(lr = 0.01)"), [1.0, -1e-3, 1e-9], 4)
    np.testing.assert_array_equal(w, v)
    np.testing.assert_array_equal(b, c)


@pytest.mark.parametrize("name", ["adamw", "lion"])
def test_weights_are_updated_apart_from_biases_only_if_they_decay(name: str) -> None:
    groups = [len(make(f"{name}(lr = 0.01, decay = {decay})").net.layout.groups) for decay in (0, 0.1)]
    assert groups == [1, 2]


def test_momentum_0_is_plain_descent_and_keeps_no_state() -> None:
    plain, with_key = make("sgd(lr = 0.1)"), make("sgd(lr = 0.1, momentum = 0)")
    np.testing.assert_array_equal(push(plain, [1.0, 2.0, 3.0], 3)[0], push(with_key, [1.0, 2.0, 3.0], 3)[0])
    np.testing.assert_allclose(push(plain, [0.0, 0.0, 0.0])[0], [1 - 0.3, -2 - 0.6, 3 - 0.9])
    assert not [name for name in plain.state_dict() if name.startswith("optimizer.")]


def test_a_rate_of_0_changes_no_parameter() -> None:
    rated = [name for name in EVERY if name != "rprop"]  # whose `lr` is a first step
    for optimizer in ("sgd(lr = 0, momentum = 0.9)", *(f"{name}(lr = 0)" for name in rated)):
        w, b = push(make(optimizer), [1.0, 2.0, 3.0], 3)
        assert (w.tolist(), b.tolist()) == (START["p.dense.weight"][0], START["p.dense.bias"])


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("g", [[0.0, 0.0, 0.0], [1e30, -1e30, 1e-30], [1e-45, 0.0, 1e15]])
def test_every_optimizer_stays_finite(name: str, precision: str, g: list[float]) -> None:
    """Also where there never was a gradient, and where squares leave the range of float32 from below."""
    if precision == "float32":
        g = [min(v, 1e15) if v > 0 else max(v, -1e15) for v in g]  # the square of more is inf
    ex = make(f"{name}(lr = 1e-3{', decay = 0' if name == 'adamw' else ''})", precision=precision)
    first = {key: value.copy() for key, value in ex.parameters.items()}
    push(ex, g, 5)
    for key, value in ex.parameters.items():
        assert np.isfinite(value).all()
        still = np.array(g) == 0
        np.testing.assert_array_equal(value[..., still], first[key][..., still])


WITH_STATES = ["sgd(lr = 0.1, momentum = 0.9)", "rprop(backtrack = true)", *(f"{name}(lr = 0.1)" for name in EVERY)]


@pytest.mark.parametrize("optimizer", WITH_STATES)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_resume_goes_on_bit_for_bit(optimizer: str, precision: str) -> None:
    gradients = np.random.default_rng(0).normal(size=(10, 3)).tolist()
    one = make(optimizer, precision=precision)
    for g in gradients:
        push(one, g)
    first = make(optimizer, precision=precision)
    for g in gradients[:4]:
        push(first, g)
    second = make(optimizer, precision=precision)
    second.load_state_dict(first.state_dict())
    for g in gradients[4:]:
        push(second, g)
    wanted, found = one.state_dict(), second.state_dict()
    assert wanted.keys() == found.keys()
    for name, value in wanted.items():
        assert value.tobytes() == found[name].tobytes(), name


def test_bias_corrections_do_not_cancel_for_many_steps() -> None:
    """With a constant gradient Adam moves by lr each step, at step 1 and at step 5000."""
    ex = make("adam(lr = 0.01, beta2 = 0.9999)", precision="float32")
    ex.set_parameters({"p.dense.bias": np.zeros(3)})
    for steps in (1, 2, 3):
        _, b = push(ex, [2.0, -1e-2, 1.0])
        np.testing.assert_allclose(b, -0.01 * steps * np.array([1, -1, 1]), rtol=1e-4)
    ex.load_state_dict(ex.state_dict() | {"step": np.array(10**9)})
    push(ex, [1.0, 1.0, 1.0])
    assert all(np.isfinite(p).all() for p in ex.parameters.values())
