"""From text to programs: the catalogue, loading and checking, lowering."""

from .feeds import as_numbers, check_feeds
from .initial import first_value
from .layout import Group, Layout, Parameter
from .net import Net, load, loads
from .planned import planned
from .programs import COUNTERS, GUARD, MASK, RATE_SCALE, SEED, STEP, Built, Mode, build, describe, gradient_name
from .stacked import GOING, stacked

__all__ = [
    "COUNTERS",
    "GOING",
    "GUARD",
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
    "as_numbers",
    "build",
    "check_feeds",
    "describe",
    "first_value",
    "gradient_name",
    "load",
    "loads",
    "planned",
    "stacked",
]
