"""The plan of a loop: as long as its body whatever its length, nothing copied that need not be, carries kept apart."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from gpubp import ops
from gpubp.ir import Program, Var, evaluate, recording, verify
from gpubp.passes import cost, plan
from gpubp.render import compile_source, plan_source
from tests.ops.test_loop import f64, lstm_program


def test_the_length_is_a_number_in_the_text() -> None:
    """A loop of 64 rounds is the program of one of 4: as many equations, the same text but for its numbers."""
    short, long = lstm_program(4), lstm_program(64)
    assert len(short.eqns) == len(long.eqns)
    for text in (repr, lambda program: plan_source(plan(program, program.inputs[:1]), "run")):
        assert re.sub(r"\d+", "0", text(short)) == re.sub(r"\d+", "0", text(long))


@pytest.mark.parametrize("chosen", [0, 2])
def test_a_step_copies_no_slice(chosen: int) -> None:
    """A round reads and writes slices where they lie; h and c are read where the round before left them."""
    program = lstm_program(5, chosen=chosen)
    planned = plan(program, ())
    rounds = [step.body for step in planned.steps if step.body is not None]
    assert len(rounds) == 2
    for one in rounds:
        assert not one.plan.copies
        assert not [step for step in one.plan.steps if step.eqn.op is ops.copy]
    assert len(rounds[0].collected_carries) == 2


def test_numbers_as_slices_are_read_in_each_round() -> None:
    """A sequence of single numbers: a slice is a view of it, not what it held when the loop was bound."""
    x, start = f64(4, hint="x"), f64(hint="start")
    with recording() as eqns:
        (last,), (sums,) = ops.loop(lambda s, v: ((s[0] + v[0],), (s[0] * v[0],)), (start,), (x,))
    program = verify(Program((x, start), tuple(eqns), (last, sums)))
    planned = plan(program, (x,))
    bind = compile_source(plan_source(planned, "run"), "bind_run", np)
    step, (slot,), outputs = bind(np.empty(planned.arena, np.uint8), np.array(1.0))
    for values in ([1.0, 2.0, 3.0, 4.0], [5.0, 0.0, 0.0, 1.0]):
        slot[...] = values
        step()
        for found, wanted in zip(outputs, evaluate(program, [np.array(values), np.array(1.0)], np), strict=True):
            np.testing.assert_array_equal(found, wanted)


def turning() -> Program:
    """Carries that change places, one of them turned, and old values that are collected too."""

    def step(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
        a, b, c = state
        return (b, ops.transpose(a), c + a), (a, ops.reshape(c, shape=(4,)))

    xs = [f64(2, 2, hint=name) for name in "abc"]
    with recording() as eqns:
        last, collected = ops.loop(step, xs, length=5)
    return verify(Program(tuple(xs), tuple(eqns), (*last, *collected)))


def differs(program: Program) -> bool:
    """Whether a plan computes anything else than the evaluator."""
    arrays = [np.arange(4.0).reshape(2, 2) * k + k for k in range(1, len(program.inputs) + 1)]
    planned = plan(program, ())
    bind = compile_source(plan_source(planned, "run"), "bind_run", np)
    step, _, outputs = bind(np.full(planned.arena, 0xFF, np.uint8), *arrays)
    step()
    return not all(np.array_equal(a, b) for a, b in zip(outputs, evaluate(program, arrays, np), strict=True))


def test_a_carry_is_read_before_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not differs(turning())
    monkeypatch.setattr(
        sys.modules["gpubp.passes.loops"], "_with_copies", lambda body, changing, wanted: (body.eqns, {})
    )
    assert differs(turning()), "without the copies it is not"


def test_a_loop_costs_what_its_rounds_cost() -> None:
    a, w = f64(3, 4, hint="a"), f64(4, 4, hint="w")
    with recording() as eqns:
        (last,), _ = ops.loop(lambda state, _: ((ops.tanh(state[0] @ w),), ()), (a,), length=7)
    found = cost(plan(verify(Program((a, w), tuple(eqns), (last,))), ()))
    assert found.flops == 7 * (2 * 3 * 4 * 4 + 3 * 4)
