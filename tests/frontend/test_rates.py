"""The learning rate that a curve shows is the one that the update takes."""

from __future__ import annotations

import pytest

import gpubp
from gpubp.frontend import rates
from gpubp.frontend.plateau import Plateau, Stand

TEXT = """
data {
  x = [[1], [2], [3], [4]]
  y = [[1], [1], [1], [1]]
}
model {
  input  x: [1]
  target y: [1]
  output p = x -> dense(1, init = zeros)
}
train {
  loss      = sum(p - y)
  optimizer = OPTIMIZER
  SCHEDULE
  batch     = 2
  epochs    = 6
  MORE
}
"""


def net(schedule: str, more: str = "", optimizer: str = "sgd(lr = 0.5)") -> gpubp.Net:
    text = (
        TEXT.replace("SCHEDULE", f"schedule = {schedule}" if schedule else "")
        .replace("MORE", more)
        .replace("OPTIMIZER", optimizer)
    )
    return gpubp.loads(text)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "cosine(to = 10%)",
        "linear(over = 2epochs)",
        "step(every = 3steps)",
        "exponential(factor = 0.5, every = 1epochs)",
    ],
)
@pytest.mark.parametrize("more", ["", "accumulate = 2"])
def test_it_is_the_step_of_a_bias_whose_gradient_is_one(schedule: str, more: str) -> None:
    loaded = net(schedule, more)
    found = rates(loaded, range(12), 2, 12)
    assert found is not None
    taken = []
    for epochs in range(7):
        bias = 0.0
        if epochs:
            ex = gpubp.Executor(loaded, "cpu", "float64", backend="numpy")
            ex.set_counters({"epoch_steps": 2, "total_steps": 12})
            for _ in range(2 * epochs):
                ex.train_step({"x": [[1.0], [2.0]], "y": [[1.0], [1.0]]})
            bias = float(ex.parameters["p.dense.bias"][0])
        taken.append(-bias)
    for epoch in range(6):
        # With `accumulate`, the two steps of an epoch make one update.
        wanted = found[2 * epoch] if more else found[2 * epoch] + found[2 * epoch + 1]
        assert taken[epoch + 1] - taken[epoch] == pytest.approx(wanted, rel=1e-12)


def test_a_rate_that_nobody_knows_is_none() -> None:
    plateau = net("plateau(train.loss, factor = 0.5, patience = 1epochs)")
    assert rates(plateau, [0, 2, 4], 2, 12, [{"step": 2, "train.loss": 1.0}, {"step": 4}]) is None
    assert rates(gpubp.loads("model {\n  input x: [1]\n  output p = x -> dense(1)\n}"), [0], 2, 12) is None


@pytest.mark.parametrize("rising", [False, True])
@pytest.mark.parametrize(("patience", "in_epochs"), [(2.0, True), (8.0, False)])
def test_a_plateau_waits_for_what_is_better(rising: bool, patience: float, in_epochs: bool) -> None:
    plateau, sign = Plateau("valid.f", rising, 0.5, patience, in_epochs, 0.0), -1 if rising else 1
    stand, found = Stand(), []
    for step, figure in zip(range(4, 32, 4), (3.0, 2.0, 2.5, 2.0, 1.0, 1.5, 4.0), strict=True):
        stand = plateau.after(stand, {"valid.f": sign * figure}, step, 4.0)
        found.append((stand.best, stand.since, stand.scale))
    assert found == [(3, 4, 1), (2, 8, 1), (2, 8, 1), (2, 16, 0.5), (1, 20, 0.5), (1, 20, 0.5), (1, 28, 0.25)]
