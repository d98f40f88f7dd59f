"""Optimizers that compare the gradients of two updates, beyond the steps that tests/peers compares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpubp
from tests.peers.nets import executor

from .worlds import X, Y, equal, make, weights

FILE = """
data {
  x = normal(40, [3])
  y = normal(40, [1])
  split = split(train = 75%, test = 25%)
}
model {
  input  x: [3]
  target y: [1]
  output p = x -> dense(1)
}
train {
  loss      = mse(p, y)
  optimizer = OPTIMIZER
  epochs    = 1
}
"""


def one_weight(optimizer: str, precision: str = "float64", start: float = 3.0) -> gpubp.Executor:
    """A weight w alone, whose loss is scale (w - lowest)^2 / 2."""
    ex = executor("input lowest: [1]\ntarget scale: [1]\noutput w = 0 * lowest -> dense(1)", LOSS, precision, optimizer)
    ex.set_parameters({"w.dense.bias": [start]})
    return ex


LOSS = "sum(scale * (w - lowest) * (w - lowest)) / 2"


def path(ex: gpubp.Executor, steps: int, scale: float = 1.0, lowest: float = 0.0) -> list[float]:
    """Where the weight is after each step."""
    found = []
    for _ in range(steps):
        ex.train_step({"lowest": [[lowest]], "scale": [[scale]]})
        found.append(float(ex.parameters["w.dense.bias"][0]))
    return found


@pytest.mark.parametrize("form", ["rprop", "rprop(backtrack = true)"])
def test_rprop_looks_at_signs_alone(form: str) -> None:
    """The way is the same whatever the loss is multiplied by, also where a product of two gradients is 0."""
    for precision, scales in (("float64", (1e-200, 1e200)), ("float32", (1e-30, 1e30))):
        wanted = path(one_weight(form, precision), 40)
        assert abs(wanted[-1]) < 0.01
        assert all(path(one_weight(form, precision), 40, scale) == wanted for scale in scales)


def test_rprop_takes_the_last_move_back_where_asked_to() -> None:
    """From 0.15 by 0.1 and 0.12 to -0.07, where the gradient turns."""
    plain, back = (path(one_weight(f"rprop({text})", start=0.15), 4) for text in ("", "backtrack = true"))
    np.testing.assert_allclose(plain, [0.05, -0.07, -0.07, -0.01], atol=1e-12)
    np.testing.assert_allclose(back, [0.05, -0.07, 0.05, -0.01], atol=1e-12)


def test_rprop_keeps_its_steps_within_their_limits() -> None:
    """A rate's schedule moves more or less by them."""
    moves = -np.diff([0.0, *path(one_weight("rprop(max_step = 0.2)", start=0.0), 9, lowest=-99)])
    np.testing.assert_allclose(moves, [0.1, 0.12, 0.144, 0.1728, *[0.2] * 5], atol=1e-12)
    fixed = path(one_weight("rprop(min_step = 0.1, max_step = 0.1)", start=0.0), 4, lowest=-99)
    np.testing.assert_allclose(fixed, [-0.1, -0.2, -0.3, -0.4], atol=1e-12)
    half = one_weight("rprop(max_step = 0.2)", start=0.0)
    half.set_counters({"rate_scale": 0.5})
    np.testing.assert_allclose(-np.diff([0.0, *path(half, 9, lowest=-99)]), moves / 2, atol=1e-12)
    ends = path(one_weight("rprop(min_step = 0.01)"), 200)[-20:]
    assert np.abs(np.diff(ends)).max() < 0.011


@pytest.mark.parametrize("scale", [1e-3, 1.0, 20.0])
def test_quickprop_finds_the_lowest_point_of_a_parabola(scale: float) -> None:
    """Of its own, before it, at one leap; else each move is `growth` times the last at most, plus the slope's."""
    found = path(one_weight("quickprop(lr = 0.08)"), 60, scale, lowest=1.0)
    assert found[-1] == pytest.approx(1.0, abs=1e-9)
    if scale == 20.0:
        assert found[0] == pytest.approx(3.0 - 0.08 * 40)  # beyond it: the next move is the parabola's alone
        assert found[1] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("optimizer", ["rprop", "rprop(backtrack = true)", "quickprop(lr = 0.05)", "lbfgs"])
