"""Nets for the tests of the executor, as text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import gpubp

PLAIN = """
model {
  input  x: [3]
  target y: [1]
  hidden   = x -> dense(4) -> tanh
  output p = hidden -> dense(1)
}
train { loss = mse(p, y) + l2(0.01)
  optimizer = adam(lr = 0.01)
  epochs = 1
}
"""

DROPOUT = PLAIN.replace("tanh", "tanh -> dropout(50%)")

LABELS = """
model {
  input  x: [2]
  input  kind: class(3)
  target label: class(4)
  scores = concat(x, one_hot(kind)) -> dense(4)
  output p = softmax(scores)
  output top = max(p)
}
train {
  loss = cross_entropy(p, label)
  optimizer = sgd(lr = 0.1, momentum = 0.9)
  metrics = [accuracy(p, label)]
  epochs = 1
}
"""

PREDICT_ONLY = """
model {
  input x: [3]
  output p = x -> dense(2, init = ones, bias_init = [1, 2])
}
"""


def executor(text: str = PLAIN, precision: str | None = None, seed: int | None = 0) -> gpubp.Executor:
    return gpubp.Executor(gpubp.loads(text), device="cpu", precision=precision, seed=seed)


def rows(count: int, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Data for PLAIN and DROPOUT."""
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(count, 3)), "y": rng.normal(size=(count, 1))}


def labelled(count: int, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Data for LABELS."""
    rng = np.random.default_rng(seed)
    return {
        "x": rng.normal(size=(count, 2)),
        "kind": rng.integers(0, 3, count),
        "label": rng.integers(0, 4, count),
    }


def contents(ex: gpubp.Executor) -> dict[str, bytes]:
    """Every byte of an executor's state."""
    return {name: array.tobytes() for name, array in ex.state_dict().items()}
