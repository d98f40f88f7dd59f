"""Normalisation: what batch statistics promise, and that the others know one example alone."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from gpubp.executor.core import Core
from gpubp.frontend import check_data
from tests.peers.nets import Array, executor

PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])
BATCHNORM = "input x: [3]\ntarget y: [3]\noutput p = x -> batchnorm"


def rows(count: int, *shape: int, seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(3.0, 2.0, (count, *shape)), "y": rng.normal(size=(count, *shape))}


def statistics(ex: gpubp.Executor) -> dict[str, Array]:
    return {k: v for k, v in ex.state_dict().items() if k.endswith((".mean", ".variance")) and "optim" not in k}


def test_one_value_per_channel_is_an_error_and_never_nan() -> None:
    ex = executor(BATCHNORM, "mse(p, y)")
    before = {name: array.tobytes() for name, array in ex.state_dict().items()}
    for call in (ex.train_step, ex.gradients):
        with pytest.raises(gpubp.NetError, match="more than one value per channel in a training batch"):
            call(rows(1, 3))
    assert {name: array.tobytes() for name, array in ex.state_dict().items()} == before
    assert np.isfinite(ex.predict(rows(1, 3)["x"])).all()
    assert np.isfinite(ex.loss(rows(1, 3)))


def test_one_row_of_many_positions_is_enough() -> None:
    ex = executor("input x: [4, 3]\ntarget y: [4, 3]\noutput p = x -> batchnorm", "mse(p, y)")
    assert np.isfinite(ex.train_step(rows(1, 4, 3)))


def test_a_last_batch_of_one_row_is_refused_before_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
    data {
      x = [[0], [1], [2], [3], [4]]
      y = [[0], [1], [2], [3], [4]]
    }
    model {
      input  x: [1]
      target y: [1]
      output p = x -> batchnorm -> dense(1)
    }
    train {
      loss = mse(p, y)
      optimizer = sgd(0.1)
      batch = 4
      epochs = 3
    }
    """
    with pytest.raises(gpubp.NetError, match="batchnorm"):
        check_data(gpubp.loads(text))
    with monkeypatch.context() as without:
        without.delattr(Core, "run_steps")
        with pytest.raises(gpubp.NetError, match="batchnorm"):
            gpubp.train(gpubp.loads(text), "cpu")
    before_it = gpubp.loads(text.replace("epochs = 3", "steps = 1"))
    assert check_data(before_it).train_rows == 5
    assert gpubp.train(before_it, "cpu").executor.step == 1


@PRECISIONS
def test_statistics_move_in_training_only(precision: str) -> None:
    ex = executor(BATCHNORM, "mse(p, y)", precision)
    first = statistics(ex)
    assert set(first) == {"p.batchnorm.mean", "p.batchnorm.variance"}
    np.testing.assert_array_equal(first["p.batchnorm.variance"], np.ones(3))
    batch = rows(20, 3)
    ex.predict(batch["x"])
    ex.loss(batch)
    ex.gradients(batch)
    ex.fit({"x": batch["x"]})
    for name, array in statistics(ex).items():
        np.testing.assert_array_equal(array, first[name])
    ex.train_step(batch)
    x = batch["x"].astype(precision)
    close = 1e-12 if precision == "float64" else 1e-5
    np.testing.assert_allclose(statistics(ex)["p.batchnorm.mean"], 0.1 * x.mean(0), rtol=close)
    np.testing.assert_allclose(statistics(ex)["p.batchnorm.variance"], 0.9 + 0.1 * x.var(0, ddof=1), rtol=close)
    assert not any(name.startswith("optimizer") and "mean" in name for name in ex.state_dict())


def test_a_step_with_a_nan_gradient_leaves_the_statistics_alone() -> None:
    ex = executor("input x: [2]\ntarget y: [2]\noutput p = log(x -> batchnorm -> dense(2))", "mse(p, y)")
    before = statistics(ex)
    with pytest.raises(gpubp.DivergedError):
        ex.train_step(rows(8, 2))
    for name, array in statistics(ex).items():
        np.testing.assert_array_equal(array, before[name])


def test_a_shared_layer_sees_one_use_after_the_other() -> None:
    ex = executor(
        """input x: [3]
           target y: [3]
           layer norm = batchnorm(momentum = 0.5)
           output p = (x -> norm) + (2 * x -> norm)""",
        "mse(p, y)",
        optimizer="sgd(lr = 0)",
    )
    batch = rows(10, 3)
    mean = batch["x"].mean(0)
    ex.train_step(batch)
    np.testing.assert_allclose(statistics(ex)["norm.mean"], 0.5 * (0.5 * mean) + 0.5 * (2 * mean))


def test_a_state_with_statistics_continues_to_the_bit() -> None:
    text = "input x: [3]\ntarget y: [3]\noutput p = x -> batchnorm -> dense(3)"
    one, two = executor(text, "mse(p, y)"), executor(text, "mse(p, y)")
    one.train_steps(rows(22, 3), steps=5, batch=11)
    two.load_state_dict(one.state_dict())
    one.train_steps(rows(22, 3), steps=5, batch=11)
    two.train_steps(rows(22, 3), steps=5, batch=11)
    for name, array in one.state_dict().items():
        np.testing.assert_array_equal(two.state_dict()[name], array)


@PRECISIONS
def test_far_from_zero_and_without_variation(precision: str) -> None:
    """A channel that never varies gives the bias; one far from 0 keeps the digits that its input has."""
    ex = executor(BATCHNORM, "mse(p, y)", precision)
    batch = rows(50, 3)
    batch["x"][:, 0] = 7.0
    batch["x"][:, 1] += 1e4
    loss, found = ex.gradients(batch)
    assert np.isfinite(loss)
    assert all(np.isfinite(g).all() for g in found.values())


@pytest.mark.parametrize("layer", ["layernorm", "groupnorm(2)", "rmsnorm", "layernorm(affine = false)"])
def test_an_example_does_not_see_the_others(layer: str) -> None:
    ex = executor(f"input x: [5, 4]\ntarget y: [5, 4]\noutput p = x -> {layer}", "mse(p, y)")
    batch = rows(6, 5, 4)
    whole = ex.predict(batch["x"])
    np.testing.assert_array_equal(ex.predict(batch["x"][2:3])[0], whole[2])
    assert np.isfinite(ex.train_step(rows(1, 5, 4)))
    zero = ex.gradients({"x": np.zeros((2, 5, 4)), "y": np.ones((2, 5, 4))})
    assert np.isfinite(zero[0])
    assert all(np.isfinite(g).all() for g in zero[1].values())


def test_gains_and_biases_do_not_decay() -> None:
    ex = executor("input x: [4]\ntarget y: [4]\noutput p = x -> layernorm", "mse(p, y) + l2(1)")
    assert ex.evaluate(rows(3, 4))["penalty"] == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("input x: [6]\noutput p = x -> groupnorm(4)", "4 groups do not divide 6 channels"),
        ("input x: []\noutput p = x -> batchnorm", "needs an axis of channels"),
        ("input x: [3]\noutput p = x -> batchnorm(momentum = 1.5)", "`momentum` is a fraction, but this is 1.5"),
    ],
)
def test_messages(line: str, message: str) -> None:
    lines = "\n".join(f"  {one}" for one in line.splitlines())
    with pytest.raises(gpubp.NetError, match=message):
        gpubp.loads(f"model {{\n{lines}\n}}\n")
