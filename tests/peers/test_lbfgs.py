"""L-BFGS beside PyTorch, step by step, and beside SciPy, at the minimum."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp

from .nets import Array, close, executor, fixture

FILE = fixture("lbfgs")
ROWS = {"x": FILE["x"], "y": FILE["y"]}
MODEL = """input x: [4]
           target y: class(3)
           output p = x -> dense(3) -> softmax"""


def make(optimizer: str, precision: str = "float64") -> gpubp.Executor:
    ex = executor(MODEL, "cross_entropy(p, y) + l2(0.02)", precision, optimizer)
    ex.set_parameters({"p.dense.weight": FILE["start"], "p.dense.bias": np.zeros(3)})
    return ex


def place(ex: gpubp.Executor) -> Array:
    return np.concatenate([ex.parameters["p.dense.weight"].ravel(), ex.parameters["p.dense.bias"]])


@pytest.mark.parametrize(("history", "name"), [(10, "path"), (2, "path2")])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_each_step_is_that_of_the_peer(history: int, name: str, precision: str) -> None:
    """The first trial of every direction is accepted, which is the peer's step without a line search."""
    ex = make(f"lbfgs(history = {history})", precision)
    for wanted in FILE[name]:
        ex.train_step(ROWS)
        close(place(ex), wanted, precision)


def test_the_minimum_takes_as_many_evaluations_as_the_peer_needs() -> None:
    """SciPy's line search interpolates, which saves an evaluation or two."""
    ex, lowest, evaluations = make("lbfgs"), float(FILE["lowest"]), int(FILE["evaluations"])
    losses = [ex.train_step(ROWS) for _ in range(40)]
    assert losses[-1] == pytest.approx(lowest, abs=1e-13)
    assert next(k for k, loss in enumerate(losses, 1) if loss - lowest < 1e-9) <= evaluations + 2
