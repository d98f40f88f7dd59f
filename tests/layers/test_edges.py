"""Formulas at their edges: powers of 0, moved probabilities, seeds beyond 32 bits, layers fitted to data."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from gpubp.ops.elementwise import SMALLEST


def executor(model: str, loss: str = "mse(p, y)", seed: int = 0) -> gpubp.Executor:
    head = "model {\n input x: [2]\n target y: [2]\n "
    text = f"{head}{model}\n}}\ntrain {{\n loss = {loss}\n optimizer = sgd(lr = 0.1)\n}}"
    return gpubp.Executor(gpubp.loads(text), device="cpu", precision="float64", seed=seed)


ZEROS = {"x": np.zeros((3, 2)), "y": np.ones((3, 2))}


@pytest.mark.parametrize("power", ["^0", "^1.5", "^2", "^(1 + 0 * x)"])
def test_powers_of_zero_have_finite_gradients(power: str) -> None:
    _, gradients = executor(f"output p = (x -> dense(2)){power}").gradients(ZEROS)
    assert all(np.isfinite(g).all() for g in gradients.values())


def test_the_kinks_of_hardswish() -> None:
    """Their slopes are those of the outer pieces."""
    ex = executor("output p = (x -> dense(2, init = [[1, 0], [0, 1]])) -> hardswish", "sum(p * y)")
    for x, slope in (([-3.0, 3.0], [0.0, 1.0]), ([-2.99, 2.99], [-2.98 / 6, 8.98 / 6]), ([-3.01, 3.01], [0.0, 1.0])):
        _, gradients = ex.gradients({"x": np.array([x]), "y": np.ones((1, 2))})
        np.testing.assert_allclose(gradients["p.dense.bias"], slope, atol=1e-12)


def test_a_choice_between_two_numbers() -> None:
    ex = executor("output p = where(x > 0, 2, -3)")
    assert ex.predict(np.array([[1.0, -1.0]])).tolist() == [[2.0, -3.0]]


@pytest.mark.parametrize("move", ["", " -> reshape([1, 2]) -> reshape([2])", " -> flatten"])
def test_probabilities_may_be_moved_and_stay_stable(move: str) -> None:
    ex = executor(f"output p = 1000 * (x + (x -> dense(2))) -> sigmoid{move}", "binary_cross_entropy(p, y)")
    assert ex.net.warnings == ()
    data = {"x": np.full((3, 2), 50.0), "y": np.zeros((3, 2))}
    loss, gradients = ex.gradients(data)
    assert np.isfinite(loss)
    assert loss > 1000
    assert all(np.isfinite(g).all() for g in gradients.values())


def test_a_clamped_probability_has_no_slope() -> None:
    with_zero = executor("output p = relu(x -> dense(2, init = zeros))", "binary_cross_entropy(p, y)")
    _, gradients = with_zero.gradients(ZEROS)
    assert all(np.isfinite(g).all() for g in gradients.values())


def test_a_probability_is_clamped_at_the_smallest_normal_number() -> None:
    assert {name: float(np.finfo(name).tiny) for name in SMALLEST} == SMALLEST


def test_all_bits_of_a_seed_count() -> None:
    data = {"x": np.ones((3, 2)), "y": np.ones((3, 2))}
    losses = []
    for seed in (1, 1 + 2**32):
        ex = executor("output p = x -> dropout(50%) -> dense(2, init = ones)", seed=seed)
        losses.append([ex.train_step(data) for _ in range(8)])
    assert losses[0] != losses[1]


def test_the_first_training_call_fits_what_is_not_fitted() -> None:
    x = np.random.default_rng(0).normal(5.0, 3.0, (50, 2))
    data = {"x": x, "y": x}
    first, second = executor("output p = x -> standardize"), executor("output p = x -> standardize")
    first.train_steps(data, steps=2, batch=10)
    second.fit({"x": x * 2})
    second.fit(data)
    for ex in (first, second):
        np.testing.assert_allclose(ex.predict(x), (x - x.mean(0)) / x.std(0), rtol=1e-12)


def test_a_state_saved_before_the_first_step_is_still_to_be_fitted() -> None:
    x = np.random.default_rng(0).normal(5.0, 3.0, (50, 2))
    ex, other = executor("output p = x -> standardize"), executor("output p = x -> standardize")
    other.load_state_dict(ex.state_dict())
    other.train_step({"x": x, "y": x})
    np.testing.assert_allclose(other.predict(x).mean(0), 0.0, atol=1e-12)
    ex.load_state_dict(other.state_dict())
    ex.train_step({"x": x * 7, "y": x})
    np.testing.assert_array_equal(ex.predict(x), other.predict(x))


STAGES = (
    *("conv(3, 3, pad = same)", "depthwise_conv(3)", "conv_transpose(2, 2, 2)", "maxpool(2)", "avgpool(2)"),
    *("global_avgpool", "global_maxpool", "upsample(2, mode = bilinear)", "batchnorm", "layernorm", "groupnorm(2)"),
    *("rmsnorm", "reshape([16, 4]) -> lstm(3)", "reshape([16, 4]) -> gru(3)", "reshape([16, 4]) -> rnn(3)"),
    *("reshape([16, 4]) -> attention(2)", "standardize", "flatten -> dense(3)", "swiglu", "glu"),
)


@pytest.mark.parametrize("stage", STAGES)
def test_zeros_denormals_and_pictures_of_one_colour(stage: str) -> None:
    """Every stage and its derivatives stay finite, in both precisions, where nothing varies and all is as small as can
    be; and so do some steps."""
    text = f"""
model {{
  input  x: [4, 4, 4]
  target y: class(2)
  output p = x -> {stage} -> flatten -> dense(2) -> softmax
}}
train {{
  loss      = cross_entropy(p, y)
  optimizer = adam
}}
"""
    net = gpubp.loads(text)
    for precision, tiny in (("float32", 1e-45), ("float64", 5e-324)):
        ex = gpubp.Executor(net, device="cpu", precision=precision)
        for value in (0.0, -0.0, tiny, 1e10 * tiny, 1.0):
            rows = {"x": np.full((3, 4, 4, 4), value), "y": [0, 1, 1]}
            ex.fit(rows)
            assert np.isfinite(ex.predict(rows["x"])).all()
            assert all(np.isfinite(g).all() for g in ex.gradients(rows)[1].values())
            assert np.isfinite([ex.train_step(rows) for _ in range(3)]).all()
