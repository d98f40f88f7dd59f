"""Rules that change the last digits: the new form in float32 is at least as near to the truth, taken in float64, as the
old one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gpubp import ops
from gpubp.ir import Aval, Program, Var, evaluate, recording, verify
from gpubp.passes import optimise, rewrite, simplify
from gpubp.transforms import grad
from tests.ops.checks import Array, derivatives


def bce(z: Var, y: Var) -> Var:
    p = ops.sigmoid(z)
    return -(y * ops.log_probability(p) + (1.0 - y) * ops.log_probability(1.0 - p))


def cross_entropy(z: Var, labels: Var) -> Var:
    hot = ops.one_hot(labels, classes=z.shape[-1], dtype=z.dtype)
    return -ops.sum_(hot * ops.log_probability(ops.softmax(z, axis=-1)), (-1,))


ODDS = np.array([-1e4, -88.0, -40.0, -17.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 17.0, 40.0, 88.0, 1e4])


@pytest.mark.parametrize("y", [0.0, 1.0, 0.3, 1.0 - 2.0**-20, 2.0**-20])
def test_binary_cross_entropy_keeps_its_digits(y: float) -> None:
    """y softplus(-z) + (1 - y) softplus(z), of terms that are never negative, and sigmoid(z) - y."""
    exponential = np.log1p(np.exp(-np.abs(ODDS)))
    wanted = y * (np.maximum(-ODDS, 0) + exponential) + (1 - y) * (np.maximum(ODDS, 0) + exponential)
    half = np.exp(-np.abs(ODDS))
    slope = np.where(ODDS > 0, 1 / (1 + half), half / (1 + half)) - y
    z, target = ODDS.astype("float32"), np.full(ODDS.shape, y, "float32")
    value, (dz, dy) = derivatives(bce, z, target, stabilise=True)
    z = z.astype("float64")
    assert value.dtype == dz.dtype == np.float32
    tiny = np.finfo("float32").tiny
    np.testing.assert_allclose(value, wanted, rtol=4e-6, atol=tiny)
    np.testing.assert_allclose(dz, slope, rtol=1e-6, atol=1.2e-7)
    np.testing.assert_allclose(dy, -z, rtol=1e-7)


def test_a_tiny_loss_is_not_zero() -> None:
    value, _ = derivatives(bce, np.float32([40.0]), np.float32([1.0]), stabilise=True)
    np.testing.assert_allclose(value, [4.248354255291589e-18], rtol=1e-6)


def gradient_program(build: Callable[..., Var], *arrays: Array) -> Program:
    xs = tuple(Var(Aval(a.shape, str(a.dtype))) for a in arrays)
    with recording() as eqns:
        loss = ops.mean(build(*xs))
    program = rewrite(verify(Program(xs, tuple(eqns), (loss,))))
    program, (g, *_) = grad(program, program.outputs[0], xs)
    assert g is not None
    return verify(Program(program.inputs, program.eqns, (*program.outputs, g)))


@pytest.mark.parametrize("size", [1.0, 30.0, 1e4])
def test_the_gradient_of_a_softmax_is_the_textbooks(size: float) -> None:
    rng = np.random.default_rng(0)
    z, labels = (rng.normal(size=(50, 7)) * size).astype("float32"), rng.integers(0, 7, 50)
    program = gradient_program(cross_entropy, z, labels)
    best = verify(optimise(program))
    assert [e.op.name for e in best.eqns][-3:] == ["exp", "sub", "mul"]
    wide = z.astype("float64")
    p = np.exp(wide - wide.max(-1, keepdims=True))
    wanted = (p / p.sum(-1, keepdims=True) - np.eye(7)[labels]) / 50
    loss, found = evaluate(best, [z, labels], np)
    assert np.isfinite(loss)
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-9)


def spread(found: Array, wanted: Array) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((found.astype("float64") - wanted) ** 2)))


ROUNDING: dict[str, tuple[Callable[..., Var], Callable[..., Array]]] = {
    "literals": (lambda a, b: (a * 0.3) * 0.7, lambda a, b: a * 0.21),
    "literals through a sum": (lambda a, b: ops.sum_(a * 0.3, (0,)) * 0.7, lambda a, b: a.sum(0) * 0.21),
    "a sum of a sum": (lambda a, b: ops.sum_(ops.sum_(a, (1,)), (0,)), lambda a, b: a.sum()),
    "sums the other way": (lambda a, b: ops.sum_(ops.sum_(a, (0,)), (0,)), lambda a, b: a.sum()),
}


def test_a_common_factor_stays_within_the_smaller_bound() -> None:
    """c (a + b) errs by at most 2 u |c (a + b)|, which c a + c b, with u (|c a| + |c b| + |c (a + b)|), may exceed."""
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=10_000).astype("float32") for _ in range(3)]
    xs = tuple(Var(Aval(x.shape, "float32")) for x in arrays)
    with recording() as eqns:
        y = xs[0] * xs[1] + xs[2] * xs[0]
    old = verify(Program(xs, tuple(eqns), (y,)))
    c, a, b = (x.astype("float64") for x in arrays)
    bound = 2.001 * 2.0**-24 * np.abs(c * (a + b))
    errors = [np.abs(evaluate(p, arrays, np)[0] - c * (a + b)) for p in (verify(simplify(old)), old)]
    assert (errors[0] <= bound).all()
    assert not (errors[1] <= bound).all(), "the test tells the two apart"


@pytest.mark.parametrize("rule", ROUNDING)
def test_fewer_roundings_are_not_worse(rule: str) -> None:
    build, truth = ROUNDING[rule]
    errors = np.zeros((2, 40))
    for i in range(40):
        rng = np.random.default_rng(i)
        a, b = (rng.normal(size=(60, 70)).astype("float32") for _ in range(2))
        xs = [Var(Aval(x.shape, "float32")) for x in (a, b)]
        with recording() as eqns:
            y = build(*xs)
        old = verify(Program(tuple(xs), tuple(eqns), (y,)))
        new = verify(simplify(old))
        assert new is not old
        wanted = truth(a.astype("float64"), b.astype("float64"))
        errors[:, i] = [spread(np.asarray(evaluate(p, [a, b], np)[0]), wanted) for p in (old, new)]
    before, after = np.sqrt((errors**2).mean(1))
    assert after <= 1.05 * before
