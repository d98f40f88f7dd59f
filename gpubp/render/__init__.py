"""Programs as text."""

from .c_lanes import lanes_arena, lanes_source
from .c_source import CSource, c_source
from .plan_source import plan_source
from .python_source import compile_source, python_source
from .standalone import Argument, standalone

__all__ = [
    "Argument",
    "CSource",
    "c_source",
    "compile_source",
    "lanes_arena",
    "lanes_source",
    "plan_source",
    "python_source",
    "standalone",
]
