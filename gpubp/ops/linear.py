"""The matrix product."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import ShapeError
from ..ir import FLOATS, Aval, Example, OneNode, Primitive, Product, Var, broadcast_shapes, define
from .shaping import sum_to, transpose


def _infer(a: Aval, b: Aval) -> Aval:
    if len(a.shape) < 2 or len(b.shape) < 2 or a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"cannot multiply matrices {list(a.shape)} and {list(b.shape)}")
    if a.dtype != b.dtype or a.dtype not in FLOATS:
        raise ShapeError(f"cannot multiply matrices of {a.dtype} and {b.dtype}")
    try:
        lead = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError as error:
        raise ShapeError(str(error)) from None
    return Aval((*lead, a.shape[-2], b.shape[-1]), a.dtype)


def _vjp(g: Var, y: Var, a: Var, b: Var) -> Sequence[Var | None]:
    return sum_to(g @ transpose(b), a.shape), sum_to(transpose(a) @ g, b.shape)


matmul: Primitive = define(
    Primitive(
        "matmul",
        _infer,
        _vjp,
        "xp.matmul({0}, {1})",
        "gemm",
        (Example(((3, 4), (4, 2)), {}), Example(((2, 3, 4), (4, 5)), {}), Example(((2, 1, 3, 4), (5, 4, 2)), {})),
        into=("xp.matmul({0}, {1}, out={out})",),
        c=Product(),
        onnx=OneNode("MatMul"),
        formula="{0} @ {1}",
        flops=lambda a, b: 2 * a.shape[-1] * _infer(a, b).size,
        calls=lambda a, b: math.prod(_infer(a, b).shape[:-2]),
    )
)
