"""The sizes of layers are what they are said to be: beside numbers that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.health import Gauges, Size, sizes

TEXT = """
model {{
  input  x: {shape}
  target y: [1]
  output p = x -> {body}
}}
train {{
  loss = mse(p, y)
  optimizer = sgd(lr = 0.1)
  epochs = 1
}}
"""


def executor(shape: str, body: str, precision: str = "float64") -> gpubp.Executor:
    return gpubp.Executor(gpubp.loads(TEXT.format(shape=shape, body=body)), "cpu", precision, backend="numpy")


def measured(shape: str, body: str, x: Any) -> list[Size]:
    return sizes(executor(shape, body), {"x": x, "y": np.zeros((len(x), 1))})


@pytest.mark.parametrize(
    ("kind", "numbers", "wanted"),
    [
        ("sigmoid", [-5.3, -4.2, 4.2, 5.3], 0.5),  # 0.005, 0.015, 0.985, 0.995
        ("sigmoid", [-5.3, 0, 0, 0], 0.25),
        ("sigmoid", [0, 0, 0, 5.3], 0.25),
        ("tanh", [-2.4, -2.2, 2.2, 2.4], 0.5),  # 0.984 and 0.976 from 0; 2 % of the range are 0.02
        ("tanh", [-2.4, 0, 0, 0], 0.25),
    ],
)
def test_what_lies_at_an_end_of_its_range_is_saturated(kind: str, numbers: list[float], wanted: float) -> None:
    first, _ = measured("[1]", f"dense(1, init = ones) -> {kind} -> dense(1)", np.array(numbers)[:, None])
    assert first.saturated == wanted


def test_a_unit_that_is_alive_at_one_place_is_alive() -> None:
    """A unit of a sequence, or a channel of an image, is one unit."""
    x = np.full((2, 3, 1), -1.0)
    body = "dense(2, init = ones) -> relu -> flatten -> dense(1)"
    assert [one.dead for one in measured("[3, 1]", body, x)] == [1.0, 0.0]
    x[1, 2, 0] = 1e-3
    assert [one.dead for one in measured("[3, 1]", body, x)] == [0.0, 0.0]


def test_roots_of_mean_squares() -> None:
    """Of the result with its activation; of what comes back to the sum before it."""
    x = np.array([[1.0], [-3.0]])
    first, last = measured("[1]", "dense(1, init = constant(2)) -> leaky_relu(0.5) -> dense(1, init = constant(10))", x)
    a = np.array([2.0, -3.0])
    p = 10 * a
    assert first.result == pytest.approx(np.sqrt((a**2).mean()), rel=1e-12)
    assert last.result == pytest.approx(np.sqrt((p**2).mean()), rel=1e-12)
    assert last.delta == pytest.approx(np.sqrt((p**2).mean()), rel=1e-12)  # 2 (p - 0) / 2 rows
    assert first.delta == pytest.approx(np.sqrt((p**2 * np.array([10.0, 5.0]) ** 2).mean()), rel=1e-12)


def test_several_batches_are_one() -> None:
    """Dead is what is so in each of them."""
    ex = executor("[1]", "dense(2, init = ones) -> relu -> dense(1)")
    x, y = np.array([[1.0], [-1.0], [-2.0], [-3.0]]), np.zeros((4, 1))
    batches = [[x[:2], y[:2]], [x[2:], y[2:]]]
    for order in (batches, batches[::-1]):
        together = Gauges(ex, 2).measure(order)
        whole = sizes(ex, {"x": x, "y": y})
        assert [one.dead for one in together] == [one.dead for one in whole] == [0.0, 0.0]
        assert [one.result for one in together] == pytest.approx([one.result for one in whole], rel=1e-12)
    assert Gauges(ex, 2).measure(batches[1:])[0].dead == 1.0


def test_squares_that_no_float32_holds() -> None:
    ex = executor("[1]", "dense(1, init = constant(1e25)) -> dense(1, init = constant(1e-25))", "float32")
    first, last = sizes(ex, {"x": [[1.0], [2.0]], "y": [[0.0], [0.0]]})
    assert first.result == pytest.approx(1e25 * np.sqrt(2.5), rel=1e-6)
    assert last.delta is not None
    assert first.delta == pytest.approx(last.delta * 1e-25, rel=1e-6)


def test_what_nothing_comes_back_to_has_no_delta() -> None:
    text = TEXT.format(shape="[2]", body="dense(1)").replace("output p", "output aside = x -> dense(3)\n  output p")
    ex = gpubp.Executor(gpubp.loads(text), "cpu", backend="numpy")
    found = {one.layer.name: one.delta for one in sizes(ex, {"x": np.ones((2, 2)), "y": np.zeros((2, 1))})}
    assert found["aside"] is None
    assert found["p"] is not None


def test_figures_keep_no_values_for_longer() -> None:
    """Each is computed as soon as it can be: else every delta would be kept to the end of the step."""
    ex = executor("[64]", "repeat 16 { dense(64) -> relu } -> dense(1)", "float32")
    assert Gauges(ex, 256).memory < 1.25 * ex.compiled("gradients", 256).plan.arena
