"""Passes by the text that goes in and the text that comes out; and the same results on random programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial, reduce
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

import gpubp
from gpubp import ops
from gpubp.frontend import trace_step
from gpubp.ir import Aval, Program, Var, evaluate, recording, verify
from gpubp.ops.algebra import ALGEBRA
from gpubp.ops.rewrites import STABILISING, Rules, clamped_logs
from gpubp.passes import dce, rewrite
from tests.ir.random_programs import Case, programs
from tests.render.test_c_source import MODELS

Z = Aval((2, 3), "float64")


def recorded(build: Callable[[Var], Var], *, state: bool = False) -> Program:
    """A function of `z`, a program; with `state`, a state takes over its value too."""
    z = Var(Z, "z")
    with recording() as eqns:
        y = build(z)
    s = Var(y.aval, "s")
    program = Program((z, s), tuple(eqns), (y,), ((s, y),)) if state else Program((z,), tuple(eqns), (y,))
    return verify(program)


def body(program: Program) -> list[str]:
    """Its printed equations, updates and result."""
    return [line.strip() for line in repr(program).splitlines()[1:-1]]


def test_dce_leaves_out_what_nothing_needs() -> None:
    x, unused, s = Var(Z, "x"), Var(Z, "unused"), Var(Z, "s")
    with recording() as eqns:
        h = ops.exp(x)
        aside = ops.log(h)
        ops.sqrt(aside)
        y = h * 2
        new = ops.sin(s)
    program = verify(Program((x, unused, s), tuple(eqns), (y,), ((s, new),)))
    assert body(program) == [
        "t0:f64[2,3] = exp x",
        "t1:f64[2,3] = log t0",
        "t2:f64[2,3] = sqrt t1",
        "t3:f64[2,3] = mul t0 2.0",
        "t4:f64[2,3] = sin s",
        "s <- t4",
        "return t3",
    ]
    after = verify(dce(program))
    assert body(after) == [
        "t0:f64[2,3] = exp x",
        "t1:f64[2,3] = mul t0 2.0",
        "t2:f64[2,3] = sin s",
        "s <- t2",
        "return t1",
    ]
    assert after.inputs == program.inputs
    assert dce(after).eqns == after.eqns
    assert dce(replace(program, outputs=(x,), updates=())).eqns == ()


def test_dce_keeps_a_carry_of_which_only_the_last_value_counts() -> None:
    """No round reads what the one before left."""
    first, rows = Var(Aval((2,), "float64")), Var(Aval((3, 2), "float64"))
    with recording() as eqns:
        (last,), _ = ops.loop(lambda carries, slices: ([slices[0] * 2.0], [slices[0] + 1.0]), [first], [rows])
    program = verify(dce(Program((first, rows), tuple(eqns), (last,))))
    (found,) = evaluate(program, [np.zeros(2), np.arange(6.0).reshape(3, 2)], np)
    assert found.tolist() == [8.0, 10.0]


GOLDEN: dict[str, tuple[Callable[[Var], Var], list[str], list[str]]] = {
    "log sigmoid": (
        lambda z: ops.log(ops.sigmoid(z)),
        ["t0:f64[2,3] = sigmoid z", "t1:f64[2,3] = log t0", "return t1"],
        ["t0:f64[2,3] = neg z", "t1:f64[2,3] = softplus t0", "t2:f64[2,3] = neg t1", "return t2"],
    ),
    "log 1 - sigmoid": (
        lambda z: ops.log_probability(1 - ops.sigmoid(z)),
        ["t0:f64[2,3] = sigmoid z", "t1:f64[2,3] = sub 1.0 t0", "t2:f64[2,3] = log_probability t1", "return t2"],
        ["t0:f64[2,3] = softplus z", "t1:f64[2,3] = neg t0", "return t1"],
    ),
    "log softmax": (
        lambda z: ops.log_probability(ops.softmax(z, axis=1)),
        ["t0:f64[2,3] = softmax axis=1 z", "t1:f64[2,3] = log_probability t0", "return t1"],
        ["t0:f64[2,3] = log_softmax axis=1 z", "return t0"],
    ),
    "log of a reshaped softmax": (
        lambda z: ops.log(ops.reshape(ops.softmax(z, axis=-1), shape=(6,))),
        ["t0:f64[2,3] = softmax axis=-1 z", "t1:f64[6] = reshape shape=(6,) t0", "t2:f64[6] = log t1", "return t2"],
        ["t0:f64[2,3] = log_softmax axis=-1 z", "t1:f64[6] = reshape shape=(6,) t0", "return t1"],
    ),
    "what follows uses the new value": (
        lambda z: ops.exp(ops.log(ops.sigmoid(z))),
        ["t0:f64[2,3] = sigmoid z", "t1:f64[2,3] = log t0", "t2:f64[2,3] = exp t1", "return t2"],
        [
            "t0:f64[2,3] = neg z",
            "t1:f64[2,3] = softplus t0",
            "t2:f64[2,3] = neg t1",
            "t3:f64[2,3] = exp t2",
            "return t3",
        ],
    ),
    "log of softplus": (
        lambda z: ops.log(ops.softplus(z)),
        ["t0:f64[2,3] = softplus z", "t1:f64[2,3] = log t0", "return t1"],
        [
            "t0:bool[2,3] = less z -30.0",
            "t1:f64[2,3] = maximum z -30.0",
            "t2:f64[2,3] = softplus t1",
            "t3:f64[2,3] = log t2",
            "t4:f64[2,3] = where t0 z t3",
            "return t4",
        ],
    ),
}
UNTOUCHED: dict[str, Callable[[Var], Var]] = {
    "log": ops.log,
    "another logarithm": lambda z: ops.log1p(ops.sigmoid(z)),
    "another number": lambda z: ops.log(2.0 - ops.sigmoid(z)),
    "the other way round": lambda z: ops.log(ops.sigmoid(z) - 1.0),
    "something between": lambda z: ops.log(0.5 * ops.softmax(z, axis=-1)),
    "a difference of values": lambda z: ops.log(z - ops.sigmoid(z)),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_rewrite_golden(name: str) -> None:
    build, before, after = GOLDEN[name]
    program = recorded(build)
    assert body(program) == before
    found = verify(dce(verify(rewrite(program))))
    assert body(found) == after
    assert body(dce(rewrite(found))) == after


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_what_rules_made_they_leave_alone(path: Path) -> None:
    """A rule that takes its own result again would nest it as deep as it may."""
    once = dce(rewrite(trace_step(gpubp.load(path), 4, "float32").program))
    assert body(dce(rewrite(once))) == body(once)


CHAIN: tuple[Callable[[Var], Var], ...] = (
    *(ops.log, ops.log_probability, ops.exp, ops.sigmoid, ops.softplus, ops.neg),
    *(lambda z: ops.softmax(z, axis=-1), lambda z: 1.0 - z, lambda z: ops.maximum(z, 0.0)),
)


@pytest.mark.parametrize("rules", [STABILISING, ALGEBRA], ids=["stabilising", "algebra"])
def test_nor_do_they_take_what_they_made_of_any_functions(rules: Rules) -> None:
    for functions in product(CHAIN, repeat=3):
        once = dce(rewrite(recorded(partial(reduce, lambda x, f: f(x), functions)), rules))
        assert body(dce(rewrite(once, rules))) == body(once)


@pytest.mark.parametrize("name", UNTOUCHED)
def test_rewrite_leaves_the_rest_alone(name: str) -> None:
    program = recorded(UNTOUCHED[name])
    assert rewrite(program).eqns == program.eqns


@pytest.mark.parametrize("name", [*GOLDEN, *UNTOUCHED])
@pytest.mark.parametrize("state", [False, True])
def test_rewrite_changes_no_value(name: str, state: bool) -> None:
    program = recorded(GOLDEN[name][0] if name in GOLDEN else UNTOUCHED[name], state=state)
    z = np.random.default_rng(0).uniform(0.1, 3.0, (2, 3))
    z = z + 1.0 if name == "a difference of values" else z
    before, after = ([z, *(np.zeros(v.shape) for v in program.inputs[1:])] for _ in range(2))
    with np.errstate(invalid="ignore"):
        wanted = evaluate(program, before, np)
        found = evaluate(verify(dce(rewrite(program))), after, np)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-12)
    np.testing.assert_allclose(after[-1], before[-1], rtol=1e-12)


def test_rewrite_keeps_the_origin() -> None:
    program = recorded(lambda z: ops.log(ops.sigmoid(z)))
    marked = replace(program, eqns=tuple(replace(e, origin=e.op.name) for e in program.eqns))
    assert {e.op.name: e.origin for e in dce(rewrite(marked)).eqns} == {"neg": "log", "softplus": "log"}


def test_a_chain_of_matches() -> None:
    """The result of one rule is what the next one looks at."""
    program = recorded(lambda z: ops.log(ops.sigmoid(ops.log(ops.sigmoid(z)))))
    assert body(dce(rewrite(program))) == [
        "t0:f64[2,3] = neg z",
        "t1:f64[2,3] = softplus t0",
        "t2:f64[2,3] = neg t1",
        "t3:f64[2,3] = neg t2",
        "t4:f64[2,3] = softplus t3",
        "t5:f64[2,3] = neg t4",
        "return t5",
    ]


def test_logarithms_that_stay_clamped_are_found() -> None:
    safe = rewrite(recorded(lambda z: ops.log_probability(ops.sigmoid(z))))
    assert clamped_logs(safe) == []
    bare = rewrite(recorded(lambda z: ops.log_probability(ops.tanh(z))))
    assert [e.op for e in clamped_logs(bare)] == [ops.log_probability]


@given(case=programs())
def test_random_programs_keep_their_results(case: Case) -> None:
    program, arrays = case
    results = []
    for version in (program, dce(program), rewrite(program), dce(rewrite(program))):
        states = [a.copy() for a in arrays]
        with np.errstate(all="ignore"):
            outputs = evaluate(verify(version), states, np)
        results.append([*outputs, *states])
    for found in results[1:]:
        for a, b in zip(found, results[0], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@given(case=programs())
def test_dce_leaves_nothing_without_use(case: Case) -> None:
    program = dce(case[0])
    used = {x for e in program.eqns for x in e.inputs if isinstance(x, Var)}
    used.update(program.outputs, (value for _, value in program.updates))
    assert all(not used.isdisjoint(e.outputs) for e in program.eqns)
