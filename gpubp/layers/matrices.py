"""Matrix product and transpose of the last two axes of an example."""

from __future__ import annotations

import math

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import register
from .context import Context
from .formulas import keep_labels


@register("function", "matmul")
def matmul(cx: Context, a: Var, b: Var) -> Var:
    """Matrix product: [..., n, k] times [..., k, m] gives [..., n, m]; axes before the last two broadcast."""
    for x in (a, b):
        if not isinstance(x, Var) or x.ndim < 3:
            what = list(x.shape[1:]) if isinstance(x, Var) else x
            raise ShapeError(
                f"`matmul` multiplies values of two axes or more, but this is {what}",
                "weights are applied by a layer: `x -> dense(n)`; `reshape([1, n])` makes a matrix of one row",
            )
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(
            f"cannot multiply matrices {list(a.shape[1:])} and {list(b.shape[1:])}",
            label=f"{a.shape[-1]} columns against {b.shape[-2]} rows",
        )
    if b.shape[0] == 1 and b.ndim == 3:
        # One matrix for all examples: a single product over all rows.
        rows = ops.reshape(a, shape=(math.prod(a.shape[:-1]), a.shape[-1]))
        return ops.reshape(rows @ ops.reshape(b, shape=b.shape[1:]), shape=(*a.shape[:-1], b.shape[-1]))
    rank = max(a.ndim, b.ndim)
    left, right = (ops.reshape(x, shape=(x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:])) for x in (a, b))
    return left @ right


@register("function", "transpose", labels=True)
def transpose(cx: Context, x: Var) -> Var:
    """The last two axes swapped: [..., n, m] gives [..., m, n]. Labels stay labels."""
    if x.ndim < 3:
        raise ShapeError(f"`transpose` exchanges the last two axes, but this is {list(x.shape[1:])}")
    return keep_labels(cx, x, ops.transpose(x))
