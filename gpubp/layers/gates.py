"""Gated activations: one half of the input controls how much of the other passes."""

from __future__ import annotations

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import register
from .activations import silu
from .context import Context


def _split_halves(name: str, x: Var) -> tuple[Var, Var]:
    if x.ndim < 2 or x.shape[-1] % 2:
        raise ShapeError(f"`{name}` needs an even last axis to part in two halves, got {list(x.shape[1:])}")
    start, stop, half = (0,) * x.ndim, x.shape, x.shape[-1] // 2
    first = ops.slice_(x, start=start, stop=(*stop[:-1], half))
    return first, ops.slice_(x, start=(*start[:-1], half), stop=stop)


@register("function", "glu")
def glu(cx: Context, x: Var) -> Var:
    """a sigmoid(b) of the two halves a, b of the last axis: [..., 2 n] gives [..., n]. Dauphin et al. (2017)."""
    a, b = _split_halves("glu", x)
    return a * ops.sigmoid(b)


@register("function", "swiglu")
def swiglu(cx: Context, x: Var) -> Var:
    """silu(a) b of the two halves a, b of the last axis: [..., 2 n] gives [..., n]. Shazeer (2020), equation 6."""
    a, b = _split_halves("swiglu", x)
    return silu(cx, a) * b
