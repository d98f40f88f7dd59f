"""First values of parameters: their distribution beside the formulas, their shapes, their seeds."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from tests.peers.nets import Array, executor

IN, OUT = 300, 200


def weights(init: str, shape: tuple[int, int] = (IN, OUT), seed: int = 0, precision: str = "float64") -> Array:
    ex = executor(
        f"""input x: [{shape[0]}]
            target y: [{shape[1]}]
            output p = x -> dense({shape[1]}{f", init = {init}" if init else ""})""",
        "mse(p, y)",
        precision,
    )
    ex = gpubp.Executor(ex.net, device="cpu", precision=precision, seed=seed)
    assert (ex.parameters["p.dense.bias"] == 0).all()
    return np.asarray(ex.parameters["p.dense.weight"])


VARIANCES = {
    "": ("uniform", 2 / (IN + OUT)),
    "glorot_uniform": ("uniform", 2 / (IN + OUT)),
    "glorot_normal": ("normal", 2 / (IN + OUT)),
    "xavier_uniform": ("uniform", 2 / (IN + OUT)),
    "xavier_normal": ("normal", 2 / (IN + OUT)),
    "he_uniform": ("uniform", 2 / IN),
    "he_normal": ("normal", 2 / IN),
    "lecun_uniform": ("uniform", 1 / IN),
    "lecun_normal": ("normal", 1 / IN),
    "normal": ("normal", 1.0),
    "normal(std = 0.1)": ("normal", 0.01),
    "uniform": ("uniform", 1 / 3),
    "uniform(low = -0.2, high = 0.2)": ("uniform", 0.04 / 3),
}


@pytest.mark.parametrize("init", VARIANCES)
def test_mean_variance_and_limits(init: str) -> None:
    kind, variance = VARIANCES[init]
    w = weights(init)
    n, std = w.size, np.sqrt(variance)
    assert abs(w.mean()) < 5 * std / np.sqrt(n)
    fourth = 3.0 if kind == "normal" else 9 / 5
    assert abs(w.var() / variance - 1) < 5 * np.sqrt((fourth - 1) / n)
    assert abs((w**4).mean() / variance**2 - fourth) < 0.15 * fourth
    if kind == "uniform":
        limit = np.sqrt(3) * std
        assert np.abs(w).max() <= limit
        assert np.abs(w).max() > 0.999 * limit
    else:
        assert np.abs(w).max() > 3.5 * std


def test_options_move_the_mean() -> None:
    assert abs(weights("normal(std = 0.1, mean = 2)").mean() - 2) < 0.005
    w = weights("uniform(low = 1, high = 3)")
    assert w.min() >= 1
    assert w.max() <= 3
    assert abs(w.mean() - 2) < 0.02


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5)])
@pytest.mark.parametrize(("init", "gain"), [("orthogonal", 1.0), ("orthogonal(gain = 1.5)", 1.5)])
def test_orthogonal(shape: tuple[int, int], init: str, gain: float) -> None:
    """Rows or columns, whichever are fewer, are orthogonal and of length `gain`."""
    w = weights(init, shape)
    product = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(product, gain**2 * np.eye(min(shape)), atol=1e-12)
    assert np.abs(w).max() < gain


def test_orthogonal_is_uniform_over_signs() -> None:
    corners = np.array([weights("orthogonal", (3, 3), seed)[0, 0] for seed in range(200)])
    assert 60 < (corners > 0).sum() < 140


def test_constants() -> None:
    rows = "[[1, 2, 3], [4, 5, 6.5]]"
    wanted = np.array([[1, 2, 3], [4, 5, 6.5]])
    for init in (f"constant({rows})", rows):
        np.testing.assert_array_equal(weights(init, (2, 3)), wanted)
    assert (weights("constant(-0.5)", (2, 3)) == -0.5).all()
    assert (weights("zeros", (2, 3)) == 0).all()
    assert (weights("ones", (2, 3)) == 1).all()


@pytest.mark.parametrize("rows", ["[1, 2, 3]", "[[1, 2], [3, 4], [5, 6]]", "[[[1, 2, 3], [4, 5, 6]]]"])
def test_a_constant_of_another_shape_is_refused(rows: str) -> None:
    with pytest.raises(gpubp.NetError) as caught:
        weights(f"constant({rows})", (2, 3))
    (found,) = caught.value.diagnostics
    assert "`p.dense.weight`" in found.message
    assert "the weight needs [2, 3]" in found.message
    assert found.span is not None
    assert found.span.text == f"constant({rows})"


def test_a_bias_has_an_initializer_of_its_own() -> None:
    ex = executor(
        """input x: [2]
           target y: [3]
           output p = x -> dense(3, init = ones, bias_init = [0.1, 0.2, 0.3])""",
        "mse(p, y)",
    )
    assert ex.parameters["p.dense.bias"].tolist() == [0.1, 0.2, 0.3]


def test_a_seed_decides_and_each_parameter_has_its_own_draw() -> None:
    np.testing.assert_array_equal(weights("", (9, 9)), weights("", (9, 9)))
    assert (weights("", (9, 9)) != weights("", (9, 9), seed=1)).all()
    model = "input x: [9]\ntarget y: [9]\na = x -> dense(9)\noutput p = a -> dense(9)"
    ex = executor(model, "mse(p, y)")
    assert (ex.parameters["a.dense.weight"] != ex.parameters["p.dense.weight"]).all()
    np.testing.assert_array_equal(ex.parameters["p.dense.weight"], weights("", (9, 9)))


def test_float32_weights_are_the_float64_ones_rounded() -> None:
    np.testing.assert_array_equal(weights("", (9, 9), precision="float32"), weights("", (9, 9)).astype("float32"))
