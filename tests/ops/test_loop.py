"""The loop: what it computes, its derivative beside an unrolled program and with planted faults, what it keeps for it,
and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gpubp import ops
from gpubp.errors import ShapeError
from gpubp.insight.rules import inputs_for
from gpubp.ir import PRIMITIVES, Aval, Eqn, Program, Var, evaluate, recording, verify
from gpubp.passes import optimise
from gpubp.transforms import grad

from .checks import Array, check_derivative

LOOP = PRIMITIVES["loop"]
Step = Callable[[Sequence[Var], Sequence[Var]], tuple[Sequence[Var], Sequence[Var]]]
RULES = sys.modules["gpubp.ops.loop_gradient"]


def f64(*shape: int, hint: str = "") -> Var:
    return Var(Aval(shape, "float64"), hint)


def cell(w: Var) -> Step:
    """Something of everything: two carries, one collected, products with a constant, a view, a value of the slice."""

    def step(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
        (h, c), (x,) = state, slices
        z = ops.tanh(h @ w + x)
        left, right = (ops.slice_(z, start=(0, k), stop=(z.shape[0], k + 2)) for k in (0, 2))
        new = c * ops.sigmoid(left) + right
        return (ops.concat([new, right], axis=1), new), (ops.exp(z), new)

    return step


def unrolled(step: Step, state: Sequence[Var], xs: Var, reverse: bool) -> tuple[list[Var], list[Var]]:
    """The same as a straight line of equations."""
    length, rows = xs.shape[0], []
    for t in range(length - 1, -1, -1) if reverse else range(length):
        cut = ops.slice_(xs, start=(t, *(0,) * (xs.ndim - 1)), stop=(t + 1, *xs.shape[1:]))
        state, row = step(state, [ops.reshape(cut, shape=xs.shape[1:])])
        rows.append([ops.reshape(v, shape=(1, *v.shape)) for v in row])
    columns = zip(*(reversed(rows) if reverse else rows), strict=True)
    return list(state), [ops.concat(list(column), axis=0) for column in columns]


def weighted(results: Sequence[Var], chosen: Sequence[int]) -> Var:
    """A number of the chosen results that has no symmetries."""
    total = ops.full((), 0.0, "float64")
    for i in chosen:
        total = total + ops.sum_(ops.sin(results[i] * (1.0 + i)))
    return total


def values_and_gradients(build: Callable[..., Sequence[Var]], arrays: Sequence[Array], chosen: Sequence[int]) -> Any:
    xs = inputs_for(arrays)
    with recording() as eqns:
        results = build(*xs)
        total = weighted(results, chosen)
    program = verify(Program(tuple(xs), tuple(eqns), (*results, total)))
    program, gradients = grad(program, total, xs)
    with recording() as tail:
        filled = [g if g is not None else ops.full(x.shape, 0.0, x.dtype) for g, x in zip(gradients, xs, strict=True)]
    program = optimise(verify(replace(program, eqns=(*program.eqns, *tail), outputs=(*program.outputs, *filled))))
    return evaluate(program, list(arrays), np)


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("chosen", [(0,), (1,), (2,), (3,), (0, 1, 2, 3)], ids=str)
def test_it_is_the_unrolled_program(length: int, reverse: bool, chosen: Sequence[int]) -> None:
    rng = np.random.default_rng(length)
    arrays = [rng.normal(size=s) for s in ((3, 4), (3, 2), (length, 3, 4), (4, 4))]

    def looped(h: Var, c: Var, x: Var, w: Var) -> Sequence[Var]:
        last, collected = ops.loop(cell(w), (h, c), (x,), reverse=reverse)
        return *last, *collected

    def straight(h: Var, c: Var, x: Var, w: Var) -> Sequence[Var]:
        last, collected = unrolled(cell(w), (h, c), x, reverse)
        return *last, *collected

    found, wanted = (values_and_gradients(build, arrays, chosen) for build in (looped, straight))
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_a_loop_in_a_loop_is_the_unrolled_program() -> None:
    """Rows of an image, and in each row its pixels; the state of the inner loop begins with that of the outer."""
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s) for s in ((2, 3), (4, 5, 2, 3), (3, 3))]

    def nested(run: Callable[..., Any]) -> Callable[..., Sequence[Var]]:
        def build(h: Var, x: Var, w: Var) -> Sequence[Var]:
            def pixel(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
                new = ops.tanh(state[0] @ w + slices[0])
                return (new,), (new * slices[0],)

            def row(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
                (last,), (products,) = run(pixel, state, slices[0])
                return (last * 0.5 + state[0],), (ops.sum_(products, (0,)),)

            last, collected = run(row, (h,), x)
            return *last, *collected

        return build

    def looped(step: Step, state: Sequence[Var], xs: Var) -> Any:
        return ops.loop(step, state, (xs,))

    def straight(step: Step, state: Sequence[Var], xs: Var) -> Any:
        return unrolled(step, state, xs, False)

    found, wanted = (values_and_gradients(nested(run), arrays, (0, 1)) for run in (looped, straight))
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_the_second_derivative() -> None:
    """x' = x w, three times: x w^3, whose second derivative by w is 6 x w."""
    x, w = f64(hint="x"), f64(hint="w")
    with recording() as eqns:
        ((y,), _) = ops.loop(lambda state, _: ((state[0] * w,), ()), (x,), length=3)
    program, (first,) = grad(Program((x, w), tuple(eqns), (y,)), y, [w])
    assert first is not None
    program, (second,) = grad(program, first, [w])
    assert second is not None
    found = evaluate(optimise(verify(replace(program, outputs=(y, first, second)))), [np.array(2.0), np.array(3.0)], np)
    np.testing.assert_allclose(found, [54.0, 54.0, 36.0])


