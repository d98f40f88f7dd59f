"""How a net is while it learns: the sizes of its activations and gradients, and in words what is wrong with them."""

from .findings import Finding, diagnose, grown, still, typical
from .gauges import Gauges, Size, sizes
from .layers import Layer, layers_of

__all__ = [
    "Finding",
    "Gauges",
    "Layer",
    "Size",
    "diagnose",
    "grown",
    "layers_of",
    "sizes",
    "still",
    "typical",
]
