"""Dropout, standardize and penalties: what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpubp
from tests.peers.nets import Array, executor

PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])


def dropped(rate: str, width: int, *, seed: int = 0, precision: str = "float64") -> tuple[gpubp.Executor, Any]:
    """An executor, and what dropout makes of ones at the step it stands at.

    The gradient of sum(drop(x) W u) by W is the value that W multiplies.
    """
    ex = executor(
        f"""input x: [{width}]
            target u: [1]
            output p = x -> dropout({rate}) -> dense(1, init = ones, bias = false)""",
        "sum(p * u)",
        precision,
    )
    ex = gpubp.Executor(ex.net, device="cpu", precision=precision, seed=seed)

    def values() -> Array:
        return np.asarray(ex.gradients(batch(width))[1]["p.dense.weight"])[:, 0]

    return ex, values


def batch(width: int) -> dict[str, Array]:
    return {"x": np.ones((1, width)), "u": np.ones((1, 1))}


@PRECISIONS
def test_dropout_keeps_the_mean(precision: str) -> None:
    n, rate = 100_000, 0.3
    _, values = dropped("30%", n, precision=precision)
    v = values()
    assert v.dtype == precision
    np.testing.assert_allclose(np.unique(v), [0, 1 / (1 - rate)], rtol=1e-6)
    assert abs((v == 0).mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / n)
    assert abs(v.mean() - 1) < 5 * np.sqrt(rate / (1 - rate) / n)


def test_dropout_0_is_the_identity_and_1_gives_zeros() -> None:
    _, values = dropped("0%", 50)
    assert (values() == 1).all()
    ex, values = dropped("100%", 50)
    assert (values() == 0).all()
    assert ex.gradients(batch(50))[0] == 0


@pytest.mark.parametrize("rate", ["0%", "30%", "100%"])
def test_dropout_is_the_identity_in_evaluation(rate: str) -> None:
    ex, _ = dropped(rate, 50)
    assert ex.predict(batch(50)["x"]).item() == 50
    assert ex.loss(batch(50)) == 50


def test_dropout_draws_anew_at_each_step_and_the_same_for_the_same_step() -> None:
    ex, values = dropped("50%", 200)
    first = values()
    np.testing.assert_array_equal(first, values())
    ex.train_step(batch(200))
    second = values()
    assert (first != second).mean() > 0.3
    _, other = dropped("50%", 200, seed=1)
    assert (first != other()).mean() > 0.3
    state = ex.state_dict()
    _, values = dropped("50%", 200)
    np.testing.assert_array_equal(values(), first)
    ex, values = dropped("50%", 200, seed=7)
    ex.load_state_dict(state)
    np.testing.assert_array_equal(values(), second)


def test_two_dropouts_draw_apart() -> None:
    ex = executor(
        """input x: [200]
           target u: [1]
           a = x -> dropout(50%) -> dense(1, init = ones, bias = false)
           b = x -> dropout(50%) -> dense(1, init = ones, bias = false)
           output p = a + b""",
        "sum(p * u)",
    )
    _, found = ex.gradients(batch(200))
    assert 0.3 < (found["a.dense.weight"] != found["b.dense.weight"]).mean() < 0.7


@PRECISIONS
@pytest.mark.parametrize("rows", [1, 7, 10_000])
def test_standardize(rows: int, precision: str) -> None:
    """Statistics of all rows, in one pass over batches; a feature that never varies becomes 0."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 4)) * [1.0, 1e-3, 50.0, 0.0] + [0.0, 2.0, -300.0, 7.0]
    x = x.astype(precision).astype("float64")
    ex = executor(
        """input x: [4]
           target y: [4]
           output p = x -> standardize""",
        "mse(p, y)",
        precision,
    )
    ex.fit({"x": x})
    std = x.std(0)
    wanted = np.where(std > 0, (x - x.mean(0)) / np.where(std > 0, std, 1), 0.0)
    tolerance = 1e-9 if precision == "float64" else 1e-3
    np.testing.assert_allclose(ex.predict(x), wanted, atol=tolerance)
    assert (ex.predict(x + 1.0)[:, 3] == 0.0).all()
    close = 1e-12 if precision == "float64" else 1e-7
    state = ex.state_dict()
    np.testing.assert_allclose(state["p.standardize.mean"], x.mean(0), rtol=close, atol=close)
    assert state["p.standardize.count"] == rows


def test_standardize_far_from_zero() -> None:
    rng = np.random.default_rng(0)
    x = 1e8 + rng.normal(size=(9000, 1))
    ex = executor("input x: [1]\ntarget y: [1]\noutput p = x -> standardize", "mse(p, y)")
    ex.fit({"x": x})
    np.testing.assert_allclose(ex.predict(x), (x - x.mean()) / x.std(), atol=1e-6)


