"""Clipping by the global norm and by value: beside direct formulas, and with numbers whose squares do not exist."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp

PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])


def moved(clip: str, g: list[float], precision: str, x: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The clipped gradients of weights and biases, which are both `g` before."""
    text = f"""
model {{
  input  x: [1]
  target g: [4]
  output p = x -> dense(4, init = zeros)
}}
train {{
  loss      = sum(p * g)
  optimizer = sgd(lr = 1)
  clip      = {clip}
}}
"""
    ex = gpubp.Executor(gpubp.loads(text), device="cpu", precision=precision)
    ex.train_step({"x": [[x]], "g": [g]})
    return -ex.parameters["p.dense.weight"][0], -ex.parameters["p.dense.bias"]


@PRECISIONS
@pytest.mark.parametrize("scale", [1e-37, 1e-20, 1e-3, 1.0, 30.0, 1e18, 1e20, 1e37])
@pytest.mark.parametrize("norm", [1e-6, 1.0, 100.0])
def test_the_norm(norm: float, scale: float, precision: str) -> None:
    g = np.array([3.0, -1.0, 0.5, 2.0]) * scale
    length = np.sqrt(2.0) * np.sqrt(14.25) * scale
    wanted = g * min(1.0, norm / length)
    for found in moved(f"clip_norm({norm})", g.tolist(), precision):
        np.testing.assert_allclose(found, wanted, rtol=1e-12 if precision == "float64" else 1e-6)


def test_the_norm_in_float64_beyond_float32() -> None:
    g = np.array([3.0, -1.0, 0.5, 2.0])
    for scale in (1e-300, 1e-160, 1e160, 1e300):
        for found in moved("clip_norm(2)", (g * scale).tolist(), "float64"):
            wanted = g * scale if scale < 1 else g * 2 / np.sqrt(28.5)
            np.testing.assert_allclose(found, wanted, rtol=1e-12)


@PRECISIONS
def test_denormals_and_zeros_pass(precision: str) -> None:
    tiny = float(np.finfo(precision).smallest_subnormal)
    for g in ([0.0] * 4, [tiny, 0.0, -tiny, 3 * tiny]):
        for found in moved("clip_norm(1)", g, precision):
            np.testing.assert_array_equal(found, g)
    for found in moved("clip_norm(0)", [1.0, 2.0, 0.0, -1.0], precision):
        np.testing.assert_array_equal(found, 0)


@PRECISIONS
def test_the_norm_is_that_of_all_groups(precision: str) -> None:
    """Weights that decay, biases that do not, and a part with a rate of its own: one norm."""
    text = """
model {
  input  x: [1]
  target g: [2]
  a        = x -> dense(2, init = zeros)
  b        = x -> dense(2, init = zeros)
  output p = a + b
}
train {
  loss      = sum(p * g)
  optimizer = lion(lr = 1, decay = 1e-30)
  rates     = [rate(a, 10)]
  clip      = clip_norm(1)
}
"""
    net = gpubp.loads(text)
    assert len(net.layout.groups) == 4
    ex = gpubp.Executor(net, device="cpu", precision=precision)
    ex.train_step({"x": [[1.0]], "g": [[3.0, 4.0]]})
    # Lion keeps 0.01 of the gradient in its first step.
    momenta = [v for name, v in ex.state_dict().items() if name.startswith("optimizer.m.")]
    assert len(momenta) == 4
    for m in momenta:
        np.testing.assert_allclose(np.ravel(m), 0.01 * np.array([3.0, 4.0]) / 10, rtol=1e-5)


@PRECISIONS
def test_values(precision: str) -> None:
    g = [3.0, -0.25, -1e30, 1e-30]
    for found in moved("clip_value(0.5)", g, precision):
        np.testing.assert_allclose(found, [0.5, -0.25, -0.5, 1e-30], rtol=1e-6)


@pytest.mark.parametrize("clip", ["clip_norm(1)", "clip_value(1)"])
def test_clipping_mends_no_inf(clip: str) -> None:
    with pytest.raises(gpubp.DivergedError, match="holds inf at step 1"):
        moved(clip, [1e38, 1.0, 1.0, 1.0], "float32", x=1e30)
