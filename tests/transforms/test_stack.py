"""K programs as one: each copy computes what the program alone computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import gpubp
from gpubp import ops
from gpubp.frontend import build
from gpubp.insight.rules import inputs_for
from gpubp.ir import FLOATS, Aval, Example, Primitive, Program, Var, bind, evaluate, recording, verify
from gpubp.passes import optimise
from gpubp.transforms import stack
from tests.ir.random_programs import Case, programs
from tests.ops.checks import EXAMPLES, IDS, Array, arguments, draw

MODELS = sorted(Path("models").glob("*.net"))
K = 3


def run(program: Program, arrays: Sequence[Array]) -> list[Array]:
    """The outputs, and the inputs afterwards."""
    given = [a.copy() for a in arrays]
    with np.errstate(all="ignore"):
        found = [np.array(v) for v in evaluate(program, given, np)]
    return [*found, *given]


def compare(
    program: Program, copies: Sequence[Sequence[Array]], shared: Sequence[Var] = (), going: Var | None = None
) -> None:
    """Run `program` for each copy's inputs, and stacked for all of them."""
    copies = [
        [first if v in shared else own for v, first, own in zip(program.inputs, copies[0], arrays, strict=True)]
        for arrays in copies
    ]
    several = verify(stack(program, len(copies), shared, going))
    inputs = [
        arrays[0] if v in shared else np.stack(arrays)
        for v, arrays in zip(program.inputs, zip(*copies, strict=True), strict=True)
    ]
    ran = run(several, [*inputs, np.ones(len(copies), bool)] if going else inputs)
    for k, arrays in enumerate(copies):
        wanted = run(program, arrays)
        for i, (a, b) in enumerate(zip(ran, wanted, strict=going is None)):
            own = a if i >= len(program.outputs) and program.inputs[i - len(program.outputs)] in shared else a[k]
            assert own.dtype == b.dtype
            np.testing.assert_allclose(own, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("primitive", "example"), EXAMPLES, ids=IDS)
def test_every_primitive(primitive: Primitive, example: Example) -> None:
    """With each of its inputs stacked or shared."""
    copies = [arguments(example, seed=k)[0] for k in range(K)]
    params = arguments(example)[1]
    inputs = inputs_for(copies[0])
    with recording() as eqns:
        results = bind(primitive, *inputs, **params)
    program = verify(Program(tuple(inputs), tuple(eqns), results))
    for pattern in range(4):
        compare(program, copies, [v for i, v in enumerate(inputs) if pattern >> i % 2 & 1])


def test_a_primitive_without_a_rule_is_unrolled() -> None:
    """As `uniform` is, whose inputs are scalars."""
    for primitive, example in EXAMPLES:
        if primitive.stack is not None:
            test_every_primitive(replace(primitive, stack=None, trait="opaque"), example)


@given(case=programs(states=False), seed=st.integers(0, 99), shared=st.integers(0, 2**8))
def test_random_programs(case: Case, seed: int, shared: int) -> None:
    program, arrays = case
    rng = np.random.default_rng(seed)
    copies = [arrays, *([draw_like(rng, a) for a in arrays] for _ in range(K - 1))]
    compare(program, copies, [v for i, v in enumerate(program.inputs) if shared >> i & 1])


def draw_like(rng: np.random.Generator, a: Array) -> Array:
    """Other values of the same kind; indices stay in their range."""
    if str(a.dtype) in FLOATS or a.dtype == bool:
        return draw(rng, a.shape, str(a.dtype))
    return rng.permutation(a.reshape(-1)).reshape(a.shape)


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
@pytest.mark.parametrize("going", [None, Var(Aval((2,), "bool"), "going")])
def test_models(path: Path, going: Var | None) -> None:
    built = build(gpubp.load(path), "train", 4, "float64")
    rng = np.random.default_rng(0)

    def value(v: Var, k: int) -> Array:
        return rng.uniform(0.1, 0.9, v.shape) if v.dtype in FLOATS else np.full(v.shape, k, v.dtype)

    copies = [[value(v, k) for v in built.program.inputs] for k in range(2)]
    compare(built.program, copies, going=going)
    best = optimise(stack(built.program, 2))
    assert len(best.eqns) <= len(stack(built.program, 2).eqns)


@pytest.mark.parametrize(
    ("shape", "layers"), [([6, 6, 2], "conv(4, 3, stride = 2)"), ([5, 3], "lstm(4, sequence = false)")]
)
def test_a_program_of_convolutions_or_loops_does_not_grow_with_the_copies(shape: list[int], layers: str) -> None:
    net = gpubp.loads(
        f"model {{\n input x: {shape}\n target y: [2]\n output p = x -> {layers} -> flatten -> dense(2)\n}}\n"
        "train {\n loss = mse(p, y)\n optimizer = adam\n epochs = 1\n}\n"
    )
    program = build(net, "train", 4, "float32").program
    assert len(optimise(stack(program, 2)).eqns) == len(optimise(stack(program, 9)).eqns)


def guarded() -> Program:
    """w <- w - g where g is finite."""
    w, g = Var(Aval((2,), "float64"), "w"), Var(Aval((2,), "float64"), "g")
    with recording() as eqns:
        new = w - g
        guard = ops.isfinite(ops.max_(ops.absolute(g)))
    return verify(Program((w, g), tuple(eqns), (), ((w, new),), guard))


def test_a_copy_whose_guard_does_not_hold_stays_and_the_others_go_on() -> None:
    good, bad = [np.array([1.0, 2.0]), np.array([0.5, 0.5])], [np.array([1.0, 2.0]), np.array([np.nan, 0.5])]
    compare(guarded(), [good, bad, good], going=Var(Aval((3,), "bool"), "going"))


def test_a_copy_that_does_not_go_on_stays() -> None:
    program = verify(stack(guarded(), 2, going=Var(Aval((2,), "bool"), "going")))
    w = np.ones((2, 2))
    evaluate(program, [w, np.ones((2, 2)), np.array([True, False])], np)
    assert w.tolist() == [[0.0, 0.0], [1.0, 1.0]]


def test_together_all_guards_must_hold() -> None:
    program = stack(guarded(), 2)
    w = np.array([[1.0, 2.0], [3.0, 4.0]])
    run_w = w.copy()
    evaluate(program, [run_w, np.array([[0.5, 0.5], [np.inf, 0.0]])], np)
    assert np.array_equal(run_w, w)
    evaluate(program, [run_w, np.ones((2, 2))], np)
    assert np.array_equal(run_w, w - 1)


def test_a_wrong_rule_is_caught() -> None:
    wrong = replace(ops.transpose.__globals__["transpose_primitive"], stack=lambda flags, count, x, *, axes: x)
    x = Var(Aval((3, 3), "float64"), "x")
    with recording() as eqns:
        y = wrong(x, axes=(1, 0))
    program = Program((x,), tuple(eqns), (y,))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        compare(program, [[np.arange(9.0).reshape(3, 3) * k] for k in (1, 2)])
