"""A plan as compiled C computes what it computes on NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import gpubp
from gpubp.frontend import build
from gpubp.ir import FLOATS, Program, Var, evaluate
from gpubp.passes import plan
from tests.ir.random_programs import Case, programs
from tests.passes.test_plan import divided

from .compiled import Array, needs_compiler, run_compiled

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
    _, found = run_compiled(
        plan(program, feeds), [a for v, a in zip(program.inputs, mine, strict=True) if v in feeds], states
    )
    for a, b in zip(found, wanted, strict=True):
        near(a, b, 64)
    for a, b in zip(states, [a for v, a in zip(program.inputs, ours, strict=True) if v not in feeds], strict=True):
        near(a, b, 64)


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
@pytest.mark.parametrize("mode", ["predict", "measure", "gradients", "train"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_models(path: Path, mode: Any, dtype: str) -> None:
    program, arrays, count, homes = _given(path, mode, dtype)
    mine, ours = ([a.copy() for a in arrays] for _ in range(2))
    with np.errstate(all="ignore"):
        wanted = [np.array(v) for v in evaluate(program, ours, np)]
    source, found = run_compiled(
        plan(program, program.inputs[:count], homes),
        mine[:count],
        [*mine[count:], *(np.zeros(v.shape, v.dtype) for v in homes.values())],
    )
    assert source.functions
    for a, b in zip((*found, *mine), (*wanted, *ours), strict=True):
        near(a, b, _bound(path, mode), dtype)


def _given(path: Path, mode: Any, dtype: str) -> tuple[Program, list[Array], int, Mapping[Var, Var]]:
    """A program of a model, its inputs (the same numbers for both float types), and what `plan` needs."""
    built = build(gpubp.load(path), mode, 7, dtype)
    rng = np.random.default_rng(0)
    arrays = []
    for v in built.program.inputs:
        if v.dtype in FLOATS:
            low = 0.1 if v.hint.startswith(("v_", "rate")) else -0.4
            arrays.append(np.asarray(rng.uniform(low, 0.4, v.shape)).astype("float32").astype(v.dtype))
        else:
            arrays.append(np.asarray(rng.integers(0, 2, v.shape)).astype(v.dtype))
    return built.program, arrays, len(built.feeds), built.homes


@cache
def _bound(path: Path, mode: Any) -> float:
    """How many units in the last place results may be off: 64, or, where the net magnifies rounding, as a deep one
    with batch statistics of 7 rows does, 8 times what NumPy's own float32 is off its float64. Where the types draw
    other random numbers that says nothing, and the bound is that of the others."""
    runs = []
    for dtype in ("float32", "float64"):
        program, arrays, _, _ = _given(path, mode, dtype)
        with np.errstate(all="ignore"):
            runs.append([*(np.array(v) for v in evaluate(program, arrays, np)), *arrays])
    bounds = []
    for single, double in zip(*runs, strict=True):
        if str(double.dtype) not in FLOATS:
            continue
        finite = np.isfinite(double) & np.isfinite(single)
        scale = np.abs(double[finite]).max(initial=1e-300)
        off = np.abs(single[finite].astype("float64") - double[finite]).max(initial=0.0)
        bounds.append(float(off / scale / np.finfo("float32").eps))
    return max([64.0, *(8 * off for off in bounds if off < 1e4)])