def test_batches_that_are_gathered_are_one(optimizer: str) -> None:
    """A first move counts from the first update, not the first batch."""
    small, large = make("accumulate = 3", optimizer), make("", optimizer)
    for _ in range(6):
        for at in range(0, 12, 4):
            small.train_step({"x": X[at : at + 4], "y": Y[at : at + 4]})
        large.train_step({"x": X, "y": Y})
        for name, value in weights(small).items():
            np.testing.assert_allclose(value, weights(large)[name], rtol=1e-9)


@pytest.mark.parametrize("optimizer", ["rprop(backtrack = true)", "quickprop(lr = 0.05)", "lbfgs(history = 3)"])
def test_compiled_steps_are_those_of_numpy(optimizer: str) -> None:
    ex, other = (
        gpubp.Executor(make("", optimizer, precision="float64").net, "cpu", "float64", backend=backend)
        for backend in ("numpy", "native")
    )
    for one in (ex, other):
        one.train_steps({"x": X, "y": Y}, steps=15, batch=12)
    for name, value in ex.state_dict().items():
        np.testing.assert_allclose(other.state_dict()[name], value, rtol=1e-7, atol=1e-12, err_msg=name)
    assert not equal(ex.state_dict(), make("", optimizer).state_dict())


@pytest.mark.parametrize(
    ("optimizer", "at", "message"),
    [
        ("rprop(lr = 0)", "0", "the first step, `lr` = 0, must lie within `min_step` = 1e-06 and `max_step` = 50"),
        ("rprop(lr = 60)", "60", "must lie within"),
        ("rprop(min_step = 0)", "0", "must lie within"),
        ("rprop(min_step = 3, max_step = 2)", None, "must lie within"),
        ("rprop(eta_plus = 1)", "1", "a step shrinks by the one, grows by the other"),
        ("rprop(eta_minus = 0)", "0", "a step shrinks by the one"),
        ("rprop(eta_minus = 100%)", "100%", "a step shrinks by the one"),
        ("quickprop(growth = 0)", "0", "`growth` must be above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(optimizer: str, at: str | None, message: str) -> None:
    with pytest.raises(gpubp.NetError, match=message) as caught:
        make("", optimizer)
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert span.text == (at or optimizer)


@pytest.mark.parametrize(
    ("optimizer", "keys", "steps"), [("lbfgs", "", 1), ("lbfgs", "batch = 32", 2), ("adam", "", 2)]
)
def test_without_a_batch_an_update_is_of_all_rows(optimizer: str, keys: str, steps: int) -> None:
    text = FILE.replace("OPTIMIZER", f"{optimizer}\n  {keys}").replace("normal(40,", "normal(80,")
    run = gpubp.train(gpubp.loads(text), "cpu")
    assert len(run.dataset.parts["train"]) == 60
    assert run.executor.step == steps
    assert [one.code for one in run.dataset.warnings] == ["W0508"] * (keys != "")


@pytest.mark.parametrize(
    ("optimizer", "keys", "told"),
    [
        ("rprop", "batch = 29", ["an update takes 29 rows of 30 to train on"]),
        ("quickprop", "batch = 8\n  accumulate = 2", ["an update takes 16 rows of 30 to train on"]),
        ("rprop", "batch = 8\n  accumulate = 4", []),
        ("lbfgs", "batch = 10", ["an update takes 10 rows of 30 to train on"]),
        ("rprop", "batch = 30", []),
        ("rprop", "", []),
        ("rprop", "accumulate = 1", []),
        ("sgd(0.1)", "batch = 8", []),
    ],
)
def test_parts_of_the_rows_are_told(optimizer: str, keys: str, told: list[str]) -> None:
    """Of rows in a file, and of arrays."""
    net = gpubp.loads(FILE.replace("OPTIMIZER", f"{optimizer}\n  {keys}"))
    arrays: dict[str, Any] = {"x": np.random.default_rng(0).normal(size=(40, 3)), "y": np.zeros((40, 1))}
    for data in (None, arrays):
        warnings = gpubp.train(net, "cpu", data=data).dataset.warnings
        found = [one for one in warnings if one.code == "W0508"]
        assert [one.notes[0] for one in found] == told
        assert all(one.help == ("`batch = 30` uses all rows in each update",) for one in found)
