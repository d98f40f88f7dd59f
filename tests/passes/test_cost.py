"""The cost of a step by hand; and the matrix products that NumPy computes at once, by which the threads of the BLAS are
chosen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gpubp import ops
from gpubp.ir import PRIMITIVES, Aval, Example, Program, Var, evaluate, recording, verify
from gpubp.passes import WorkCounter, calls, cost, flops, plan

SPREAD = ((1, 1), (1, 1), (1, 1))
SEVERAL_BLOCKS = {
    "matmul": [Example(((3, 1, 4, 5), (2, 5, 6)), {})],
    "conv": [
        Example(((9, 32, 32, 8), (3, 3, 4, 6)), {"size": (32, 32), "spread": SPREAD, "groups": 2}),
        Example(((4, 8, 8, 8), (2, 3, 3, 8, 6)), {"size": (8, 8), "spread": SPREAD, "groups": 1}),
    ],
    "conv_input": [Example(((9, 32, 32, 6), (3, 3, 8, 6)), {"size": (32, 32), "spread": SPREAD, "groups": 1})],
    "conv_weight": [
        Example(((9, 32, 32, 8), (9, 32, 32, 6)), {"size": (3, 3), "spread": SPREAD, "groups": 1, "copies": None})
    ],
}
CASES = [
    (name, example)
    for name, primitive in PRIMITIVES.items()
    if primitive.trait == "gemm"
    for example in (*primitive.examples, *SEVERAL_BLOCKS[name])
]


@pytest.mark.parametrize(("name", "example"), CASES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CASES)])
def test_products_are_those_of_numpy(name: str, example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = tuple(Var(Aval(shape, "float64")) for shape in example.shapes)
    with recording() as eqns:
        y = PRIMITIVES[name](*inputs, **example.params)
    made: list[int] = []
    matmul = np.matmul

    def counted(a: Any, b: Any, **more: Any) -> Any:
        y = matmul(a, b, **more)
        made.extend([2 * a.shape[-1] * math.prod(y.shape[-2:])] * math.prod(y.shape[:-2]))
        return y

    monkeypatch.setattr(np, "matmul", counted)
    evaluate(Program(inputs, tuple(eqns), (y,)), [np.ones(shape) for shape in example.shapes], np)
    (eqn,) = eqns
    assert len(made) == calls(eqn)
    assert sum(made) == flops(eqn)


def test_a_step_with_a_loop_by_hand() -> None:
    """Five rounds of tanh(h + x[t] w), each of 8 numbers; then a sum of two, its double, and the sums of its rows."""
    x, w, h, s, kept = (Var(Aval(shape, "float64")) for shape in ((5, 4, 3), (3, 2), (4, 2), (4, 2), (4, 2)))
    with recording() as eqns:
        (last,), _ = ops.loop(lambda carries, slices: ([ops.tanh(carries[0] + slices[0] @ w)], []), [h], [x])
        y = last + s
        z = ops.sum_(y * 2.0, (1,))
    program = verify(Program((x, w, h, s, kept), tuple(eqns), (y, z), ((s, y), (kept, h))))
    planned = plan(program, [x, w, h])
    found = cost(planned)
    product = 2 * 4 * 3 * 2
    assert (found.products, found.largest_product) == (5 * product, product)
    assert found.flops == 5 * (product + 8 + 8) + 8 + 8 + 8
    read_and_written = 5 * ((12 + 6 + 8) + (8 + 8 + 8) + (8 + 8)) + (8 + 8 + 8) + (8 + 8) + (8 + 4)
    copied = 8 + 8  # h to the state that keeps it
    assert found.traffic == 8 * (read_and_written + copied)
    assert found.states == 8 * (8 + 8)
    assert found.memory == found.states + found.arena
    # In one kernel, what only it reads stays in registers.
    work = WorkCounter(planned)
    loop = 5 * (8 + (12 + 6 + 8) + (8 + 8) + (8 + 8))
    assert work.of(0, 4) == (found.flops, 8 * (loop + 8 + (8 + 4)))
    assert work.of(1, 3) == (8 + 8, 8 * ((8 + 8) + (8 + 8)))
    assert work.of(2, 4) == (8 + 8, 8 * (8 + 4))
