"""What is legal and rarely meant: warnings about a net that trains, but hardly as its author has in mind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from dsl.diagnostics import Diagnostic

from ..layer_errors import sort_diagnostics
from . import derivatives, layers, losses, rates
from .traced import Traced

__all__ = ["Traced", "suspicions"]

_LOOKS: Final[tuple[Callable[[Traced], Iterator[Diagnostic]], ...]] = (
    layers.softmax_of_one,
    layers.activation_twice,
    layers.linear_twice,
    layers.dropout_of_all_or_none,
    layers.dropout_on_output,
    layers.alike,
    derivatives.through_a_batch,
    losses.logarithm,
    losses.mismatched,
    losses.accuracy_of_numbers,
    losses.untrained,
    losses.drawn,
    rates.rate,
    rates.grown,
)


def suspicions(net: Traced) -> list[Diagnostic]:
    """Warnings about a net, in the order of the text, each place once for each code."""
    return sort_diagnostics(net.graph, [finding for look in _LOOKS for finding in look(net)])