# Planted faults -------------------------------------------------------------------------------------------------------
def faults() -> dict[str, tuple[str, Callable[..., Any]]]:
    backward, before, summed, walk = (
        getattr(RULES, n) for n in ("reversed_loop", "_carry_before", "_summed", "_backward_pass")
    )

    def same_direction(*args: Any, **params: Any) -> Any:
        found = backward(*args, **params)
        return replace(found, params={**found.params, "reverse": params["reverse"]})

    def one_round_less(body: Program, given: Any) -> Any:
        found = walk(body, given)
        kept = {v: c for v, c in found.cotangent_of.items() if v not in body.inputs[:1]}
        return replace(found, cotangent_of=kept)

    return {
        "the new carry for the old": ("_carry_before", lambda init, after, reverse: after),
        "the wrong neighbour": ("_carry_before", lambda init, after, reverse: before(init, after, not reverse)),
        "a sum that is wrong by 0.1 %": ("_summed", lambda a, b: 1.001 * summed(a, b)),
        "the way back in the order of the way there": ("reversed_loop", same_direction),
        "a carry that sends nothing back": ("_backward_pass", one_round_less),
    }


@pytest.mark.parametrize("name", faults())
def test_a_planted_fault_is_caught_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attribute, fault = faults()[name]
    example = LOOP.examples[0]
    check_derivative(LOOP, example)
    where = "gpubp.ops.loop" if attribute == "reversed_loop" else "gpubp.ops.loop_gradient"
    monkeypatch.setattr(sys.modules[where], attribute, fault)
    with pytest.raises(AssertionError, match="derivative of `loop`"):
        check_derivative(LOOP, example)


