"""`derivative(u, x)`: its value, the gradients of a loss through it, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.insight.rules import both_sides
from tests.peers.nets import executor

X = np.random.default_rng(0).normal(size=(5, 2))


def value(lines: str, x: Any = X) -> dict[str, Any]:
    """What the outputs of a model without targets are."""
    text = f"model {{\n  input x: {list(np.shape(x)[1:])}\n{lines}\n}}\n"
    return dict(gpubp.Executor(gpubp.loads(text), device="cpu", precision="float64").predict({"x": x}))


def test_values() -> None:
    found = value(
        """  u = sum(x^3) * slice(x, 0, 1)
  output gradient = derivative(u, x)
  output second   = derivative(sum(derivative(sum(x^3), x)), x)
  output itself   = derivative(u, u)
  h = sin(x)
  output by_h     = derivative(sum(h * h), h)
  output through  = sum(derivative(sum(h * h), h) * cos(x))
  output whole    = derivative(sum(h * h), x)"""
    )
    total = (X**3).sum(1)
    wanted = 3 * X**2 * X[:, :1]
    wanted[:, 0] += total
    np.testing.assert_allclose(found["gradient"], wanted)
    np.testing.assert_allclose(found["second"], 6 * X)
    np.testing.assert_array_equal(found["itself"], np.ones((5, 1)))
    np.testing.assert_allclose(found["by_h"], 2 * np.sin(X))
    np.testing.assert_allclose(found["through"], found["whole"].sum(1))


def test_of_images_and_in_blocks_and_formulas() -> None:
    images = np.random.default_rng(1).normal(size=(3, 4, 4, 2))
    found = value(
        """  output slope = x -> sloped
  output length = x -> steepness
}
block sloped() on x { return derivative(sum(tanh(x)), x) }
fn steepness(x) = sqrt(sum(derivative(sum(tanh(x)), x)^2))
block unused() on x {
  return x""",
        images,
    )
    slope = 1 - np.tanh(images) ** 2
    np.testing.assert_allclose(found["slope"], slope)
    np.testing.assert_allclose(found["length"], np.sqrt((slope**2).sum((1, 2, 3))))


def test_logarithms_are_safe_and_the_values_beside_them_stay() -> None:
    """Behind a sigmoid or softmax as in a loss; by the probability itself its plain derivative."""
    x = np.array([[800.0, -800.0], [0.5, -1.0]])
    s = np.exp(-np.logaddexp(0, -x))
    found = value(
        """  s = sigmoid(x)
  u = sum(log(s))
  output by_x = derivative(u, x)
  output by_s = derivative(u, s)
  l = log(softmax(x))
  output chosen = derivative(sum(l * x), x)
  output l_is   = l
  output s_is   = s""",
        x,
    )
    np.testing.assert_allclose(found["by_x"], 1 - s, atol=1e-300)
    np.testing.assert_allclose(found["by_s"][1], 1 / s[1])
    log_p = x - np.logaddexp(x[:, :1], x[:, 1:])
    np.testing.assert_allclose(found["l_is"], log_p)
    np.testing.assert_allclose(found["s_is"], s)
    np.testing.assert_allclose(found["chosen"], log_p + x - np.exp(log_p) * x.sum(1, keepdims=True))


LOSSES = {
    "second order": (
        """layer net = dense(6) -> tanh -> dense(5) -> sigmoid -> dense(1)
           u    = x -> net
           slope = derivative(u, x)
           bent = derivative(slice(slope, 0, 1), x)
           output p = concat(u, slope, bent)""",
        "sum((p - 1)^2) + l2(0.01)",
    ),
    "third order, one weight in several orders": (
        """layer net = dense(4) -> softplus -> dense(1)
           u  = x -> net
           v  = derivative(sum(derivative(u, x)), x)
           w  = derivative(sum(v), x)
           output p = (u + sum(v)) * sum(w) + sum(w * x)""",
        "p^2",
    ),
    "a penalty of the slope of a recurrent net": (
        """steps = x -> reshape([2, 1])
           score = steps -> gru(3, sequence = false) -> dense(1)
           output p = derivative(score, x)""",
        "(sum(p^2) - 1)^2",
    ),
    "attention": (
        """h = x -> reshape([2, 1]) -> dense(4) -> attention(2) -> layernorm
           output p = derivative(sum(h^3), x)""",
        "sum(p^2) + mean(h)",
    ),
    "a choice for each element": (
        """h = x -> dense(3)
           output p = derivative(sum(where(h > 0, h^2, sin(h)) + maximum(h, 0.5 * h)^2), x)""",
        "sum(p^2)",
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_a_loss_through_derivatives(name: str) -> None:
    model, loss = LOSSES[name]
    ex = executor(f"input x: [2]\n{model}", loss)
    rng = np.random.default_rng(2)
    start = {n: rng.normal(scale=0.7, size=a.shape) for n, a in ex.parameters.items()}
    ex.set_parameters(start)
    _, found = ex.gradients({"x": X})
    for n, at in start.items():
        direction = rng.uniform(0.5, 1.0, at.shape) * rng.choice([-1.0, 1.0], at.shape)

        def along(t: float, n: str = n, direction: Any = direction) -> float:
            ex.set_parameters({**start, n: start[n] + t * direction})
            return float(ex.loss({"x": X}))

        terms = found[n] * direction
        for difference in both_sides(along):
            assert abs(terms.sum() - difference) <= 1e-6 * max(1.0, abs(terms).sum()), n


def test_each_example_has_its_own() -> None:
    """Alone and beside others, in training and in evaluation."""
    ex = executor("input x: [2]\nu = x -> dense(4) -> tanh -> dense(1)\noutput p = derivative(u, x)", "sum(p^2)")
    whole = ex.predict({"x": X})["p"]
    for row in range(len(X)):
        np.testing.assert_allclose(ex.predict({"x": X[row : row + 1]})["p"], whole[row : row + 1], rtol=1e-12)
    assert ex.loss({"x": X}) == pytest.approx((whole**2).sum(1).mean(), rel=1e-12)
    assert ex.gradients({"x": X})[0] == pytest.approx((whole**2).sum(1).mean(), rel=1e-12)


def test_of_what_was_dropped() -> None:
    """The slope has the zeros of this step's dropout: a linear net is its slope times its input."""
    ex = executor("input x: [40]\nu = x -> dropout(50%) -> sum\noutput p = u - sum(derivative(u, x) * x)", "p^2")
    x = np.random.default_rng(0).normal(size=(3, 40))
    assert ex.gradients({"x": x})[0] < 1e-20


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_a_net_learns_a_function_from_its_slope(backend: str) -> None:
    """u' = cos(x), u(0) = 0: u is the sine, on either backend."""
    text = """data { x = uniform(rows = 512, low = -2, high = 2, shape = [1]) }
model {
  input x: [1]
  layer net = dense(16) -> tanh -> dense(1)
  output u = x -> net
  begin = 0 * x -> net
}
train {
  loss      = (derivative(u, x) - cos(x))^2 + begin^2
  optimizer = adam(lr = 0.01)
  epochs    = 60
  metrics   = [mse(u, sin(x))]
}
"""
    run = gpubp.train(gpubp.loads(text), "cpu", backend=backend)
    assert run.metrics["train.mse"] < 1e-3


def test_compiled_kernels_compute_the_same() -> None:
    text = """data {
  x = uniform(rows = 32, low = -1, high = 1, shape = [1])
  t = uniform(rows = 32, low = -1, high = 1, shape = [1])
}
model {
  input x: [1]
  input t: [1]
  output u = concat(x, t) -> dense(4) -> tanh -> dense(1)
  slope = derivative(u, x)
}
train {
  loss      = (derivative(u, t) - derivative(slope, x))^2 + (u - x)^2
  optimizer = sgd(lr = 0.01)
  epochs    = 3
  precision = float64
}
"""
    losses = [gpubp.train(gpubp.loads(text), "cpu", backend=b).metrics["train.loss"] for b in ("numpy", "native")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


def test_restarts_train_side_by_side() -> None:
    text = """data { x = uniform(rows = 64, low = -2, high = 2, shape = [1]) }
model {
  input x: [1]
  output u = x -> dense(8) -> tanh -> dense(1)
  slope = derivative(u, x)
}
train {
  loss      = (slope - cos(x))^2 + derivative(slope, x)^2
  optimizer = sgd(lr = 0.01)
  epochs    = 2
  precision = float64
  RESTARTS
}
"""
    both = gpubp.train(gpubp.loads(text.replace("RESTARTS", "restarts = 3")), "cpu")
    alone = [gpubp.train(gpubp.loads(text.replace("RESTARTS", "")), "cpu", seed=seed) for seed in range(3)]
    best = min(alone, key=lambda run: run.metrics["train.loss"])
    assert both.metrics["train.loss"] == pytest.approx(best.metrics["train.loss"], rel=1e-9)


REFUSED = {
    "u = x -> dense(3)\n output p = derivative(u, x)": ("E0301", "one number per example, but this is [3]"),
    "output p = derivative(sum(x), x -> dense(2))": ("E0309", "this derivative is 0 everywhere"),
    "s = derivative(x -> dense(4) -> relu -> dense(1), x)\n output p = derivative(sum(s), x)": (
        "E0309",
        "0 everywhere",
    ),
    "output p = derivative(sum(x > 0), x)": ("E0309", "this derivative is 0 everywhere"),
    "output p = derivative(sum(x), 1)": ("E0309", "this is a plain number"),
    "layer f = dense(1)\n u = x -> f\n output p = x * derivative(u, f.bias)": ("E0309", "that all examples share"),
    "output p = derivative(sum(x), k)": ("E0306", "a class label has no derivative"),
    "output p = x -> derivative": ("E0205", "takes 2 values (u, x), but got 1"),
}


@pytest.mark.parametrize("model", REFUSED)
def test_what_is_refused(model: str) -> None:
    code, message = REFUSED[model]
    with pytest.raises(gpubp.NetError) as error:
        gpubp.loads(f"model {{\n input x: [2]\n input k: class(3)\n output q = one_hot(k)\n {model}\n}}\n")
    first = error.value.diagnostics[0]
    assert first.code == code
    assert message in first.message


def test_a_nesting_that_would_grow_without_end_is_refused() -> None:
    text = """block deeper(n) on u, x { return if n == 0 then u else deeper(derivative(u, x), x, n - 1) }
model {
  input x: [1]
  u = x -> dense(8) -> tanh -> dense(8) -> tanh -> dense(1)
  output p = deeper(u, x, 30)
}
"""
    with pytest.raises(gpubp.NetError, match="E0308"):
        gpubp.loads(text)
