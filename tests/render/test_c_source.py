"""A plan as compiled C computes what it computes on NumPy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import gpubp
from gpubp import ops
from gpubp.frontend import build
from gpubp.ir import FLOATS, Aval, Eqn, Program, ScatterAdd, Var, apply, bodies, evaluate, recording
from gpubp.passes import flops, plan
from tests.ir.random_programs import Case, programs
from tests.passes.test_plan import divided

from .compiled import FEWER, LONG, Array, needs_compiler, run_compiled

pytestmark = needs_compiler
MODELS = sorted(Path("models").glob("*.net"))


def near(found: Array, wanted: Array, ulps: float, dtype: str = "float64") -> None:
    """Equal, or `ulps` units in the last place (of `dtype`) of the largest number of the array apart; NaN and inf
    alike."""
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    if str(found.dtype) not in FLOATS:
        np.testing.assert_array_equal(found, wanted)
        return
    finite = np.isfinite(wanted)
    np.testing.assert_array_equal(np.isfinite(found), finite)
    np.testing.assert_array_equal(found[~finite], wanted[~finite])
    scale = np.abs(wanted[finite]).max(initial=0.0)
    np.testing.assert_allclose(found[finite], wanted[finite], rtol=0, atol=ulps * np.finfo(dtype).eps * scale)


@settings(max_examples=40)
@given(case=programs(most=12), fed=st.integers(0, 2**12), guarded=st.booleans())
def test_random_programs(case: Case, fed: int, guarded: bool) -> None:
    program, arrays, feeds = divided(case, fed, guarded)
    ours, mine = ([a.copy() for a in arrays] for _ in range(2))
    with np.errstate(all="ignore"):
        wanted = [np.array(v) for v in evaluate(program, ours, np)]
    states = [a for v, a in zip(program.inputs, mine, strict=True) if v not in feeds]
    fills = [a for v, a in zip(program.inputs, mine, strict=True) if v in feeds]
    _, found = run_compiled(plan(program, feeds), fills, states, options=("-O0",))
    for a, b in zip(found, wanted, strict=True):
        near(a, b, 64)
    for a, b in zip(states, [a for v, a in zip(program.inputs, ours, strict=True) if v not in feeds], strict=True):
        near(a, b, 64)


def test_a_whole_sum_of_what_is_broadcast() -> None:
    """Its rows cannot be taken as one: the sum is a kernel of its own."""
    x, bias = Var(Aval((64, 96), "float64"), "x"), Var(Aval((96,), "float64"), "bias")
    with recording() as eqns:
        y = ops.tanh(x + bias)
        total = ops.sum_(y * y)
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=v.shape) for v in (x, bias)]
    _, (found, _) = run_compiled(plan(Program((x, bias), tuple(eqns), (total, y)), (x,)), arrays[:1], arrays[1:])
    np.testing.assert_allclose(found, (np.tanh(arrays[0] + arrays[1]) ** 2).sum(), rtol=1e-12)


@pytest.mark.parametrize("reduced", [ops.max_, ops.sum_])
def test_rows_of_one_element_that_the_same_kernel_computes(reduced: Any) -> None:
    """Their values are in memory only after the row: the reduction is not of what was there before."""
    x = Var(Aval((5,), "float64"), "x")
    with recording() as eqns:
        rows = ops.reshape(ops.minimum(x, 0.4), shape=(5, 1))
        results = reduced(rows, (1,)), reduced(rows + 0.39, (1,))
    given = np.linspace(-1, 1, 5)
    _, found = run_compiled(plan(Program((x,), tuple(eqns), results), (x,)), [given], [])
    np.testing.assert_array_equal(found, [np.minimum(given, 0.4), np.minimum(given, 0.4) + 0.39])


ALIKE = ("deep_batchnorm", "deep_mended", "deep_sigmoid", "diabetes", "digits", "digits_tuned", "fashion_mlp", "iris")
ALIKE += ("digits_cnn", "mackey_glass", "parity", "siamese", "spiral", "worked_example", "xor_numpy")
"""Models whose programs are made of equations that those of others are made of, too."""


def _programs() -> Iterator[Any]:
    """Each model's programs in both types: one of each kind in every run of the tests, but for LONG, with layers FEWER,
    the one that trains as users have it compiled; of those that are ALIKE it alone, and not as users have it; all in
    `make sanitize`, in full."""
    for k, path in enumerate(MODELS):
        for mode in ("measure", "train"):
            for dtype in ("float32", "float64"):
                every = (k + (mode == "train") + (dtype == "float64")) % 2 == 0 and path.stem not in LONG
                every &= mode == "train" or path.stem not in ALIKE
                name = f"{dtype}-{mode}-{path.stem}"
                if every:
                    options = () if mode == "train" and path.stem not in ALIKE else ("-O0",)
                    yield pytest.param(path, mode, dtype, FEWER.get(path.stem, {}), options, id=name)
                if not every or path.stem in (*FEWER, *ALIKE) or mode == "measure":
                    yield pytest.param(path, mode, dtype, {}, (), id=f"{name}-in-full", marks=pytest.mark.sanitize)


@pytest.mark.parametrize("mode", ["train", "measure"])
def test_what_is_alike_is_made_of_what_others_are(mode: Any) -> None:
    def made_of(program: Program) -> set[str]:
        return {eqn.op.name for eqn in program.eqns}.union(*(made_of(b) for eqn in program.eqns for b in bodies(eqn)))

    found = {path.stem: made_of(build(gpubp.load(path), mode, 7, "float32").program) for path in MODELS}
    others = set().union(*(found[name] for name in found if name not in (*ALIKE, *LONG)))
    assert all(found[name] <= others for name in ALIKE)


@pytest.mark.parametrize(("path", "mode", "dtype", "params", "options"), list(_programs()))
def test_each_equation_of_a_model(
    path: Path, mode: Any, dtype: str, params: Mapping[str, int], options: tuple[str, ...]
) -> None:
    """Each is computed from what the kernels before it gave, within a bound that grows with what is
    summed, whatever the net makes of such errors later. The kernels that keep every value for
    this are those of the net to the bit, though they are compiled without optimisation."""
    program, arrays, count, homes = given_of(path, mode, dtype, params)
    states = [np.zeros(v.shape, v.dtype) for v in homes.values()]
    mine, ours = ([a.copy() for a in arrays] for _ in range(2))
    planned = plan(program, program.inputs[:count], homes)
    source, results = run_compiled(planned, mine[:count], [*mine[count:], *states], options=options)
    assert source.functions
    made = tuple(v for eqn in program.eqns for v in eqn.outputs)
    kept = replace(program, outputs=(*program.outputs, *made), updates=(), guard=None)
    _, found = run_compiled(plan(kept, program.inputs[:count]), ours[:count], ours[count:], options=("-O0",))
    for a, b in zip(results, found, strict=False):
        np.testing.assert_array_equal(a, b)
    values = dict(zip((*program.inputs, *made), (*arrays, *found[len(results) :]), strict=True))
    after = dict(program.updates)
    for v, a in zip(program.inputs, mine, strict=True):
        if v in after:
            np.testing.assert_array_equal(a, values[after[v]])
    for eqn in program.eqns:
        within(eqn, [values[x] if isinstance(x, Var) else x for x in eqn.inputs], [values[v] for v in eqn.outputs])


def within(eqn: Eqn, given: list[Any], found: list[Array]) -> None:
    """Require that results are off by at most 4 + n units in the last place, n the operations that make one of them:
    of the result, of the sum of the magnitudes of what is summed, or, where a formula of several steps is one
    primitive or a loop, of the largest number about."""
    wide = [a.astype("float64") if str(getattr(a, "dtype", "")) in FLOATS else a for a in given]
    with np.errstate(all="ignore"):
        wanted = apply(eqn.op, np, wide, eqn.params)
        if eqn.op.name == "erf":  # NumPy's form is right to 1e-15, however small the result
            wanted = np.vectorize(math.erf, otypes=["float64"])(wide[0])
        added = isinstance(eqn.op.c, ScatterAdd)
        summed = (eqn.op.trait in ("gemm", "reduce") and found[0].dtype.kind == "f") or added
        sizes = apply(eqn.op, np, [abs(a) if str(getattr(a, "dtype", "")) in FLOATS else a for a in wide], eqn.params)
    for a, b, size in zip(found, *(x if isinstance(x, tuple) else (x,) for x in (wanted, sizes)), strict=True):
        if str(a.dtype) not in FLOATS:
            np.testing.assert_array_equal(a, b)
            continue
        terms = given[1].size if added else flops(eqn) / max(a.size, 1)
        scale = np.abs(size if summed else b)
        if eqn.op.trait == "rowwise":
            # A row is shifted by its largest number, which rounds by as much as that has units.
            terms, largest = given[0].shape[eqn.params["axis"]], np.abs(wide[0]).max(eqn.params["axis"], keepdims=True)
            scale = scale * (1.0 + largest) if eqn.op.name == "softmax" else scale + largest
        elif eqn.op.name == "sigmoid_cross_entropy":
            scale = np.maximum(scale, np.abs(wide[0]))
        elif bodies(eqn):
            (body,) = bodies(eqn)
            longest = max((inner.inputs[0].shape[-1] for inner in body.eqns if inner.op.trait == "gemm"), default=1)
            terms, scale = eqn.params["length"] * longest, np.abs(b).max(initial=0.0)
        finite = np.isfinite(b)
        np.testing.assert_array_equal(np.isfinite(a), finite)
        least = np.maximum(np.broadcast_to(scale, b.shape), np.finfo(a.dtype).tiny)[finite]
        worst = float((np.abs(a - b)[finite] / least).max(initial=0.0)) / float(np.finfo(a.dtype).eps)
        assert worst <= 4 + terms, f"{eqn.op.name}: {worst:.1f} units, {4 + terms:.0f} are allowed"


def test_a_kernel_that_is_slightly_wrong_is_found() -> None:
    x = Var(Aval((4, 100), "float32"), "x")
    with recording() as eqns:
        y = ops.sum_(x, (1,))
    given = np.random.default_rng(0).normal(size=(4, 100)).astype("float32")
    found = given.sum(1)
    within(eqns[0], [given], [found])
    with pytest.raises(AssertionError, match=r"sum: .* units, 104 are allowed"):
        within(eqns[0], [given], [found + np.float32(2e-5) * np.abs(given).sum(1)])
    assert y.shape == (4,)


def given_of(
    path: Path, mode: Any, dtype: str, params: Mapping[str, int] | None = None
) -> tuple[Program, list[Array], int, Mapping[Var, Var]]:
    """A program of a model, its inputs (the same numbers for both float types), and what `plan` needs."""
    built = build(gpubp.load(path, params=params), mode, 7, dtype)
    rng = np.random.default_rng(0)
    arrays = []
    for v in built.program.inputs:
        if v.dtype in FLOATS:
            low = 0.1 if v.hint.startswith(("v_", "rate")) else -0.4
            arrays.append(np.asarray(rng.uniform(low, 0.4, v.shape)).astype("float32").astype(v.dtype))
        else:
            arrays.append(np.asarray(rng.integers(0, 2, v.shape)).astype(v.dtype))
    return built.program, arrays, len(built.feeds), built.homes
