"""Lists of numbers beside a tensor: constants, with numbers of their own for each feature."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from tests.render.compiled import needs_compiler

NET = """\
param low = 800
model {{
  input  x: {shape}
  target y: {shape}
  output p = {formula}
}}

train {{
  loss      = mse(p, y)
  optimizer = sgd(lr = 0.1)
}}
"""


@pytest.mark.parametrize("backend", ["numpy", pytest.param("native", marks=needs_compiler)])
def test_each_feature_has_a_number_of_its_own(backend: str) -> None:
    net = gpubp.loads(NET.format(shape="[2]", formula="2 * (x - [low, 5]) / [5400, 95] - 1"))
    x = np.random.default_rng(0).uniform(0, 1000, (7, 2))
    found = gpubp.Executor(net, "cpu", "float64", backend=backend).predict(x)
    np.testing.assert_allclose(found, 2 * (x - [800, 5]) / [5400, 95] - 1, rtol=1e-14)


def test_nested_lists_and_what_is_broadcast() -> None:
    net = gpubp.loads(NET.format(shape="[2, 3]", formula="[[1, 2, 3], [4, 5, 6]] * x + (x > [[0.5], [0.1]])"))
    x = np.random.default_rng(0).uniform(0, 1, (4, 2, 3))
    found = gpubp.Executor(net, "cpu", "float64").predict(x)
    np.testing.assert_allclose(found, [[1, 2, 3], [4, 5, 6]] * x + (x > [[0.5], [0.1]]), rtol=1e-14)


def test_a_constant_is_no_layer_of_its_own() -> None:
    net = gpubp.loads(NET.format(shape="[2]", formula="x - [800, 5] -> dense(2)"))
    told = str(gpubp.explain(net, {"x": [[3561, 74.5]], "y": [[0, 0]]}))
    assert "layer 1, p.sub: x - [800, 5]\n  a1 = x - [800, 5]  [2761, 69.5]\n\nlayer 2, p: dense(2)" in told


def test_arithmetic_of_lists_is_item_by_item() -> None:
    text = NET.format(shape="[2]", formula="2 * (x - first) / (last - first) - 1 + 0 * -first ^ 2")
    net = gpubp.loads(f"let first = [800, 5]\nlet last = [50, 3] + 2 * [3075, 48.5]\n{text}")
    x = np.random.default_rng(0).uniform(0, 1000, (7, 2))
    found = gpubp.Executor(net, "cpu", "float64").predict(x)
    np.testing.assert_allclose(found, 2 * (x - [800, 5]) / [5400, 95] - 1, rtol=1e-14)


@pytest.mark.parametrize(
    ("list_", "code"),
    [
        ("[1, 2, 3]", "E0301"),
        ("[[1, 2], [3]]", "E0310"),
        ("[]", "E0310"),
        ("[1, 20%]", "E0310"),
        ("(2 * [1, 20%])", "E0310"),
        ("([1, 2] + [1])", "E0310"),
        ("([1, 2] / 0)", "E0314"),
    ],
)
def test_lists_that_do_not_fit(list_: str, code: str) -> None:
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.loads(NET.format(shape="[2]", formula=f"low * x - {list_}"))
    assert [one.code for one in caught.value.diagnostics] == [code]
