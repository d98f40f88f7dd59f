"""Passes by files of text, by random programs and by models: less is computed, and the results are the same. Wrong
rules are planted and must be caught."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import gpubp
from gpubp import ops
from gpubp.errors import ShapeError
from gpubp.frontend import programs as frontend
from gpubp.ir import Eqn, Primitive, Program, Var, evaluate, recording, verify
from gpubp.ops.algebra import ALGEBRA
from gpubp.ops.choices import cast_primitive
from gpubp.ops.constants import _EXACT as EXACT_OPS
from gpubp.ops.pieces import full_primitive
from gpubp.ops.rewrites import STABILISING, Rules, Scope
from gpubp.passes import cse, dce, fold, optimise, rewrite, simplify
from tests.ir.random_programs import Case, programs
from tests.ops.checks import Array, draw

from .reader import cases, read

Pass = Callable[[Program], Program]
PASSES: dict[str, Pass] = {"dce": dce, "fold": fold, "cse": cse, "simplify": simplify, "stabilise": rewrite}
EXACT = ("dce", "fold", "cse")
OPTIMISING: tuple[Pass, ...] = (fold, cse, simplify)
MODES = ("train", "gradients", "measure", "predict")
GOLDENS = [(name, *case) for name in PASSES for case in cases(name)]
IDS = [f"{name}: {title}" for name, title, _, _ in GOLDENS]
MODELS = sorted((Path(__file__).resolve().parents[2] / "models").glob("*.net"))


def arrays_for(program: Program, seed: int = 0) -> list[Array]:
    """Values between 0.1 and 0.9 for floats, 0 or 1 for whole numbers."""
    rng = np.random.default_rng(seed)
    return [draw(rng, v.shape, v.dtype, *((0.1, 0.9) if "float" in v.dtype else (0, 2))) for v in program.inputs]


def everything(program: Program, arrays: list[Array]) -> list[Array]:
    """The outputs, and the states afterwards."""
    states = [a.copy() for a in arrays]
    with np.errstate(all="ignore"):
        return [*map(np.asarray, evaluate(program, states, np)), *states]


def compare(before: Program, after: Program, arrays: list[Array], rtol: float = 0.0) -> None:
    for a, b in zip(everything(after, arrays), everything(before, arrays), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol, equal_nan=True)


@pytest.mark.parametrize(("name", "title", "before", "after"), GOLDENS, ids=IDS)
def test_golden(name: str, title: str, before: str, after: str) -> None:
    program = read(before)
    assert repr(program) == before
    found = verify(dce(verify(PASSES[name](program))))
    assert repr(found) == after
    again = dce(PASSES[name](found))
    assert repr(again) == after, "the pass leaves nothing for a second time"
    compare(program, found, arrays_for(program), 1e-6 if name in ("simplify", "stabilise") else 0.0)


@pytest.mark.parametrize("name", PASSES)
def test_where_nothing_is_found_the_program_is_the_same_object(name: str) -> None:
    program = read("program(x:f32[2]) {\n  t0:f32[2] = exp x\n  return t0\n}")
    assert PASSES[name](program) is program


@given(case=programs())
def test_random_programs_keep_every_bit(case: Case) -> None:
    program, arrays = case
    for name in EXACT:
        compare(program, verify(PASSES[name](program)), arrays)


NUMBERS: dict[str, tuple[float, ...]] = {
    "float64": (0.0, 0.1, -1.5, 3.0, 1e300, np.inf, np.nan),
    "float32": (0.0, 0.1, -1.5, 3.0, 1e30, 2.0**-149, 16777217.0, np.inf, np.nan),
    "int64": (0, 1, 7, 2**31 - 1, 2**31),
    "bool": (False, True),
}


FOLDED = [
    *((op, dtype) for op in EXACT_OPS if op is not cast_primitive for dtype in ("float64", "float32", "int64")),
    *((partial(cast_primitive, dtype=after), before) for after in NUMBERS for before in NUMBERS),
]


@pytest.mark.parametrize(("op", "dtype"), FOLDED)
def test_folded_equations_compute_what_they_computed(op: Any, dtype: str) -> None:
    """Of all combinations of the numbers, also those that overflow; and all are folded whose numbers are known."""
    example = getattr(op, "func", op).examples[0]
    types = [one if one == "bool" else dtype for one in example.dtypes or (dtype,) * len(example.shapes)]
    with recording() as eqns:
        values = [[ops.full((), value, one) for value in NUMBERS[one]] for one in types]
        try:
            y = [op(*chosen) for chosen in itertools.product(*values)]
        except ShapeError:
            return  # not of this type
    program = verify(Program((), tuple(eqns), tuple(y)))
    folded = verify(fold(program))
    compare(program, folded, [])
    numbers = dict(zip(y, everything(program, []), strict=True)) | {
        eqn.output: eqn.params["value"] for eqn in eqns if eqn.op is full_primitive
    }
    for before, after in zip(program.eqns, folded.eqns, strict=True):
        truncates = before.output.dtype == "int64" and "float" in dtype
        known = not truncates and all(
            0 <= numbers[v] < 2**31 if "int" in v.dtype else np.isfinite(numbers[v])
            for v in (*before.operands, before.output)
        )
        assert after.op is full_primitive if known else after.op is before.op


def test_a_literal_that_is_not_finite_is_not_folded() -> None:
    with recording() as eqns:
        y = ops.full((), 2.0, "float64") * np.inf
    program = verify(Program((), tuple(eqns), (y,)))
    compare(program, verify(fold(program)), [])


@given(case=programs())
def test_random_programs_keep_their_results(case: Case) -> None:
    program, arrays = case
    simpler, best = verify(simplify(program)), verify(optimise(program))
    compare(program, simpler, arrays, 1e-9)
    compare(program, best, arrays, 1e-9)
    assert len(best.eqns) <= len(program.eqns)
    assert repr(optimise(best)) == repr(best)


@pytest.mark.parametrize(
    ("path", "mode"),
    [pytest.param(p, m, id=f"{p.stem}-{m}") for k, p in enumerate(MODELS) for m in ("train", MODES[1 + k % 3])],
)
def test_models_compute_the_same(path: Path, mode: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training program of each model and one of the others, with all passes, with one of them left out, and with
    none."""
    net = gpubp.load(path)
    plain = frontend.build(net, mode, 4, "float64", passes=False)
    given = dict(zip((*plain.feeds, *plain.states), arrays_for(plain.program), strict=True))
    wanted = results(plain, given)
    for left_out in (None, OPTIMISING[(MODELS.index(path) // 3 + MODES.index(mode)) % 3]):
        monkeypatch.setattr(
            sys.modules["gpubp.passes.optimise"], "PASSES", [p for p in OPTIMISING if p is not left_out]
        )
        best = frontend.build(net, mode, 4, "float64")
        assert counted(best.program) <= counted(plain.program)
        for name, value in results(best, given).items():
            np.testing.assert_allclose(value, wanted[name], rtol=1e-9, atol=1e-12, err_msg=f"{name} without {left_out}")


def results(built: frontend.Built, given: Mapping[str, Array]) -> dict[str, Array]:
    names = (*built.feeds, *built.states)
    found = everything(built.program, [given[name] for name in names])
    return dict(zip((*built.outputs, *names), found, strict=True))


def counted(program: Program) -> int:
    """How many equations are computed: views are free."""
    return sum(eqn.op.trait != "view" for eqn in program.eqns)


@pytest.mark.parametrize(("model", "most"), [("xor", 51), ("digits", 78)])
def test_a_training_step_is_as_short_as_one_by_hand(model: str, most: int) -> None:
    net = gpubp.load(MODELS[0].parent / f"{model}.net")
    program = frontend.build(net, "train", 4, "float32").program
    assert counted(program) <= most, repr(program)


def test_equations_per_layer_do_not_grow_with_depth() -> None:
    def size(layers: int) -> int:
        text = f"model {{ input x: [2]\n target y: [1]\n h = x -> repeat {layers} {{ dense(2) -> tanh }}\n"
        net = gpubp.loads(text + " output p = h -> dense(1) }\ntrain { loss = mse(p, y)\n optimizer = sgd(lr = 0.1) }")
        return len(frontend.build(net, "train", 4, "float32").program.eqns)

    assert size(12) - size(8) == size(8) - size(4)


def _swapped(eqn: Eqn, scope: Scope) -> Var | None:
    """-(a - b) = a - b."""
    maker = scope.producer_of(eqn.inputs[0])
    return ops.sub(*maker.inputs) if maker is not None and maker.op is ops.sub else None


def _lost(eqn: Eqn, scope: Scope) -> Var | None:
    """x + y = x."""
    x = eqn.inputs[0]
    return x if isinstance(x, Var) and x.aval == eqn.output.aval else None


def _late(eqn: Eqn, scope: Scope) -> Var | None:
    """A sum of a sum loses the second sum's axes."""
    maker = scope.producer_of(eqn.inputs[0])
    return maker.output if maker is not None and maker.op is eqn.op else None


def _delta(eqn: Eqn, scope: Scope) -> Var | None:
    """A cross-entropy without its sign."""
    found = STABILISING[ops.add][0](eqn, scope)
    return None if found is None else -found


PLANTED: dict[str, tuple[str, Rules, Primitive, Any]] = {
    "a difference turned round": ("simplify", ALGEBRA, ops.neg, _swapped),
    "a term lost": ("simplify", ALGEBRA, ops.sub, _lost),
    "a sum lost": ("simplify", ALGEBRA, ops.shaping.sum_primitive, _late),
    "a sign lost": ("stabilise", STABILISING, ops.add, _delta),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_rules_are_caught(fault: str) -> None:
    file, rules, op, wrong = PLANTED[fault]
    planted = {**rules, op: (wrong, *rules[op])}

    def check() -> None:
        for _, text, _ in cases(file):
            program = read(text)
            compare(program, verify(dce(verify(rewrite(program, planted)))), arrays_for(program), 1e-6)

    with pytest.raises((AssertionError, gpubp.GpubpError)):
        check()


@pytest.mark.parametrize(
    ("name", "place", "wrong"),
    [
        ("fold", "gpubp.passes.fold.uniform", lambda eqn, known: eqn.params.get("value")),
        ("fold", "gpubp.ops.constants._rounded", lambda value, dtype: value),
        ("cse", "gpubp.passes.cse._key", lambda value: value if isinstance(value, Var) else type(value)),
    ],
    ids=["views forgotten", "not rounded", "literals taken for equal"],
)
def test_planted_faults_are_caught(name: str, place: str, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _, attribute = place.rpartition(".")
    monkeypatch.setattr(sys.modules[module], attribute, wrong)

    def check() -> None:
        for title, before, after in cases(name):
            test_golden(name, title, before, after)

    with pytest.raises((AssertionError, gpubp.GpubpError)):
        check()


def test_rules_that_undo_each_other_come_to_an_end() -> None:
    x_minus: Rules = {
        ops.neg: (lambda eqn, scope: -1.0 * eqn.operands[0],),
        ops.mul: (lambda eqn, scope: -eqn.operands[0],),
    }
    program = read("program(x:f32[2]) {\n  t0:f32[2] = neg x\n  return t0\n}")
    compare(program, verify(dce(rewrite(program, x_minus))), arrays_for(program))
