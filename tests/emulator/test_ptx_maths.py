"""CUDA's own functions, as NVRTC puts them into kernels, held against wider floats.

What PTX does not promise to the last bit is `ex2.approx`, which here gives the nearest float: a GPU may be some units
away. So the functions that depend on it are measured with two units more and two less of it, too.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.ops.test_c_forms import ulps

from .kernels import Array, Kernels, needs_gcc
from .make_ptx import FOLDER

pytestmark = needs_gcc
COUNT = 100_000


@cache
def maths(shift: int) -> Kernels:
    text = (FOLDER / "maths.ptx").read_text("utf-8")
    if shift:
        text = re.sub(r"(ex2\.approx\S* *\t*(%f\d+), [^;]*;)", rf"\1 add.s32 \2, \2, {shift};", text)
    return Kernels(text)


def error_function(x: Array) -> Array:
    """`math.erf`, which is off by up to one unit of double."""
    return np.array([math.erf(float(v)) for v in x], x.dtype)


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


FUNCTIONS: dict[str, tuple[Callable[[Array], Array], float, float, float, float]] = {
    # Its range, and how many units float and double may be off.
    "exp": (np.exp, -87, 88, 1.2, 0.9),
    "expm1": (np.expm1, -20, 20, 1.4, 1.2),
    "log": (np.log, 1e-30, 40, 0.9, 0.6),
    "log1p": (np.log1p, -0.999, 40, 0.9, 1.6),
    "tanh": (np.tanh, -10, 10, 1.8, 1.5),
    "erf": (error_function, -4, 4, 1.1, 1.1),
    "sin": (np.sin, -1000, 1000, 1.5, 1.5),
    "cos": (np.cos, -1000, 1000, 1.5, 1.5),
    "sqrt": (np.sqrt, 0, 1e9, 0.5001, 0.5001),
    "inverse": (lambda x: 1 / x, -50, 50, 0.5001, 0.5001),
    "sigmoid": (sigmoid, -80, 80, 2.3, 2.2),
}


def measured(name: str, dtype: str, shift: int = 0) -> float:
    rule, low, high, _, _ = FUNCTIONS[name]
    rng = np.random.default_rng(0)
    spread = np.concatenate(
        [rng.uniform(low, high, COUNT), rng.normal(0, 1e-3, COUNT // 4), rng.normal(size=COUNT // 2)]
    )
    x = np.unique(np.clip(spread, low, high).astype(dtype))
    x = x[x != 0]
    out = np.empty_like(x)
    maths(shift)(
        f"{name}_{'f32' if dtype == 'float32' else 'f64'}", -(-len(x) // 128), 128, [out, x, ctypes.c_int(len(x))]
    )
    wide: Any = "float64" if dtype == "float32" else "longdouble"
    with np.errstate(all="ignore"):
        return float(ulps(out, rule(x.astype(wide))).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_units_in_the_last_place(name: str, dtype: str) -> None:
    assert measured(name, dtype) <= FUNCTIONS[name][3 if dtype == "float32" else 4]


@pytest.mark.parametrize("shift", [-2, 2])
@pytest.mark.parametrize(("name", "bound"), [("exp", 3.2), ("tanh", 2.7), ("erf", 1.6), ("sigmoid", 5.7)])
def test_units_where_hardware_is_not_the_nearest(name: str, bound: float, shift: int) -> None:
    assert 0.5 < measured(name, "float32", shift) <= bound
