"""Random numbers in models, noise, whole channels dropped, products of matrices, gradients turned round."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from tests.peers.nets import Array, close, executor

PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])


@PRECISIONS
def test_noise_acts_in_training_only(precision: str) -> None:
    """The gradient of sum((x + noise) W) by W is x + noise."""
    n = 50_000
    ex = executor(
        f"input x: [{n}]\ntarget u: [1]\noutput p = x -> gaussian_noise(0.5) -> dense(1, init = ones, bias = false)",
        "sum(p * u)",
        precision,
    )
    rows = {"x": np.ones((1, n)), "u": np.ones((1, 1))}
    assert ex.predict(rows["x"]).item() == n
    seen = ex.gradients(rows)[1]["p.dense.weight"][:, 0]
    assert abs(seen.mean() - 1) < 5 * 0.5 / np.sqrt(n)
    assert abs(seen.std() - 0.5) < 0.02
    np.testing.assert_array_equal(seen, ex.gradients(rows)[1]["p.dense.weight"][:, 0])
    ex.train_step(rows)
    assert (seen != ex.gradients(rows)[1]["p.dense.weight"][:, 0]).mean() > 0.99


def test_dropout_of_whole_channels() -> None:
    ex = executor(
        """input x: [4, 5, 300]
           target u: [1]
           output p = x -> dropout(40%, channels = true) -> flatten -> dense(1, init = ones, bias = false)""",
        "sum(p * u)",
    )
    rows = {"x": np.ones((1, 4, 5, 300)), "u": np.ones((1, 1))}
    seen = ex.gradients(rows)[1]["p.dense.weight"].reshape(20, 300)
    assert (seen == seen[0]).all()
    np.testing.assert_allclose(np.unique(seen), [0, 1 / 0.6])
    assert abs((seen[0] == 0).mean() - 0.4) < 0.15
    assert ex.predict(rows["x"]).item() == 6000
    with pytest.raises(gpubp.NetError, match="no positions to share channels"):
        gpubp.loads("model {\n  input x: [3]\n  output p = x -> dropout(40%, channels = true)\n}\n")


@PRECISIONS
@pytest.mark.parametrize(
    "layer",
    [
        *("dropout(30%)", "dropout(30%, channels = true)", "gaussian_noise(0.5)"),
        *("random_flip", "random_flip(axis = 0)", "random_shift(2)", "random_crop([3, 4])"),
    ],
)
def test_the_gradient_is_that_of_what_was_drawn(layer: str, precision: str) -> None:
    """With the draws of a step p = A x + c: sum(A d * u) is sum(d * A' u) for every d. The values and u are parameters,
    so that the gradient by u shows p in training, and that by the values A' u."""
    rng, shape = np.random.default_rng(0), [3, 4, 2] if "crop" in layer else [4, 5, 2]
    ex = executor(
        f"""input row: [6]
            layer given = dense(40, bias = false)
            layer upstream = dense({np.prod(shape)}, bias = false)
            p = row -> given -> reshape([4, 5, 2]) -> {layer}
            output loss = sum(p * (row -> upstream -> reshape({shape})))""",
        "loss",
        precision,
    )
    x, d, u = rng.normal(size=(6, 40)), rng.normal(size=(6, 40)), rng.normal(size=(6, np.prod(shape)))

    def seen(values: Array) -> tuple[Array, Array]:
        """p and A' u: the loss is a mean over six examples."""
        ex.set_parameters({"given.weight": values, "upstream.weight": u})
        found = ex.gradients({"row": np.eye(6)})[1]
        return 6 * found["upstream.weight"], 6 * found["given.weight"]

    (p, back), (q, same) = seen(x), seen(x + d)
    np.testing.assert_array_equal(back, same)
    assert (p != 0).any()
    tolerance = 1e-10 if precision == "float64" else 1e-4
    np.testing.assert_allclose(((q - p) * u).sum(1), (d * back).sum(1), rtol=tolerance, atol=tolerance)


@PRECISIONS
@pytest.mark.parametrize(
    ("draw", "mean", "std"),
    [("normal([9000])", 0, 1), ("normal([9000], mean = 2, std = 3)", 2, 3), ("uniform([9000], low = -1)", 0, 3**-0.5)],
)
def test_samplers_always_draw(draw: str, mean: float, std: float, precision: str) -> None:
    ex = executor(f"input x: [9000]\ntarget y: [9000]\noutput p = x + {draw}", "mse(p, y)", precision)
    zeros = np.zeros((3, 9000))
    p = ex.predict(zeros)
    assert p.dtype == precision
    assert abs(p.mean() - mean) < 5 * std / np.sqrt(27_000)
    assert abs(p.std() - std) < 0.05 * std
    assert (p[0] != p[1]).mean() > 0.99
    np.testing.assert_array_equal(ex.predict(zeros), p)
    ex.train_step({"x": zeros, "y": zeros})
    assert (ex.predict(zeros) != p).mean() > 0.99


@PRECISIONS
def test_a_variational_code_has_the_gradients_of_its_parameters(precision: str) -> None:
    """z = m + exp(s / 2) e: dz/dm = 1, dz/ds = (z - m) / 2."""
    ex = executor(
        """input x: [1]
           target u: [6]
           m = x -> dense(6)
           s = x -> dense(6)
           output z = m + exp(0.5 * s) * normal([6])""",
        "sum(z * u)",
        precision,
    )
    u = np.random.default_rng(0).normal(size=(1, 6))
    rows = {"x": np.ones((1, 1)), "u": u}
    _, found = ex.gradients(rows)
    z, m = ex.predict(rows["x"]), ex.parameters["m.dense.weight"] + ex.parameters["m.dense.bias"]
    close(found["m.dense.bias"], u[0], precision)
    close(found["s.dense.bias"], (u * (z - m) / 2)[0], precision)


@PRECISIONS
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_a_reversed_gradient(scale: float, precision: str) -> None:
    text = "input x: [3]\ntarget u: [2]\nh = x -> dense(4)\noutput p = h -> {}dense(2)"
    plain = executor(text.format(""), "sum(p * u)", precision)
    turned = executor(text.format(f"reverse_gradient(scale = {scale}) -> "), "sum(p * u)", precision)
    turned.set_parameters(plain.parameters)
    rng = np.random.default_rng(0)
    rows = {"x": rng.normal(size=(5, 3)), "u": rng.normal(size=(5, 2))}
    np.testing.assert_array_equal(turned.predict(rows["x"]), plain.predict(rows["x"]))
    (loss, a), (same, b) = plain.gradients(rows), turned.gradients(rows)
    assert loss == same
    np.testing.assert_array_equal(a["p.dense.weight"], b["p.dense.weight"])
    close(b["h.dense.weight"], -scale * a["h.dense.weight"], precision)


@PRECISIONS
def test_matrices_of_the_model_and_of_examples(precision: str) -> None:
    ex = executor(
        """input a: [2, 3]
           input b: [3, 4]
           target u: [2, 5]
           w = weight([4, 5], init = normal)
           v = weight([2, 5], init = zeros)
           output p = matmul(matmul(a, b), w) + matmul(transpose(transpose(a)), matmul(b, w)) + v""",
        "sum(p * u)",
        precision,
    )
    assert list(ex.parameters) == ["w.weight", "v.weight"]
    rng = np.random.default_rng(0)
    a, b, u = rng.normal(size=(6, 2, 3)), rng.normal(size=(6, 3, 4)), rng.normal(size=(6, 2, 5))
    w = ex.parameters["w.weight"].astype("float64")
    close(ex.predict({"a": a, "b": b})["p"], 2 * a @ b @ w, precision)
    _, found = ex.gradients({"a": a, "b": b, "u": u})
    close(found["w.weight"], 2 * np.mean((a @ b).transpose(0, 2, 1) @ u, 0), precision)
    close(found["v.weight"], u.mean(0), precision)


def test_tied_weights() -> None:
    """The table of an embedding, transposed, as the last layer."""
    ex = executor(
        """input text: class(7)[4]
           target next: class(7)[4]
           layer embed = embedding(3)
           h = text -> embed
           output p = matmul(h, transpose(embed.weight)) -> softmax""",
        "cross_entropy(p, next)",
    )
    assert list(ex.parameters) == ["embed.weight"]
    rows = {"text": np.array([[0, 1, 2, 3]]), "next": np.array([[1, 2, 3, 0]])}
    assert np.isfinite(ex.train_step(rows))


@pytest.mark.parametrize("rows", [1, 5])
def test_a_term_of_the_loss_may_be_made_of_draws_alone(rows: int) -> None:
    """It belongs to each example, with a number of its own, and is no penalty."""
    ex = executor("input x: [2]\ntarget y: [2]\noutput p = 1 * x", "mse(p, y) + mean(normal([3], 5.0))")
    x = np.zeros((rows, 2))
    assert abs(ex.loss({"x": x, "y": x}) - 5.0) < 5.0 / np.sqrt(3 * rows)
    assert ex.evaluate({"x": x, "y": x})["penalty"] == 0
    with pytest.raises(gpubp.NetError, match="the loss depends on no input"):
        executor("input x: [2]\ntarget y: [2]\noutput p = 1 * x", "mean(normal([3]))")
