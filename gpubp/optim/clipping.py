"""Gradient clipping. A clip takes the flat gradients, one or more, and the largest absolute value among them, and
returns the clipped gradients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from ..ir import Var
from ..ops import maximum, minimum, sqrt, sum_, where
from ..registry import NonNegative, register


@register("clip", "clip_norm")
def clip_norm(gradients: Sequence[Var], largest: Var, *, norm: NonNegative) -> list[Var]:
    """Clipping by global norm: all gradients are scaled by norm / |g| if their joint Euclidean norm |g| exceeds `norm`.
    Pascanu, Mikolov & Bengio (2013), algorithm 1.

    The squares are taken of g / max |g|, so that they neither overflow nor underflow.
    """
    scale = where(largest > 0.0, largest, 1.0)
    scaled = [g / scale for g in gradients]
    squares = reduce(add, (sum_(s * s) for s in scaled))
    # |g| = unit * sqrt(squares) might overflow, and its inverse might lose all digits.
    factor = norm / sqrt(where(squares > 0.0, squares, 1.0))
    return [where(scale > factor, s * factor, g) for s, g in zip(scaled, gradients, strict=True)]


@register("clip", "clip_value")
def clip_value(gradients: Sequence[Var], largest: Var, *, limit: NonNegative) -> list[Var]:
    """Each component of the gradients clipped to the range from -limit to limit."""
    return [maximum(minimum(g, limit), -limit) for g in gradients]
