"""L-BFGS and its line search, beyond the steps that tests/peers compares."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import gpubp
from tests.peers.nets import Array, executor

from .worlds import X, Y, make, weights

VALLEY = "100 * sum((b - a * a) * (b - a * a)) + sum((1 - a) * (1 - a))"
"""Rosenbrock's function of a and b, lowest at (1, 1)."""


def valley(optimizer: str = "lbfgs", precision: str = "float64") -> gpubp.Executor:
    model = "input x: [1]\na = 0 * x -> dense(1)\nb = 0 * x -> dense(1)\noutput p = a"
    ex = executor(model, VALLEY, precision, optimizer)
    ex.set_parameters({"a.dense.bias": [-1.2], "b.dense.bias": [1.0]})
    return ex


def place(ex: gpubp.Executor) -> Array:
    return np.concatenate([ex.parameters["a.dense.bias"], ex.parameters["b.dense.bias"]]).astype("float64")


def reference(start: Array, steps: int, history: int, rate: float = 1.0) -> Iterator[Array]:
    """The points of Rosenbrock's function at which the losses are computed, as the papers write it: dense matrices in
    place of the two loops (Nocedal & Wright, equations 7.16 to 7.20), and a loop for every line search."""

    def loss(p: Array) -> float:
        return float(100 * (p[1] - p[0] ** 2) ** 2 + (1 - p[0]) ** 2)

    def gradient(p: Array) -> Array:
        return np.array([-400 * p[0] * (p[1] - p[0] ** 2) - 2 * (1 - p[0]), 200 * (p[1] - p[0] ** 2)])

    pairs: list[tuple[Array, Array]] = []
    while True:
        g = gradient(start)
        if pairs:
            s, y = pairs[-1]
            H = np.eye(2) * (s @ y) / (y @ y)
        else:
            H = np.eye(2) * min(1.0, 1.0 / float(np.linalg.norm(g)))
        for s, y in pairs:
            V = np.eye(2) - np.outer(y, s) / (s @ y)
            H = V.T @ H @ V + np.outer(s, s) / (s @ y)
        d, t, low, high = -H @ g, rate, 0.0, np.inf
        trials = 0
        while trials < 20:
            p = start + t * d
            yield p
            if loss(p) > loss(start) + 1e-4 * t * (g @ d):
                high = t
            elif gradient(p) @ d < 0.9 * (g @ d):
                low = t
            else:
                break
            trials += high < np.inf
            t = (low + high) / 2 if high < np.inf else 2 * t
        else:
            pairs = []
            continue
        pairs = [*pairs, (p - start, gradient(p) - g)][-history:]
        start = p


@pytest.mark.parametrize(("history", "rate"), [(10, 1.0), (1, 1.0), (3, 0.1), (3, 7.0)])
def test_each_trial_is_that_of_the_papers(history: int, rate: float) -> None:
    """Also of lengths that were too long or too short."""
    ex = valley(f"lbfgs(lr = {rate}, history = {history})")
    lengths = set()
    for _, wanted in zip(range(25), reference(place(ex), 25, history, rate), strict=False):
        ex.train_step({"x": [[1.0]]})
        np.testing.assert_allclose(place(ex), wanted, rtol=1e-6)
        lengths.add(float(ex.state_dict()["optimizer.length"]))
    assert len(lengths) > 1


def test_a_search_in_vain_returns_to_its_start() -> None:
    """A formula whose gradient points uphill: no length lowers the loss. The 21st trial is the first again."""
    ex = executor("input x: [1]\noutput w = 0 * x -> dense(1)", "reverse_gradient(w)", "float64", "lbfgs")
    ex.set_parameters({"w.dense.bias": [3.0]})
    found = []
    for _ in range(42):
        ex.train_step({"x": [[1.0]]})
        found.append(float(ex.parameters["w.dense.bias"][0]) - 3.0)
    assert found[:3] == [1.0, 0.5, 0.25]
    assert found[19] == 2.0**-19
    assert found[20:40] == found[:20]
    assert all(not array.any() for name, array in ex.state_dict().items() if ".s1." in name)


def test_what_has_converged_stays() -> None:
    """To the bit, from the first gradient on that is within the tolerance."""
    ex = valley("lbfgs(tolerance = 1e-6)")
    for _ in range(60):
        ex.train_step({"x": [[1.0]]})
    before = place(ex)
    np.testing.assert_allclose(before, [1.0, 1.0], atol=1e-6)
    _, gradients = ex.gradients({"x": [[1.0]]})
    assert max(float(np.abs(g).max()) for g in gradients.values()) <= 1e-6
    ex.train_step({"x": [[1.0]]})
    np.testing.assert_array_equal(place(ex), before)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_float32_does_not_limit_the_losses_size(scale: float) -> None:
    """Products of vectors neither overflow nor underflow, so a scaled loss has the same minimum."""
    ex = executor(
        "input x: [1]\noutput w = 0 * x -> dense(2)",
        f"{scale:g} * (sum((w - 2) * (w - 2)) + sum((w - 1) * (w - 1)))",
        "float32",
        "lbfgs(tolerance = 0)",
    )
    for _ in range(60):
        ex.train_step({"x": [[1.0]]})
    np.testing.assert_allclose(ex.parameters["w.dense.bias"], 1.5, rtol=1e-4)


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ("rates = [rate([hidden], 0.5)]", "`rates` gives each layer its own length"),
        ("clip = clip_norm(1.0)", "`clip` changes them"),
    ],
)
def test_what_contradicts_a_line_search_is_refused(keys: str, what: str) -> None:
    with pytest.raises(gpubp.NetError, match=what) as caught:
        make(keys, "lbfgs")
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert span.text == keys.partition(" = ")[2]


def test_frozen_layers_stay() -> None:
    ex = make("freeze = [hidden]", "lbfgs")
    before = weights(ex)
    losses = [ex.train_step({"x": X, "y": Y}) for _ in range(20)]
    assert losses[-1] < losses[0]
    moved = {name for name, value in weights(ex).items() if not np.array_equal(value, before[name])}
    assert moved == {"p.dense.weight", "p.dense.bias"}
