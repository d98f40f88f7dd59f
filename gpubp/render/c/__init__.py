"""Plans as C: loops over elements and rows, matrix products, and SIMD over copies of a net."""

from .lanes import lanes_arena, lanes_source
from .memory import LANES
from .parts import CSource
from .source import c_source

__all__ = ["LANES", "CSource", "c_source", "lanes_arena", "lanes_source"]
