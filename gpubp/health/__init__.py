"""The health of a net in training: the magnitudes of its activations and gradients, and a diagnosis in words."""

from .findings import Finding, diagnose, grown, risen, still, typical
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
    "risen",
    "sizes",
    "still",
    "typical",
]
