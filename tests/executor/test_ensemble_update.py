"""Restarts side by side with everything that an update can do: each is, bit for bit, the run with its own seed."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from gpubp.executor import Ensemble

TEXT = """
model {
  input  x: [3]
  target y: class(3)
  hidden   = x -> dense(4) -> tanh -> dense(4) -> dropout(20%)
  output p = hidden -> dense(3) -> softmax
}
train {
  loss       = cross_entropy(p, y, smooth = 0.1)
  optimizer  = OPTIMIZER
  schedule   = warmup(1epochs, cosine)
  accumulate = 2
  average    = ema(0.9)
  freeze     = [hidden.dense]
  rates      = [rate(p, 3)]
  clip       = clip_norm(0.1)
  metrics    = [auc(p, y), f1(p, y), confusion(p, y)]
  epochs     = 4
}
"""


@pytest.mark.parametrize(
    "optimizer", ["adamw", "nadam", "lion", "rprop(backtrack = true)", "quickprop", "lbfgs(history = 2)"]
)
def test_each_is_its_own_run(optimizer: str) -> None:
    text = TEXT.replace("OPTIMIZER", optimizer)
    if optimizer.startswith("lbfgs"):  # which allows neither
        text = "".join(line for line in text.splitlines(True) if not line.strip().startswith(("rates", "clip")))
    net = gpubp.loads(text)
    rng = np.random.default_rng(0)
    rows = {"x": rng.normal(size=(22, 3)), "y": rng.integers(0, 3, 22)}
    many = Ensemble(net, 3, "cpu", "float64", seed=5)
    losses, _, _ = many.run_steps(many.place(rows), 9, 8)
    figures = many.evaluate(rows)
    for k in range(3):
        one = gpubp.Executor(net, "cpu", "float64", seed=5 + k)
        alone, _, _ = one.run_steps(one.place(rows), 9, 8)
        np.testing.assert_array_equal(losses[k], alone)
        assert figures[k] == one.evaluate(rows)
        member = many.member(k)
        found, wanted = member.state_dict(), one.state_dict()
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)
        assert member.tables(rows) == one.tables(rows)
