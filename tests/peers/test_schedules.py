"""Schedules beside PyTorch: the factor of the rate in each of 200 steps, as the program makes it."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from gpubp.frontend import Stand
from gpubp.registry import ENTRIES

from .nets import Array, fixture

FILE = fixture("schedules")
NAMES = [name for name in FILE if name != "torch" and "/" not in name]
STEPS, EPOCH = 200, 40


def make(schedule: str, optimizer: str = "sgd(lr = 1)") -> gpubp.Executor:
    """A net whose one weight moves by the rate in each step."""
    text = f"""
model {{
  input x: [1]
  output p = x -> dense(1, init = zeros, bias = false)
}}
train {{
  loss      = sum(p)
  optimizer = {optimizer}
  schedule  = {schedule}
  steps     = {STEPS}
}}
"""
    ex = gpubp.Executor(gpubp.loads(text), device="cpu", precision="float64")
    ex.set_counters({"epoch_steps": EPOCH})
    return ex


def moves(ex: gpubp.Executor, steps: int) -> Array:
    """How far the weight falls in each step."""
    (weight,) = ex.parameters.values()
    out = []
    for _ in range(steps):
        weight[...] = 0
        ex.train_step({"x": [[1.0]]})
        out.append(-weight.item())
    return np.array(out)


@pytest.mark.parametrize("name", NAMES)
def test_every_step(name: str) -> None:
    np.testing.assert_allclose(moves(make(name), STEPS), FILE[name], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_a_resume_is_no_step_off(name: str) -> None:
    first, second = make(name), make(name)
    moves(first, 47)
    second.load_state_dict(first.state_dict())
    np.testing.assert_allclose(moves(second, 100), FILE[name][47:147], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("step(every = 3steps, factor = 0)", [1, 1, 1, 0, 0, 0, 0]),
        ("drops([2steps, 4steps], factor = 0)", [1, 1, 0, 0, 0, 0, 0]),
        ("exponential(factor = 0)", [1, 0, 0, 0, 0, 0, 0]),
        ("cyclic(every = 4steps, start = 0, factor = 0)", [0, 0.5, 1, 0.5, 0, 0, 0]),
    ],
)
def test_a_factor_of_0(schedule: str, rates: list[float]) -> None:
    """Which is exp(n log(factor)) of no number."""
    assert moves(make(schedule), len(rates)).tolist() == rates


def test_every_schedule_is_compared() -> None:
    found = {name.split("(")[0] for name in NAMES} | {"plateau"}
    assert found == {name for part, name in ENTRIES if part == "schedule"}


def test_plateau() -> None:
    stand, rates = Stand(), []
    for epoch, figure in enumerate(FILE["plateau/figures"].tolist(), 1):
        stand = stand.after(figure, epoch * EPOCH, factor=0.5, patience=3 * EPOCH, least=0.1)
        rates.append(stand.scale)
    assert rates == FILE["plateau/rates"].tolist()
    assert len(set(rates)) == 5
