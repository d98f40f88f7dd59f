"""Where derivatives jump, where plain formulas overflow: what the docs promise, and nothing that is not finite."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.insight.rules import inputs_for
from gpubp.ir import FLOATS, Program, Var, apply, evaluate, recording

from .checks import Array, derivatives

Op = Callable[..., Var]


@pytest.mark.parametrize(
    ("build", "at", "wanted"),
    [
        (ops.relu, [0.0], [0.0]),
        (ops.absolute, [0.0], [0.0]),
        (ops.sign, [0.0], [0.0]),
        (ops.maximum, [1.0, 1.0], [0.5, 0.5]),
        (ops.minimum, [1.0, 1.0], [0.5, 0.5]),
        (lambda x: ops.maximum(x, 1.0), [1.0], [0.5]),
        (lambda x: ops.minimum(1.0, x), [1.0], [0.5]),
        (lambda a, b: ops.where(a > b, a, b), [1.0, 1.0], [0.0, 1.0]),
        (ops.power, [0.0, 0.0], [0.0, 0.0]),
        (ops.power, [0.0, 1.0], [1.0, 0.0]),
        (ops.power, [0.0, 2.0], [0.0, 0.0]),
        (lambda b: ops.power(0.0, b), [0.0], [0.0]),
        (lambda b: ops.power(0.0, b), [2.0], [0.0]),
    ],
)
def test_at_kinks_the_derivative_is_the_documented_one(build: Op, at: list[float], wanted: list[float]) -> None:
    _, found = derivatives(build, *map(np.float64, at))
    assert [float(d) for d in found] == wanted


def test_equal_maxima_share() -> None:
    x = np.array([[3.0, 1.0, 3.0], [2.0, 2.0, 2.0], [0.0, 1.0, 2.0]])
    _, (dx,) = derivatives(lambda v: ops.max_(v, (1,)), x)
    np.testing.assert_array_equal(dx, np.array([[0.5, 0, 0.5], [1 / 3, 1 / 3, 1 / 3], [0, 0, 1]]))
    _, (dx,) = derivatives(ops.max_, x)
    np.testing.assert_array_equal(dx, (x == 3) / 2)


NAN = [ops.relu, ops.absolute, ops.sigmoid, ops.softplus, ops.log_probability, ops.erf, ops.maximum, ops.minimum]


def test_nan_stays_nan() -> None:
    nan = np.array([np.nan])
    for op in NAN:
        with recording() as eqns:
            xs = inputs_for([nan] * len(op.examples[0].shapes))
            y = op(*xs)
        with np.errstate(invalid="ignore"):
            (value,) = evaluate(Program(tuple(xs), tuple(eqns), (y,)), [nan] * len(xs), np)
        assert np.isnan(value).all(), op.name


def test_log_probability_clamps_what_underflowed_and_nothing_else() -> None:
    for dtype in FLOATS:
        tiny = np.finfo(dtype).tiny
        y, (dx,) = derivatives(ops.log_probability, np.array([0.0, tiny / 4, tiny, 0.5, 1.0, -0.5], dtype))
        np.testing.assert_allclose(y, [np.log(tiny)] * 3 + [np.log(0.5), 0.0, np.nan], rtol=1e-6)
        assert np.isfinite(dx).all()


# Far out -------------------------------------------------------------------------------------------------------------
FAR = [-1e4, -800.0, -100.0, 0.0, 100.0, 800.0, 1e4]
FORMS: dict[str, tuple[Op, Callable[[Array], Array]]] = {
    "sigmoid": (ops.sigmoid, lambda z: np.exp(-np.logaddexp(0, -z))),
    "softplus": (ops.softplus, lambda z: np.logaddexp(0, z)),
    "softmax": (lambda z: ops.softmax(z, axis=-1), lambda z: np.exp(log_softmax(z))),
    "log_softmax": (lambda z: ops.log_softmax(z, axis=-1), lambda z: log_softmax(z)),
    "log sigmoid": (lambda z: ops.log(ops.sigmoid(z)), lambda z: -np.logaddexp(0, -z)),
    "log 1 - sigmoid": (lambda z: ops.log(1.0 - ops.sigmoid(z)), lambda z: -np.logaddexp(0, z)),
    "log softmax": (lambda z: ops.log(ops.softmax(z, axis=-1)), lambda z: log_softmax(z)),
    "log reshaped softmax": (
        lambda z: ops.log_probability(ops.reshape(ops.softmax(z, axis=-1), shape=(7, 2, 1))),
        lambda z: log_softmax(z).reshape(7, 2, 1),
    ),
}


def log_softmax(z: Array) -> Array:
    return np.asarray(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_far_out_values_and_derivatives_are_finite(name: str, dtype: str) -> None:
    build, reference = FORMS[name]
    z = np.stack([np.array(FAR), -np.array(FAR)], axis=1)
    y, (dz,) = derivatives(build, z.astype(dtype), stabilise=True)
    assert np.isfinite(dz).all()
    np.testing.assert_allclose(y, reference(z), rtol=1e-6 if dtype == "float32" else 1e-13, atol=np.finfo(dtype).tiny)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("z", "label"), [(1e4, 0), (1e4, 1), (-1e4, 0), (-1e4, 1), (0.0, 1)])
def test_cross_entropies_far_out(dtype: str, z: float, label: int) -> None:
    binary = executor("target y: [1]", "dense(1) -> sigmoid", "binary_cross_entropy(p, y)", dtype)
    binary.set_parameters({"p.dense.weight": [[z]]})
    loss, found = binary.gradients({"x": [[1.0]], "y": [[label]]})
    assert loss == pytest.approx(float(np.logaddexp(0, z if label == 0 else -z)))
    assert found["p.dense.weight"].item() == pytest.approx((0.5 if z == 0 else float(z > 0)) - label)
    many = executor("target y: class(2)", "dense(2) -> softmax", "cross_entropy(p, y)", dtype)
    many.set_parameters({"p.dense.weight": [[0.0, z]]})
    loss, found = many.gradients({"x": [[1.0]], "y": [label]})
    assert loss == pytest.approx(float(np.logaddexp(0, z if label == 0 else -z)))
    np.testing.assert_allclose(found["p.dense.weight"][0, 1], (0.5 if z == 0 else float(z > 0)) - label)


def executor(target: str, chain: str, loss: str, dtype: str) -> gpubp.Executor:
    text = f"""
model {{
  input x: [1]
  {target}
  output p = x -> {chain}
}}
train {{
  loss = {loss}
  optimizer = sgd(lr = 0.1)
  epochs = 1
}}
"""
    return gpubp.Executor(gpubp.loads(text), device="cpu", precision=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_error_function_of_numpy_is_as_precise_near_zero(dtype: str) -> None:
    x = np.concatenate([np.geomspace(2 * np.finfo(dtype).tiny, 1, 400), np.linspace(0.4, 7, 400)]).astype(dtype)
    wanted = [math.erf(v) for v in x]
    for found in (apply(ops.erf, np, [x], {}), -apply(ops.erf, np, [-x], {})):
        np.testing.assert_allclose(found, wanted, rtol=8 * np.finfo(dtype).eps)
