"""Two programs that differ in their rows alone are told from others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import gpubp
from gpubp import ops
from gpubp.frontend import build
from gpubp.ir import Aval, Program, Var, recording
from gpubp.passes import same_but_for_batch

ROWS = (7, 11)


def made(function: Callable[[Var, int], Var], rows: int) -> Program:
    x = Var(Aval((rows, 3), "float32"), "x")
    with recording() as eqns:
        y = function(x, rows)
    return Program((x,), tuple(eqns), (y,))


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda x, n: ops.tanh(x) + x, True),
        (lambda x, n: ops.reshape(x, shape=(3 * n,)), True),
        (lambda x, n: ops.reshape(ops.concat([x, x], axis=0), shape=(2 * n, 3)), True),
        (lambda x, n: x + ops.full((n, 3), 0.5, "float32"), True),
        (lambda x, n: x + ops.full((n, 3), 1 / n, "float32"), False),
        (lambda x, n: ops.mean(x, (0,)), False),
        (lambda x, n: ops.slice_(x, start=(0, 0), stop=(n - 1, 3)), False),
        (lambda x, n: ops.slice_(x, start=(0, 0), stop=(5, 3)), True),
        (lambda x, n: x if n == 7 else ops.tanh(x), False),
        (lambda x, n: ops.tanh(x) if n == 7 else ops.sin(x), False),
        (lambda x, n: ops.tanh(x) if n == 7 else (ops.tanh(x), x)[1], False),
        (lambda x, n: ops.loop(lambda c, s: ([c[0] * n], []), [x], length=2)[0][0], False),
        (lambda x, n: ops.loop(lambda c, s: ([c[0] * 2.0], []), [x], length=2)[0][0], True),
    ],
)
def test_alike(function: Callable[[Var, int], Var], wanted: bool) -> None:
    assert same_but_for_batch(made(function, ROWS[0]), made(function, ROWS[1]), ROWS) is wanted


def test_a_number_that_the_rows_divide_by_chance() -> None:
    """It is taken for one that grows, and does not."""
    programs = (made(lambda x, n: ops.broadcast_to(ops.reshape(x, shape=(n, 3, 1)), shape=(n, 3, 14)), n) for n in ROWS)
    assert not same_but_for_batch(*programs, ROWS)


def test_a_prediction() -> None:
    net = gpubp.load("models/digits_lstm.net")
    one, other, longer = (build(net, "predict", n, "float32").program for n in (1009, 1013, 1013 * 2))
    assert same_but_for_batch(one, other, (1009, 1013))
    assert not same_but_for_batch(one, longer, (1009, 1013))
