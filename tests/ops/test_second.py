"""Every primitive's derivative rule is itself differentiated: a derivative inside of a loss needs it right, twice.

The check is checked: a rule that is right and loses a term of its own derivative must be caught.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from gpubp import ops
from gpubp.insight.rules import both_sides, inputs_for
from gpubp.ir import Eqn, Example, Primitive, Program, Var, evaluate, pullback, recording, results, verify
from gpubp.transforms import grad

from .checks import EXAMPLES, Array, arguments

CASES = [(p, e) for p, e in EXAMPLES if p.vjp is not None and "float32" not in (*e.dtypes, *e.params.values())]
IDS = [f"{p.name}-{p.examples.index(e)}" for p, e in CASES]


def slope(primitive: Primitive, example: Example) -> tuple[Program, Var, list[Var], list[Array]]:
    """A program of the cotangents of a primitive, their random weighted sum, and arguments for it; the values to take
    its derivative by."""
    rng = np.random.default_rng(5)
    arrays, params = arguments(example)
    xs = inputs_for(arrays)
    eqn = Eqn(primitive, tuple(xs), params, tuple(map(Var, results(primitive, xs, params))))
    outputs = [v for v in eqn.outputs if v.dtype == "float64"]
    upstream = [Var(v.aval, "g") for v in outputs]
    with recording() as tail:
        kept, found = pullback([eqn], dict(zip(outputs, upstream, strict=True)), xs)
        cotangents = [found[x] for x in xs if x in found and x.dtype == "float64"]
        weights = [Var(c.aval, "w") for c in cotangents]
        total = ops.full((), 0.0, "float64")
        for c, w in zip(cotangents, weights, strict=True):
            total = total + ops.sum_(c * w)
    program = verify(Program((*xs, *upstream, *weights), (*kept, *tail), (total,)))
    values = [*arrays, *(rng.normal(size=v.shape) for v in (*upstream, *weights))]
    return program, total, [v for v in (*xs, *upstream) if v.dtype == "float64"], values


def check_second(primitive: Primitive, example: Example) -> None:
    """Compare the derivative of the slope with differences, along a random direction of each input in turn."""
    rng = np.random.default_rng(6)
    program, total, wrt, values = slope(primitive, example)
    grown, gradients = grad(program, total, wrt)
    for v, g in zip(wrt, gradients, strict=True):
        at = program.inputs.index(v)
        direction = rng.uniform(0.5, 1.0, v.shape) * rng.choice([-1.0, 1.0], v.shape)

        def along(t: float, at: int = at, direction: Array = direction) -> float:
            moved = [a + t * direction if i == at else a for i, a in enumerate(values)]
            return float(evaluate(program, moved, np)[0])

        found, size = 0.0, 1.0
        if g is not None:
            terms = evaluate(verify(replace(grown, outputs=(g,))), values, np)[0] * direction
            found, size = float(terms.sum()), max(1.0, float(abs(terms).sum()))
        for difference in both_sides(along, 5e-6):
            assert abs(found - difference) <= 1e-6 * size, f"second derivative of `{primitive.name}` by {v.hint}"


@pytest.mark.parametrize(("primitive", "example"), CASES, ids=IDS)
def test_second_derivative(primitive: Primitive, example: Example) -> None:
    check_second(primitive, example)


def test_a_rule_whose_own_derivative_is_wrong_is_caught() -> None:
    """tanh whose slope is taken from a value that no derivative leads to: right once, wrong twice."""

    def wrong(g: Var, y: Var, x: Var) -> Sequence[Var | None]:
        still = ops.stop_gradient(y)
        return (g * (1.0 - still * still),)

    check_second(ops.tanh, ops.tanh.examples[0])
    with pytest.raises(AssertionError, match="second derivative of `tanh`"):
        check_second(replace(ops.tanh, vjp=wrong), ops.tanh.examples[0])
