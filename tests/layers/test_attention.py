"""Attention, embeddings and positions: masks, what a step may see, and sums in one order."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.ir import apply
from tests.peers.nets import Array, executor
from tests.stand_in.fake_cupy import cupy

PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


@PRECISIONS
@pytest.mark.parametrize("causal", ["false", "true"])
def test_a_row_that_sees_nothing_gives_zeros_and_finite_gradients(precision: str, causal: str) -> None:
    ex = executor(
        f"""input x: [5, 4]
            input seen: [5]
            target u: [5, 4]
            output p = x -> attention(2, causal = {causal}, mask = seen)""",
        "sum(p * u)",
        precision,
    )
    x, u = draw(3, 5, 4), draw(3, 5, 4, seed=1)
    mask = np.array([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 0, 1, 1, 0]])
    p = ex.predict({"x": x, "seen": mask})["p"]
    assert (p[1] == 0).all()
    assert (p[0] != 0).all()
    assert (p[2, :2] == 0).all() if causal == "true" else (p[2] != 0).all()
    loss, found = ex.gradients({"x": x, "seen": mask, "u": u})
    assert np.isfinite(loss)
    assert all(np.isfinite(g).all() for g in found.values())
    alone = ex.gradients({"x": x[1:2], "seen": mask[1:2], "u": u[1:2]})[1]
    assert all((alone[f"p.attention.{name}.weight"] == 0).all() for name in ("query", "key", "value", "output"))


def test_what_is_masked_or_ahead_has_no_influence() -> None:
    ex = executor(
        """input x: [6, 4]
           input seen: [6]
           target u: [6, 4]
           output a = x -> attention(2, mask = seen)
           output b = x -> attention(2, causal = true)""",
        "sum((a + b) * u)",
    )
    x, mask = draw(1, 6, 4), np.array([[1, 1, 0, 1, 0, 1]])
    other = x.copy()
    other[:, [2, 4]] += 9
    one, two = (ex.predict({"x": v, "seen": mask}) for v in (x, other))
    np.testing.assert_array_equal(one["a"][:, [0, 1, 3, 5]], two["a"][:, [0, 1, 3, 5]])
    np.testing.assert_array_equal(one["b"][:, :2], two["b"][:, :2])
    assert (one["b"][:, 2:] != two["b"][:, 2:]).all()


def test_a_mask_for_each_step_and_another_sequence_to_look_at() -> None:
    ex = executor(
        """input x: [3, 4]
           input other: [5, 2]
           input seen: [3, 5]
           target u: [3, 4]
           output p = x -> attention(memory = other, mask = seen)""",
        "sum(p * u)",
    )
    assert ex.parameters["p.attention.key.weight"].shape == (2, 4)
    x, other = draw(2, 3, 4), draw(2, 5, 2, seed=1)
    mask = np.ones((2, 3, 5))
    mask[:, 1, 1:] = 0  # the second step sees the first other step alone
    p = ex.predict({"x": x, "other": other, "seen": mask})["p"]
    w = {name: ex.parameters[f"p.attention.{name}.weight"] for name in ("value", "output")}
    np.testing.assert_allclose(p[:, 1], other[:, 0] @ w["value"] @ w["output"], atol=1e-12)
    assert all(np.isfinite(g).all() for g in ex.gradients({"x": x, "other": other, "seen": mask, "u": p})[1].values())


def test_scores_far_out_stay_finite() -> None:
    ex = executor("input x: [4, 4]\ntarget u: [4, 4]\noutput p = x -> attention(2, causal = true)", "sum(p * u)")
    loss, found = ex.gradients({"x": 1e4 * draw(2, 4, 4), "u": draw(2, 4, 4)})
    assert np.isfinite(loss)
    assert all(np.isfinite(g).all() for g in found.values())


@PRECISIONS
@pytest.mark.parametrize(("steps", "features"), [(7, 6), (300, 5), (1, 1)])
def test_sinusoidal_positions_are_the_papers(steps: int, features: int, precision: str) -> None:
    ex = executor(
        f"input x: [{steps}, {features}]\ntarget u: [1]\noutput p = x -> positional", "sum(p) * sum(u)", precision
    )
    wanted = np.empty((steps, features))
    for t, i in np.ndindex(steps, features):
        angle = t / 10000 ** (2 * (i // 2) / features)
        wanted[t, i] = np.cos(angle) if i % 2 else np.sin(angle)
    tolerance = 1e-12 if precision == "float64" else 1e-6
    np.testing.assert_allclose(ex.predict(np.zeros((1, steps, features)))[0], wanted, atol=tolerance)


@pytest.mark.parametrize("width", [1, 3, 20000])
def test_scatter_add_sums_in_order_on_both_array_modules(width: int) -> None:
    """Pieces that part equal indices, classes that never come; the same bytes each time."""
    rng = np.random.default_rng(0)
    count = 40 if width > 100 else 40_000
    indices = np.minimum(rng.geometric(0.05, count) - 1, 49)
    updates = rng.normal(size=(count, width)).astype("float32")
    wanted = np.zeros((60, width))
    np.add.at(wanted, indices, updates.astype("float64"))
    found = apply(ops.scatter_add, np, [updates, indices], {"rows": 60})
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)
    assert (found[50:] == 0).all()
    again = apply(ops.scatter_add, np, [updates, indices], {"rows": 60})
    assert found.tobytes() == again.tobytes()
    device = apply(ops.scatter_add, cupy, [cupy.asarray(updates), cupy.asarray(indices)], {"rows": 60}).get()
    np.testing.assert_array_equal(device, found)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("input x: [5, 6]\noutput p = x -> attention(4)", "4 heads do not divide 6 features"),
        ("input x: [40_000, 6]\noutput p = x -> attention", "1,600,000,000 numbers for each example"),
        ("input x: [5, 6]\ninput m: [4]\noutput p = x -> attention(2, memory = m)", r"but this is \[4\]"),
        ("input x: [6]\noutput p = x -> attention(2)", r"takes sequences \[steps, features\], but this is \[6\]"),
        (
            "input x: [5, 6]\ninput m: [4]\noutput p = x -> attention(2, mask = m)",
            r"`mask` of shape \[4\] fits neither \[5\] nor \[5, 5\]",
        ),
        (
            "input x: [5, 6]\ninput m: [4, 6]\noutput p = x -> attention(2, memory = m, causal = true)",
            "`causal` compares steps of one sequence, but there are 5 and 4",
        ),
        ("input x: [5]\noutput p = x -> embedding(4)", "`embedding` takes class labels"),
        ("input x: class(3)\noutput p = x -> dense(4)", "`dense` takes numbers, but this is a class label"),
        (
            "input x: [4, 6]\ninput m: class(3)[4, 6]\noutput p = x -> attention(memory = m)",
            "`attention` takes numbers, but this is a class label",
        ),
        ("input x: [5]\noutput p = x -> positional", "`positional` takes sequences"),
        ("input x: []\noutput p = x -> dense(2)", "`dense` needs at least one axis"),
        ("input x: []\noutput p = x -> glu", "`glu` needs an even last axis"),
        ("input x: [5]\noutput p = x -> glu", "`glu` needs an even last axis"),
        ("input x: [4]\noutput p = slice(x, 2, 2)", "cannot take 2 to 2 of an axis of 4"),
        ("input x: [2, 3]\noutput p = matmul(x, x)", r"cannot multiply matrices \[2, 3\] and \[2, 3\]"),
        ("input x: [3]\noutput p = transpose(x)", "`transpose` exchanges the last two axes"),
    ],
)
def test_messages(line: str, message: str) -> None:
    lines = "\n".join(f"  {one}" for one in line.splitlines())
    with pytest.raises(gpubp.NetError, match=message):
        gpubp.loads(f"model {{\n{lines}\n}}\n")
