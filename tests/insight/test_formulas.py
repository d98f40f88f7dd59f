"""Equations as text: signs, brackets, names for what is long or used again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gpubp import ops
from gpubp.insight.formulas import Notation, one_line
from gpubp.ir import Aval, Program, Var, recording


def told(build: Callable[..., Var], shape: tuple[int, ...] = (3, 3)) -> list[str]:
    """The formulas of a value `y` made of a, b and c."""
    inputs = [Var(Aval(shape, "float64"), name) for name in "abc"]
    with recording() as eqns:
        y = build(*inputs)
    notation = Notation(Program(tuple(inputs), tuple(eqns), (y,)), {y: "y"})
    return [line for one in notation.formulas(y) for line in one_line(one)]


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda a, b, c: a + b - c, "a + b - c"),
        (lambda a, b, c: a - (b - c), "a - (b - c)"),
        (lambda a, b, c: a - (b + c), "a - (b + c)"),
        (lambda a, b, c: a + (b - c), "a + b - c"),
        (lambda a, b, c: (a + b) * c, "(a + b) * c"),
        (lambda a, b, c: a * b / c, "a * b / c"),
        (lambda a, b, c: a / (b * c), "a / (b * c)"),
        (lambda a, b, c: a / (b / c), "a / (b / c)"),
        (lambda a, b, c: -a * b, "(-a) * b"),
        (lambda a, b, c: -(a * b), "-a * b"),
        (lambda a, b, c: -(a + b), "-(a + b)"),
        (lambda a, b, c: a - (-b), "a - (-b)"),
        (lambda a, b, c: a + (-0.5) * b, "a - 0.5 * b"),
        (lambda a, b, c: -2.0 * a, "-2 * a"),
        (lambda a, b, c: a * -2.0, "a * (-2)"),
        (lambda a, b, c: (a @ b) * c, "(a @ b) * c"),
        (lambda a, b, c: a @ b @ c, "a @ b @ c"),
        (lambda a, b, c: a @ (b @ c), "a @ (b @ c)"),
        (lambda a, b, c: ops.transpose(a) @ b, "a^T @ b"),
        (lambda a, b, c: ops.transpose(a + b) @ c, "(a + b)^T @ c"),
        (lambda a, b, c: (a + b) * (a + b), "(a + b) * (a + b)"),
        (lambda a, b, c: a * a, "a^2"),
        (lambda a, b, c: a + a, "2 * a"),
        (lambda a, b, c: a + a - b, "2 * a - b"),
        (lambda a, b, c: c / (a + a), "c / (2 * a)"),
        (lambda a, b, c: (lambda d: d + d)(-a), "2 * (-a)"),
        (lambda a, b, c: (lambda d: d + d)(a - b), "2 * (a - b)"),
        (lambda a, b, c: ops.power(a, 3.0), "a^3"),
        (lambda a, b, c: ops.power(a * b, c), "(a * b)^c"),
        (lambda a, b, c: ops.gate(a > 0.0, b), "b * (a > 0)"),
        (lambda a, b, c: ops.tanh(a + b) * c, "tanh(a + b) * c"),
        (lambda a, b, c: ops.sum_(a, (0,)) + ops.sum_(b), "sum(a, axis 0) + sum(b, axes 0, 1)"),
        (lambda a, b, c: ops.slice_(a + b, start=(0, 1), stop=(2, 3)), "(a + b)[0:2, 1:3]"),
        (lambda a, b, c: ops.transpose(ops.reshape(a, shape=(1, 3, 3)), (2, 0, 1)), "transpose(a, 2, 0, 1)"),
        (lambda a, b, c: ops.where(a < b, a, 1e-12), "where(a < b, a, 1e-12)"),
    ],
)
def test_signs_and_brackets(build: Callable[..., Var], text: str) -> None:
    assert told(build) == [f"y = {text}"]


def test_what_is_used_twice_gets_a_name() -> None:
    def build(a: Var, b: Var, c: Var) -> Var:
        shared = ops.tanh(a + b) * ops.exp(c)
        return shared * c + shared

    assert told(build) == ["t1 = tanh(a + b) * exp(c)", "y = t1 * c + t1"]


def test_a_square_of_what_has_brackets() -> None:
    def build(a: Var, b: Var, c: Var) -> Var:
        d = a - b
        return d * d

    assert told(build) == ["y = (a - b)^2"]


def test_a_chain_longer_than_the_stack_is_told_in_pieces() -> None:
    def build(a: Var, b: Var, c: Var) -> Var:
        out = a
        for _ in range(3000):
            out = out + b * c
        return out

    lines = told(build)
    assert len(lines) > 100
    assert max(map(len, lines)) < 120
    assert lines[-1].startswith("y = t")


def test_a_loop_shows_its_body() -> None:
    def build(a: Var, b: Var, c: Var) -> Var:
        (last,), _ = ops.loop(lambda h, x: ([ops.tanh(h[0] @ c + x[0])], []), [a], [ops.reshape(b, shape=(1, 3, 3))])
        return 2.0 * last

    assert told(build) == [
        "t1 = loop (length 1, carries 1, scanned 1)",
        "  with x1 = a, x2 = b, x3 = c",
        "  r1 = tanh(x1 @ x3 + x2)",
        "  gives r1",
        "y = 2 * t1",
    ]
