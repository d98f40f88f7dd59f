"""Size limits: what could never fit is refused when the file is checked, not when memory runs out."""

from __future__ import annotations

import math
from typing import Final

from ..errors import ShapeError

MAX_AXES: Final = 30
"""Axes of one example: array libraries support few more."""

MAX_ELEMENTS: Final = 2**28
"""Elements of one value, for one example: 1 GiB of float32. A batch of two of them, with gradients, fills a GPU."""

MAX_WEIGHTS: Final = 2**40
"""Trainable parameters of a file: 4 TiB of float32, more than any machine that this can run on."""

MAX_DIFFERENTIATED: Final = 20_000
"""Equations that are differentiated for all derivatives of a file: each level of nesting about triples them."""


def check_example(shape: tuple[int, ...]) -> None:
    """Raise ShapeError for an example shape beyond the limits."""
    if len(shape) > MAX_AXES:
        raise ShapeError(f"a value has at most {MAX_AXES} axes, but this has {len(shape)}", code="E0308")
    size = math.prod(shape)
    if size > MAX_ELEMENTS:
        message = f"a value of shape {list(shape)} has {size:,} elements for each example, over {MAX_ELEMENTS:,}"
        raise ShapeError(message, "use smaller sizes", code="E0308")


def check_weights(name: str, shape: tuple[int, ...], total: int) -> None:
    """Raise ShapeError if the parameter `name` brings the file's total to more than the limit."""
    if total > MAX_WEIGHTS:
        message = f"`{name}` of shape {list(shape)} makes {total:,} trainable parameters, over {MAX_WEIGHTS:,}"
        raise ShapeError(message, "use smaller sizes", code="E0308")


def check_derivatives(differentiated: int) -> None:
    """Raise ShapeError if the derivatives of a file, so far of `differentiated` equations, exceed the limit."""
    if differentiated > MAX_DIFFERENTIATED:
        message = f"the derivatives of this file go over more than {MAX_DIFFERENTIATED:,} equations"
        raise ShapeError(message, "each nesting makes about three times as many; take fewer", code="E0308")
