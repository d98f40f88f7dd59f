"""Images that are a little different at each step, in training only: fewer pictures teach more.

The random numbers are counter-based, by seed, step and the row's place in the batch; two layers share none.
"""

from __future__ import annotations

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import Count, register
from .context import Context


@register("function", "random_flip")
def random_flip(cx: Context, x: Var, *, axis: int = 1) -> Var:
    """Every other example, by chance, in the opposite order along an axis, in training; the identity otherwise.

    `axis`: of an example; 1 is the width of an image [height, width, channels], which is then mirrored left to right.
    """
    rank = x.ndim - 1
    if not -rank <= axis < rank:
        raise ShapeError(f"there is no axis {axis} in {list(x.shape[1:])}", f"its axes are 0 to {rank - 1}")
    if not cx.training:
        return x
    turned = cx.uniform((x.shape[0], *(1,) * rank)) < 0.5
    return ops.where(turned, ops.flip(x, axis=axis % rank + 1), x)


@register("function", "random_shift")
def random_shift(cx: Context, x: Var, *, pixels: Count) -> Var:
    """Each image moved by up to `pixels` rows and columns, by chance, in training; the identity otherwise.

    What comes in at the edge is 0: a random crop of the padded image (He et al., 2016, section 4.2).
    """
    if x.ndim < 3:
        help = "images are [height, width] or [height, width, channels]"
        raise ShapeError(f"`random_shift` moves images, and this is {list(x.shape[1:])}", help)
    if not cx.training:
        return x
    ways = 2 * pixels
    # Just below 1, a number times ways + 1 may be rounded up to it.
    drawn = ops.minimum(cx.uniform((x.shape[0], 2)) * (ways + 1.0), float(ways))
    return ops.shift(x, ops.cast(drawn, dtype="int64") - pixels)
