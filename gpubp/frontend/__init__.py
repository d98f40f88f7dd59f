"""From text to programs: the catalogue, loading and checking, lowering."""

from .feeds import as_numbers, check_feeds
from .identity import answers, data_files, describe_place, identity
from .initial import first_value
from .layout import Group, Layout, Parameter
from .net import Net, load, loads
from .planned import planned
from .programs import COUNTERS, GUARD, MASK, RATE_SCALE, SEED, STEP, Built, Mode, build, describe, gradient_name
from .resolved import MAIN, resolved
from .stacked import GOING, stacked
from .stops import Start, Watch, cannot_start, start_of, watch_of

__all__ = [
    "COUNTERS",
    "GOING",
    "GUARD",
    "MAIN",
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
    "Start",
    "Watch",
    "answers",
    "as_numbers",
    "build",
    "cannot_start",
    "check_feeds",
    "data_files",
    "describe",
    "describe_place",
    "first_value",
    "gradient_name",
    "identity",
    "load",
    "loads",
    "planned",
    "resolved",
    "start_of",
    "watch_of",
    "stacked",
]
