"""Per-layer learning rates."""

from __future__ import annotations

from ..registry import NonNegative, Places, register


@register("rate", "rate")
def rate(*, of: Places, factor: NonNegative) -> float:
    """A learning-rate multiplier for the weights of `of`."""
    return factor
