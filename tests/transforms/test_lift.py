"""Programs that differ in numbers alone: what counts as the same, and the one program that takes the numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gpubp import ops
from gpubp.ir import Aval, Program, Var, evaluate, recording, verify
from gpubp.transforms import Column, lift, outline
from tests.ops.checks import Array

ROWS = np.array([[0.5, 1.5], [2.5, 0.25]])


def made(
    rate: float = 0.1,
    shift: float = 2.0,
    *,
    exponent: float = 3.0,
    axis: int = 0,
    crossed: bool = False,
    flipped: bool = False,
    guarded: int | None = 0,
    kept: bool = False,
) -> Program:
    """w <- w - rate (x + shift)^3 where a sum is positive; returned are two sums."""
    x, w = (Var(Aval((2, 2), "float64"), "v") for _ in range(2))
    with recording() as eqns:
        step = (w if crossed else x) + shift
        new = w - rate * step**exponent
        first, second = ops.sum_(new, (axis,)), ops.sum_(new * rate, (axis,))
        guards = ops.sum_(x) > 0.0, ops.sum_(w) > 0.0
    guard = None if guarded is None else guards[guarded]
    outputs = (second, first) if flipped else (first, second)
    return verify(Program((x, w), tuple(eqns), outputs, ((w, w if kept else new),), guard))


def test_other_numbers_are_the_same_outline() -> None:
    assert outline(made(0.1, 2.0)) == outline(made(0.3, -7.0))


@pytest.mark.parametrize(
    "other",
    [
        {"exponent": 4.0},
        {"axis": 1},
        {"crossed": True},
        {"flipped": True},
        {"guarded": 1},
        {"guarded": None},
        {"kept": True},
    ],
    ids=str,
)
def test_anything_else_is_another_outline(other: dict[str, Any]) -> None:
    """A number that kernels hold in their text, a param, an operand, an output, the guard, an update."""
    assert outline(made(**other)) != outline(made())


def test_an_input_of_another_type_or_name_is_another_outline() -> None:
    x = Var(Aval((2,), "float64"), "x")
    others = Var(Aval((3,), "float64"), "x"), Var(Aval((2,), "float32"), "x"), Var(Aval((2,), "float64"), "y")
    assert len({outline(Program((v,), (), (v,))) for v in (x, *others)}) == 4


def test_the_lifted_program_takes_the_numbers_of_each() -> None:
    """Those that differ, each once, are inputs; the others stay."""
    settings = [(0.1, 2.0), (0.3, 2.0), (0.2, 2.0)]
    names: dict[Column, str] = {}
    lifted = verify(lift([made(*numbers) for numbers in settings], names))
    assert [v.hint for v in lifted.inputs] == ["v", "v", *names.values()]
    assert list(names) == [("float64", (0.1, 0.3, 0.2))]

    def run(program: Program, *more: float) -> list[Array]:
        arrays = [ROWS.copy(), 1 - ROWS, *map(np.array, more)]
        return [*evaluate(program, arrays, np), *arrays[:2]]

    for k, numbers in enumerate(settings):
        columns = [values[k] for _, values in names]
        for found, wanted in zip(run(lifted, *columns), run(made(*numbers)), strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_equal_numbers_are_not_lifted_and_known_names_are_kept() -> None:
    names: dict[Column, str] = {("float64", (0.1, 0.3)): "rate"}
    lifted = lift([made(0.1), made(0.3)], names)
    assert [v.hint for v in lifted.inputs[2:]] == ["rate"]
    assert len(names) == 1
    same = made()
    assert lift([same, replace(same)], {}).inputs == same.inputs
