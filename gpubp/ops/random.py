"""Counter-based random numbers: bit-identical on every backend, for one (seed, step, stream)."""

from __future__ import annotations

import math

from ..errors import ShapeError
from ..ir import Aval, Call, Example, Nodes, Primitive, Var, define
from . import helpers
from .elementwise import cos, log1p, sqrt
from .onnx_random import uniform as onnx_uniform


def _infer(seed: Aval, step: Aval, *, stream: int, shape: tuple[int, ...], dtype: str) -> Aval:
    if (seed.shape, step.shape) != ((), ()) or (seed.dtype, step.dtype) != ("int64", "int64"):
        raise ShapeError("a seed and a step are int64 scalars")
    return Aval(shape, dtype)


uniform: Primitive = define(
    Primitive(
        "uniform",
        _infer,
        None,
        "uniform(xp, {0}, {1}, {stream}, {shape}, xp.{dtype})",
        "opaque",
        (Example(((), ()), {"stream": 3, "shape": (4, 5), "dtype": "float64"}, ((0, 2**40),), ("int64", "int64")),),
        (helpers.philox, helpers.uniform, helpers.uniform_into),
        ("uniform_into(xp, {0}, {1}, {stream}, {out})",),
        c=Call("uniform_{t}({out}, {size}, {0}, {1}, {stream})"),
        onnx=Nodes(onnx_uniform),
    )
)


def normal(seed: Var, step: Var, *, stream: int, shape: tuple[int, ...], dtype: str) -> Var:
    """Standard normal numbers by the transform of Box and Muller (1958) from two uniform streams, `stream` and `stream
    + 1`."""
    u = uniform(seed, step, stream=stream, shape=shape, dtype=dtype)
    v = uniform(seed, step, stream=stream + 1, shape=shape, dtype=dtype)
    return sqrt(-2.0 * log1p(-u)) * cos((2.0 * math.pi) * v)
