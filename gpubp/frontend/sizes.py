"""What is too large to exist is refused when the file is checked, not when memory runs out."""

from __future__ import annotations

import math
from typing import Final

from ..errors import ShapeError

MOST_AXES: Final = 30
"""Axes of one example: array libraries stop soon after."""

MOST_ELEMENTS: Final = 2**28
"""Elements of one value, for one example: 1 GiB of float32. A batch of two of them, with their gradients, fills a GPU;
a one-hot vector of a thousand million classes would be built before anything says so."""

MOST_WEIGHTS: Final = 2**40
"""Trained values of a file: 4 TiB of float32, more than any machine that this can run on."""

MOST_WALKED: Final = 20_000
"""Equations that all derivatives of a file are taken of: each nesting makes about three times as many of them."""


def check_example(shape: tuple[int, ...]) -> None:
    """Raise ShapeError for the shape of one example that no value can have."""
    if len(shape) > MOST_AXES:
        raise ShapeError(f"a value has at most {MOST_AXES} axes, and this has {len(shape)}", code="E0308")
    size = math.prod(shape)
    if size > MOST_ELEMENTS:
        message = f"a value of shape {list(shape)} has {size:,} elements for each example, over {MOST_ELEMENTS:,}"
        raise ShapeError(message, "use smaller sizes", code="E0308")


def check_weights(name: str, shape: tuple[int, ...], total: int) -> None:
    """Raise ShapeError where the parameter `name` makes the file's parameters, then `total` values, too many."""
    if total > MOST_WEIGHTS:
        message = f"`{name}` of shape {list(shape)} makes {total:,} trained values, over {MOST_WEIGHTS:,}"
        raise ShapeError(message, "use smaller sizes", code="E0308")


def check_derivatives(walked: int) -> None:
    """Raise ShapeError where the derivatives of a file, so far of `walked` equations, are too many."""
    if walked > MOST_WALKED:
        message = f"the derivatives of this file go over more than {MOST_WALKED:,} equations"
        raise ShapeError(message, "each nesting makes about three times as many; take fewer", code="E0308")
