"""Reverse mode against differences on random programs, and what it says of values that lead nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from gpubp import ops
from gpubp.errors import GpubpError
from gpubp.insight.rules import both_sides
from gpubp.ir import FLOATS, PRIMITIVES, Aval, Back, Eqn, Program, Var, evaluate, recording, verify
from gpubp.passes import dce
from gpubp.transforms import grad
from tests.ir.random_programs import Case, programs
from tests.ops.checks import Array


def scalar(program: Program, arrays: list[Array]) -> tuple[Program, Var, list[Array]]:
    """The program with a random weighted sum of its float outputs appended, weights being new inputs."""
    rng = np.random.default_rng(1)
    outputs = [v for v in dict.fromkeys(program.outputs) if v.dtype in FLOATS]
    weights = [Var(v.aval, "weight") for v in outputs]
    with recording() as eqns:
        total = ops.full((), 0.0, "float64")
        for v, w in zip(outputs, weights, strict=True):
            total = total + ops.cast(ops.sum_(v * w), dtype="float64")
    extended = Program((*program.inputs, *weights), (*program.eqns, *eqns), (total,))
    more = [rng.normal(size=v.shape).astype(v.dtype) for v in outputs]
    return verify(extended), total, [*arrays, *more]


def check_gradients(original: Program, given_arrays: list[Array]) -> None:
    """Compare the gradients of a weighted sum of the outputs, by each float64 input, with differences."""
    program, total, arrays = scalar(original, given_arrays)
    wrt = [v for v in program.inputs if v.dtype == "float64"]
    grown, gradients = grad(program, total, wrt)
    for old, new in zip(program.eqns, grown.eqns, strict=False):
        assert new is old or (new.op is old.op and new.op.save_residuals is not None)
        assert (new.inputs, new.outputs[: len(old.outputs)]) == (old.inputs, old.outputs)
    assert (grown.inputs, grown.outputs, grown.updates) == (program.inputs, program.outputs, program.updates)
    known = tuple(g for g in gradients if g is not None)
    rng = np.random.default_rng(2)
    with np.errstate(all="ignore"):
        values = iter(evaluate(verify(replace(grown, outputs=known)), arrays, np))
        for v, g in zip(wrt, gradients, strict=True):
            value = np.zeros(v.shape) if g is None else next(values)
            assert (value.shape, value.dtype) == (v.shape, v.dtype)
            direction = rng.uniform(0.5, 1.0, v.shape) * rng.choice([-1.0, 1.0], v.shape)
            right, left = slopes(program, arrays, program.inputs.index(v), direction)
            scale = max(1.0, abs(right), float(np.abs(value).sum()))
            # A kink or a jump within reach of the differences says nothing of the derivative.
            if abs(right - left) < 1e-5 * scale:
                assert abs(float((value * direction).sum()) - right) < 1e-5 * scale


def slopes(program: Program, arrays: list[Array], at: int, direction: Array) -> tuple[float, float]:
    def along(t: float) -> float:
        moved = [a + t * direction if i == at else a for i, a in enumerate(arrays)]
        return float(evaluate(program, moved, np)[0])

    return both_sides(along)


@given(case=programs(smooth=True, states=False))
def test_random_programs(case: Case) -> None:
    check_gradients(*case)


def test_a_planted_derivative_is_caught() -> None:
    """One rule in the middle is wrong by 0.1 %."""
    x = Var(F, "x")
    for factor, caught in [(1.0, False), (1.001, True)]:
        tanh = replace(ops.tanh, vjp=lambda g, y, x, factor=factor: (factor * g * (1.0 - y * y),))
        with recording() as eqns:
            y = ops.exp(tanh(ops.sin(x)))
        program = Program((x,), tuple(eqns), (y,))
        if not caught:
            check_gradients(program, [X])
            continue
        with pytest.raises(AssertionError):
            check_gradients(program, [X])


F = Aval((3,), "float64")
X = np.array([0.5, -1.0, 2.0])


def gradient(build: Callable[[Var], Var], *, at: Array = X) -> Array:
    """The gradient of the sum of a function of one vector."""
    x = Var(F, "x")
    with recording() as eqns:
        total = ops.sum_(build(x))
    program, (g,) = grad(Program((x,), tuple(eqns), (total,)), total, [x])
    assert g is not None
    return np.asarray(evaluate(verify(replace(program, outputs=(g,))), [at], np)[0])


def test_uses_of_one_value_accumulate() -> None:
    np.testing.assert_allclose(gradient(lambda x: x * x * x), 3 * X**2)
    np.testing.assert_allclose(gradient(lambda x: x + x + x), [3, 3, 3])
    np.testing.assert_allclose(gradient(lambda x: x - x), [0, 0, 0])
    e = np.exp(X)
    np.testing.assert_allclose(gradient(lambda x: ops.exp(x) * ops.exp(x) + x * ops.exp(x)), 2 * e**2 + (1 + X) * e)

    def doubled(x: Var) -> Var:
        for _ in range(50):
            x = x + x
        return x

    np.testing.assert_allclose(gradient(doubled), [2.0**50] * 3)


def test_the_program_grows_with_its_length_only() -> None:
    """A value used twice at each of 200 steps: one cotangent each, not 2^200."""
    x = Var(F, "x")
    with recording() as eqns:
        y = x
        for _ in range(200):
            y = y * y
        total = ops.sum_(y)
    grown, _ = grad(Program((x,), tuple(eqns), (total,)), total, [x])
    assert len(grown.eqns) < 10 * len(eqns)


def test_what_leads_nowhere_has_no_gradient() -> None:
    x, unused, labels = Var(F, "x"), Var(F, "unused"), Var(Aval((3,), "int64"), "labels")
    with recording() as eqns:
        aside = ops.exp(unused)
        hot = ops.one_hot(labels, classes=3, dtype="float64")
        jump = ops.cast(x > 0.0, dtype="float64")
        total = ops.sum_(hot * ops.tanh(x)) + ops.sum_(jump) + ops.sum_(ops.sign(x))
    program = Program((x, unused, labels), tuple(eqns), (total, aside))
    _, gradients = grad(program, total, [unused, labels, aside, hot, jump, x])
    assert [g is None for g in gradients] == [True, True, True, False, False, False]
    _, (g,) = grad(Program((x,), tuple(eqns[2:3]), ()), Var(Aval((), "float64")), [x])
    assert g is None


def test_a_value_in_the_middle() -> None:
    """The derivative by a result of an equation, beside those by the input that it was made of."""
    x = Var(F, "x")
    with recording() as eqns:
        h = ops.exp(x)
        y = h * h
        total = ops.sum_(y)
    program, gradients = grad(Program((x,), tuple(eqns), (total,)), total, [h, x, y, total])
    assert all(g is not None for g in gradients)
    outputs = tuple(g for g in gradients if g is not None)
    by_h, by_x, by_y, by_total = evaluate(verify(replace(program, outputs=outputs)), [X], np)
    np.testing.assert_allclose(by_h, 2 * np.exp(X))
    np.testing.assert_allclose(by_x, 2 * np.exp(2 * X))
    np.testing.assert_array_equal(by_y, np.ones(3))
    assert by_total == 1


def test_only_the_way_from_wrt_to_the_target_is_walked() -> None:
    x, w = Var(F, "x"), Var(F, "w")
    with recording() as eqns:
        h = ops.exp(ops.sin(x))
        total = ops.sum_(h * w)
    program, (g,) = grad(Program((x, w), tuple(eqns), (total,)), total, [w])
    assert g is not None
    assert "cos" not in {e.op.name for e in program.eqns}
    assert "sum" not in {e.op.name for e in dce(replace(program, outputs=(g,))).eqns}


def test_the_second_derivative_is_the_derivative_of_the_grown_program() -> None:
    x = Var(F, "x")
    with recording() as eqns:
        total = ops.sum_(ops.sin(x) * x)
    program, (g,) = grad(Program((x,), tuple(eqns), (total,)), total, [x])
    assert g is not None
    with recording() as more:
        slope = ops.sum_(g)
    program, (h,) = grad(replace(program, eqns=(*program.eqns, *more)), slope, [x])
    assert h is not None
    (found,) = evaluate(verify(replace(program, outputs=(h,))), [X], np)
    np.testing.assert_allclose(found, 2 * np.cos(X) - X * np.sin(X))


def test_equations_of_the_gradient_come_from_where_the_forward_ones_do() -> None:
    x = Var(F, "x")
    with recording() as eqns:
        total = ops.sum_(ops.exp(x))
    marked = tuple(Eqn(e.op, e.inputs, e.params, e.outputs, e.op.name) for e in eqns)
    program, _ = grad(Program((x,), marked, (total,)), total, [x])
    assert {e.origin for e in program.eqns[len(eqns) + 1 :]} == {Back("exp"), Back("sum")}


@pytest.mark.parametrize("aval", [F, Aval((1,), "float64"), Aval((), "int64"), Aval((), "bool")])
def test_only_a_float_scalar_has_a_gradient(aval: Aval) -> None:
    x = Var(aval, "x")
    with pytest.raises(GpubpError, match="a gradient needs a float scalar"):
        grad(Program((x,), (), (x,)), x, [x])


def test_a_rule_that_gives_the_wrong_shape_is_named() -> None:
    wrong = replace(PRIMITIVES["exp"], name="odd", vjp=lambda g, y, x: (ops.sum_(g),))
    x = Var(F, "x")
    with recording() as eqns:
        total = ops.sum_(wrong(x))
    with pytest.raises(GpubpError, match=r"the derivative of `odd` gives f64\[\] for f64\[3\]"):
        grad(Program((x,), tuple(eqns), (total,)), total, [x])
