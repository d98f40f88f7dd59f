"""A small net on fixed rows, with more keys of `train`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import gpubp
from tests.peers.nets import Array

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)), RNG.normal(size=(12, 2))
MODEL = "hidden = x -> dense(4) -> tanh\n  output p = hidden -> dense(2)"


def make(
    keys: str, optimizer: str = "adam(lr = 0.05)", model: str = MODEL, precision: str = "float64"
) -> gpubp.Executor:
    text = f"""
model {{
  input  x: [3]
  target y: [2]
  {model}
}}
train {{
  loss      = mse(p, y) + l2(0.01)
  optimizer = {optimizer}
  {keys}
}}
"""
    return gpubp.Executor(gpubp.loads(text), device="cpu", precision=precision, start=False)


def rows(*sizes: int) -> Iterator[dict[str, Array]]:
    """The rows X, Y in batches of these sizes, again and again from the first."""
    at = 0
    for size in sizes:
        yield {"x": X[at : at + size], "y": Y[at : at + size]}
        at = (at + size) % len(X)


def weights(ex: gpubp.Executor) -> dict[str, Array]:
    return {name: value.copy() for name, value in ex.parameters.items()}


def same(a: dict[str, Array], b: dict[str, Array], tolerance: float = 1e-12) -> None:
    assert a.keys() == b.keys()
    for name, value in a.items():
        np.testing.assert_allclose(value, b[name], rtol=tolerance, atol=tolerance, err_msg=name)


def equal(a: dict[str, Array], b: dict[str, Array]) -> bool:
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)
