"""Models by their kernels, and how far the results may be off."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gpubp.ir import FLOATS, evaluate
from gpubp.passes import plan
from tests.render.compiled import FEWER
from tests.render.test_c_source import given_of, near

from .host import HostModule
from .running import run_cuda


@cache
def bound_of(path: Path, mode: Any) -> float:
    """How many units in the last place results may be off: 64, or, where the net magnifies rounding, as a deep one
    with batch statistics of 7 rows does, 8 times what NumPy's own float32 is off its float64. Where the types draw
    other random numbers that says nothing, and the bound is that of the others."""
    runs = []
    for dtype in ("float32", "float64"):
        program, arrays, _, _ = given_of(path, mode, dtype, FEWER.get(path.stem))
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


def run_model(path: Path, mode: Any, dtype: str, compiled: type[HostModule] = HostModule) -> None:
    """A step of a model, with layers FEWER, by its kernels: as on NumPy, and in both orders of the warps the same
    bits."""
    program, arrays, count, homes = given_of(path, mode, dtype, FEWER.get(path.stem))
    ours = [a.copy() for a in arrays]
    with np.errstate(all="ignore"):
        wanted = [np.array(v) for v in evaluate(program, ours, np)]
    planned = plan(program, program.inputs[:count], homes)
    both, source = [], None
    for order in (0, 1):
        mine = [a.copy() for a in arrays]
        states = [*mine[count:], *(np.zeros(v.shape, v.dtype) for v in homes.values())]
        source, found = run_cuda(planned, mine[:count], states, order, source=source, compiled=compiled)
        assert source.functions
        for a, b in zip((*found, *mine), (*wanted, *ours), strict=True):
            try:
                near(a, b, 64, dtype)
            except AssertionError:  # the bound takes longer to compute than the kernels, and is rarely more
                near(a, b, bound_of(path, mode), dtype)
        both.append([*found, *mine])
    for a, b in zip(*both, strict=True):
        np.testing.assert_array_equal(a, b)