def test_statistics_do_not_move_in_training_or_evaluation() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    ex = executor(
        """input x: [3]
           target y: [1]
           output p = x -> standardize -> dense(1)""",
        "mse(p, y)",
    )
    ex.fit({"x": x})
    names = [name for name in ex.state_dict() if "standardize" in name]
    assert len(names) == 3
    before = {name: ex.state_dict()[name] for name in names}
    ex.train_step({"x": 5 + x, "y": y})
    ex.predict(9 * x)
    ex.loss({"x": 9 * x, "y": y})
    for name in names:
        np.testing.assert_array_equal(ex.state_dict()[name], before[name])


def test_nothing_is_computed_without_the_statistics() -> None:
    """An executor that has the weights of another, but not its statistics, would compute nonsense."""
    rng = np.random.default_rng(0)
    rows = {"x": rng.normal(5, 2, size=(20, 3)), "y": rng.normal(size=(20, 1))}
    trained, ex = (
        executor("input x: [3]\ntarget y: [1]\noutput p = x -> standardize -> dense(1)", "mse(p, y)") for _ in range(2)
    )
    trained.train_step(rows)
    ex.set_parameters(trained.parameters)
    for call in (lambda: ex.predict(rows["x"]), lambda: ex.loss(rows), lambda: ex.gradients(rows)):
        with pytest.raises(gpubp.GpubpError, match=r"`p\.standardize` has no statistics of the training rows yet"):
            call()
    ex.fit(rows)
    np.testing.assert_array_equal(ex.predict(rows["x"]), trained.predict(rows["x"]))


def test_standardize_after_standardize_is_fitted_to_what_it_gets() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 2)) * 9 + 4
    ex = executor(
        """input x: [2]
           target y: [2]
           a = x -> standardize
           output p = a + 3 -> standardize""",
        "mse(p, y)",
    )
    ex.fit({"x": x})
    np.testing.assert_allclose(ex.predict(x), (x - x.mean(0)) / x.std(0), atol=1e-12)


MODEL = """input x: [3]
target y: [2]
h = x -> dense(4) -> tanh
output p = h -> dense(2)"""


@PRECISIONS
@pytest.mark.parametrize(
    ("penalty", "value", "slope"),
    [
        ("l1(0.3)", lambda w: 0.3 * np.abs(w).sum(), lambda w: 0.3 * np.sign(w)),
        ("l2(0.3)", lambda w: 0.3 * (w**2).sum(), lambda w: 0.6 * w),
        ("2 * l2(0.1)", lambda w: 0.2 * (w**2).sum(), lambda w: 0.4 * w),
        ("l1(0.1) + l2(0.1)", lambda w: 0.1 * (np.abs(w) + w**2).sum(), lambda w: 0.1 * np.sign(w) + 0.2 * w),
    ],
)
def test_penalties_are_sums_over_weights_and_leave_biases_alone(
    penalty: str, value: Any, slope: Any, precision: str
) -> None:
    rng = np.random.default_rng(0)
    plain, ex = executor(MODEL, "mse(p, y)", precision), executor(MODEL, f"mse(p, y) + {penalty}", precision)
    parameters = {name: rng.normal(size=p.shape) for name, p in ex.parameters.items()}
    rows = {"x": rng.normal(size=(6, 3)), "y": rng.normal(size=(6, 2))}
    for one in (plain, ex):
        one.set_parameters(parameters)
    weights = [w for name, w in parameters.items() if name.endswith("weight")]
    total = sum(value(w) for w in weights)
    tolerance = 1e-12 if precision == "float64" else 1e-5
    assert ex.evaluate(rows)["penalty"] == pytest.approx(total, rel=tolerance)
    assert ex.evaluate(rows)["loss"] == pytest.approx(plain.loss(rows), rel=tolerance)
    assert ex.loss(rows) == pytest.approx(plain.loss(rows) + total, rel=tolerance)
    (loss, found), (base, without) = ex.gradients(rows), plain.gradients(rows)
    assert loss == pytest.approx(base + total, rel=tolerance)
    for name, g in found.items():
        if name.endswith("bias"):
            np.testing.assert_array_equal(g, without[name])
        else:
            np.testing.assert_allclose(g - without[name], slope(parameters[name]), rtol=tolerance, atol=tolerance)
    assert ex.train_step(rows) == pytest.approx(loss, rel=tolerance)


def test_a_penalty_on_a_weight_itself_is_reported_as_it_was_before_the_step() -> None:
    ex = executor(
        """input x: [1]
           target y: [1]
           layer last = dense(1)
           output p = x -> last""",
        "mse(p, y) + last.bias",
    )
    ex.set_parameters({"last.weight": [[1.0]], "last.bias": [0.25]})
    rows = {"x": [[2.0]], "y": [[1.0]]}
    assert ex.loss(rows) == ex.gradients(rows)[0] == ex.train_step(rows) == 1.25**2 + 0.25
