"""A plan's CUDA kernels compute what it computes on NumPy, in whatever order warps run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from gpubp import ops
from gpubp.ir import Aval, Program, Var, evaluate, recording, verify
from gpubp.passes import plan
from tests.cuda.bounds import run_model
from tests.ir.random_programs import Case, programs
from tests.passes.test_plan import divided
from tests.render.test_c_source import MODELS, near

from .host import needs_host
from .running import run_cuda

pytestmark = needs_host


@settings(max_examples=25)
@given(case=programs(most=12), fed=st.integers(0, 2**12), guarded=st.booleans(), order=st.integers(0, 1))
def test_random_programs(case: Case, fed: int, guarded: bool, order: int) -> None:
    program, arrays, feeds = divided(case, fed, guarded)
    ours, mine = ([a.copy() for a in arrays] for _ in range(2))
    with np.errstate(all="ignore"):
        wanted = [np.array(v) for v in evaluate(program, ours, np)]
    states = [a for v, a in zip(program.inputs, mine, strict=True) if v not in feeds]
    fills = [a for v, a in zip(program.inputs, mine, strict=True) if v in feeds]
    _, found = run_cuda(plan(program, feeds), fills, states, order)
    for a, b in zip(found, wanted, strict=True):
        near(a, b, 64)
    for a, b in zip(states, [a for v, a in zip(program.inputs, ours, strict=True) if v not in feeds], strict=True):
        near(a, b, 64)


def test_the_guard_stays_until_the_last_kernel_has_looked_at_it() -> None:
    """What stands behind it needs memory too, and writes zeros."""
    x = Var(Aval((3, 4), "float64"), "x")
    with recording() as eqns:
        total = ops.sum_(x, (1,))
        _ = [ops.add(x, 0.5), ops.sub(0.5, x), ops.mul(x, 0.5)]
        new = ops.mul(0.5, x) - 1.0
        guard = ops.greater(ops.sum_(x), 0.0)
    planned = plan(verify(Program((x,), tuple(eqns), (total,), ((x, new),), guard)), ())
    for value, wanted in ((1.0, -0.5), (-1.0, -1.0)):
        state = np.full((3, 4), value)
        run_cuda(planned, [], [state])
        np.testing.assert_array_equal(state, wanted)


@pytest.mark.parametrize("last", [True, False])
def test_what_has_no_kernel_stays_behind_the_guard(last: bool) -> None:
    """A softmax of columns, before or after what has one."""
    x = Var(Aval((3, 4), "float64"), "x")
    with recording() as eqns:
        new = ops.softmax(ops.mul(x, 0.5), axis=0) if last else ops.mul(ops.softmax(x, axis=0), 0.5)
        guard = ops.greater(ops.sum_(x), 0.0)
    planned = plan(verify(Program((x,), tuple(eqns), (), ((x, new),), guard)), ())
    for value, wanted in ((1.0, 1 / 3 if last else 1 / 6), (-1.0, -1.0)):
        state = np.full((3, 4), value)
        run_cuda(planned, [], [state])
        np.testing.assert_allclose(state, wanted, rtol=1e-15)


MORE = (("train", "float64"), ("measure", "float32"), ("gradients", "float32"))
CASES = [(path, "train", "float32") for path in MODELS]
CASES += [(Path(f"models/{name}.net"), mode, dtype) for name in ("digits", "iris") for mode, dtype in MORE]


@pytest.mark.parametrize(("path", "mode", "dtype"), CASES, ids=lambda case: getattr(case, "stem", case))
def test_models(path: Path, mode: Any, dtype: str) -> None:
    run_model(path, mode, dtype)
