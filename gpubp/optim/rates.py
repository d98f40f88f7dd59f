"""Rates of single parts of a model."""

from __future__ import annotations

from ..registry import NonNegative, Places, register


@register("rate", "rate")
def rate(*, of: Places, factor: NonNegative) -> float:
    """The factor of the learning rate for the weights of the places `of`."""
    return factor
