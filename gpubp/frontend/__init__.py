"""From text to programs: the catalogue, loading and checking, lowering."""

from .layout import Group, Layout, Parameter
from .net import Net, load, loads
from .programs import COUNTERS, MASK, RATE_SCALE, SEED, STEP, Built, Mode, build

__all__ = [
    "COUNTERS",
    "MASK",
    "RATE_SCALE",
    "SEED",
    "STEP",
    "Built",
    "Group",
    "Layout",
    "Mode",
    "Net",
    "Parameter",
    "build",
    "load",
    "loads",
]
