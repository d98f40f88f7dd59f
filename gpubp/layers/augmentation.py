"""Data augmentation for images, in training only.

The random numbers are counter-based, by seed, step and the row's position in the batch; each layer has its own stream.
"""

from __future__ import annotations

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import Count, Sizes, register
from .context import Context
from .windows import pair


@register("function", "random_flip")
def random_flip(cx: Context, x: Var, *, axis: int = 1) -> Var:
    """Flips every example along an axis with probability 1/2, in training; the identity otherwise.

    `axis`: of an example; 1 is the width of an image [height, width, channels], for a horizontal flip. Krizhevsky et
    al. (2012), section 4.1.
    """
    rank = x.ndim - 1
    if not -rank <= axis < rank:
        raise ShapeError(f"there is no axis {axis} in {list(x.shape[1:])}", f"its axes are 0 to {rank - 1}")
    if not cx.training:
        return x
    flipped = cx.uniform((x.shape[0], *(1,) * rank)) < 0.5
    return ops.where(flipped, ops.flip(x, axis=axis % rank + 1), x)


@register("function", "random_shift")
def random_shift(cx: Context, x: Var, *, pixels: Count) -> Var:
    """Shifts each image by a random number of up to `pixels` rows and columns, in training; the identity otherwise.

    The edge is filled with 0: a random crop of the padded image (He et al., 2016, section 4.2).
    """
    _require_images("random_shift", "moves", x)
    if not cx.training:
        return x
    return ops.shift(x, _random_integers(cx, (x.shape[0], 2), 2 * pixels) - pixels)


@register("function", "random_crop")
def random_crop(cx: Context, x: Var, *, size: Sizes) -> Var:
    """A random crop of each image, of `size` pixels per side or [height, width], in training; the centre crop
    otherwise. Krizhevsky et al. (2012), section 4.1."""
    _require_images("random_crop", "cuts", x)
    height, width = pair("random_crop", "size", size, 2)
    over = (x.shape[1] - height, x.shape[2] - width)
    if min(over) < 0:
        there = f"an image of {x.shape[1]} by {x.shape[2]} has no piece of {height} by {width}"
        raise ShapeError(there, "use a smaller `size`; `pad` makes images larger")
    rest = (0,) * (x.ndim - 3)
    if cx.training:
        places = [_random_integers(cx, (x.shape[0], 1), largest) for largest in over]
        x, first = ops.shift(x, ops.concat(places, axis=1)), (0, 0)
    else:
        first = (over[0] // 2, over[1] // 2)
    last = (first[0] + height, first[1] + width)
    return ops.slice_(x, start=(0, *first, *rest), stop=(x.shape[0], *last, *x.shape[3:]))


def _require_images(name: str, verb: str, x: Var) -> None:
    if x.ndim < 3:
        help = "images are [height, width] or [height, width, channels]"
        raise ShapeError(f"`{name}` {verb} images, but this is {list(x.shape[1:])}", help)


def _random_integers(cx: Context, shape: tuple[int, ...], largest: int) -> Var:
    """Uniform integers from 0 to `most`, int64."""
    # Just below 1, a number times most + 1 may be rounded up to it.
    return ops.cast(ops.minimum(cx.uniform(shape) * (largest + 1.0), largest), dtype="int64")