# What it keeps --------------------------------------------------------------------------------------------------------
def lstm(u: int, x: Var, h: Var, c: Var, w: Var) -> list[Var]:
    def step(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
        z = state[0] @ w + slices[0]
        cut = [ops.slice_(z, start=(0, k * u), stop=(z.shape[0], (k + 1) * u)) for k in range(4)]
        new = ops.sigmoid(cut[1]) * state[1] + ops.sigmoid(cut[0]) * ops.tanh(cut[2])
        out = ops.sigmoid(cut[3]) * ops.tanh(new)
        return (out, new), (out,)

    last, collected = ops.loop(step, (h, c), (x,))
    return [*last, *collected]


def lstm_program(length: int, batch: int = 2, u: int = 3, chosen: int = 2) -> Program:
    xs = [f64(length, batch, 4 * u, hint="x"), *(f64(batch, u, hint=n) for n in "hc"), f64(u, 4 * u, hint="w")]
    with recording() as eqns:
        total = ops.sum_(ops.sin(lstm(u, *xs)[chosen]))
    program, gradients = grad(verify(Program(tuple(xs), tuple(eqns), (total,))), total, xs)
    return optimise(verify(replace(program, outputs=(total, *(g for g in gradients if g is not None)))))


def loops_of(program: Program) -> list[Eqn]:
    return [e for e in program.eqns if e.op is LOOP]


def test_only_what_the_way_back_reads_is_kept() -> None:
    """Four gates, the cell and its tanh; h is collected anyway; of what is carried nothing is stacked twice."""
    forward, backward = loops_of(lstm_program(6))
    assert len(forward.outputs) == 2 + 1 + 6
    assert backward.params["reverse"]
    # The cotangents of h and c; four gates, the cell before, tanh of the cell, the cotangent of what was collected.
    assert (backward.params["carries"], backward.params["scanned"]) == (2, 7)
    # The gradient of w is one product over all steps, not a sum in the loop.
    assert not [v for v in backward.outputs if v.shape == (3, 12)]
    assert sum(e.op is ops.matmul for e in backward.params["body"].eqns) == 1


def test_results_without_a_cotangent_cost_nothing() -> None:
    """Of a loop whose first carry alone counts, the other carry and what is collected of it have no way back."""
    x, a, b = f64(4, 3, hint="x"), f64(3, hint="a"), f64(3, hint="b")

    def step(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
        return (ops.tanh(state[0] + slices[0]), ops.exp(ops.sin(state[1]))), (ops.exp(state[1]),)

    with recording() as eqns:
        (last, other), _ = ops.loop(step, (a, b), (x,))
        total = ops.sum_(last)
    grown, gradients = grad(Program((x, a, b), tuple(eqns), (total, other)), total, [x, a])
    outputs = (total, *(g for g in gradients if g is not None))
    _, backward = loops_of(verify(replace(grown, outputs=outputs)))
    assert not {e.op.name for e in backward.params["body"].eqns} & {"exp", "cos", "sin"}
    forward, _ = loops_of(optimise(replace(grown, outputs=outputs)))
    assert not {e.op.name for e in forward.params["body"].eqns} & {"exp", "sin"}
    assert forward.params["carries"] == 1


# What is refused ------------------------------------------------------------------------------------------------------
def tanh_step(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
    return [ops.tanh(v) for v in state], ()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda a, x: ops.loop(tanh_step, (a,), length=0), "a loop runs once or more, not 0 times"),
        (lambda a, x: ops.loop(tanh_step, (a,)), "a loop runs once or more, not 0 times"),
        (lambda a, x: ops.loop(tanh_step, (a,), (x,), length=3), "sequences of that length"),
        (lambda a, x: ops.loop(lambda s, v: ((), ()), (a,), (x,)), "a loop carries 1 values, its body gives 0"),
        (
            lambda a, x: ops.loop(lambda s, v: ((v[0],), ()), (a,), (x,)),
            r"a loop carries f64\[2\], its body makes f64\[3\]",
        ),
        (lambda a, x: ops.loop(lambda s, v: ((), ()), (), (x,)), "a loop with 0 carries gives 0 values"),
    ],
)
def test_what_does_not_fit_is_refused(build: Callable[[Var, Var], Any], message: str) -> None:
    with recording(), pytest.raises(ShapeError, match=message):
        build(f64(2), f64(5, 3))


def test_a_body_is_verified_and_updates_nothing() -> None:
    a, s = f64(2, hint="a"), f64(2, hint="s")
    with recording() as eqns:
        b = ops.tanh(a)
    params = {"length": 2, "carries": 1, "scanned": 0, "reverse": False}
    open_body = Program((a,), (), (b,))
    with pytest.raises(Exception, match="an output is never made"):
        verify(Program((s,), (Eqn(LOOP, (s,), {**params, "body": open_body}, (f64(2),)),), ()))
    writes = Program((a,), tuple(eqns), (b,), ((a, b),))
    with pytest.raises(ShapeError, match="updates no states"):
        verify(Program((s,), (Eqn(LOOP, (s,), {**params, "body": writes}, (f64(2),)),), ()))
