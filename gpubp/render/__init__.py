"""Programs as text."""

from .c_lanes import lanes_arena, lanes_source
from .c_parts import CSource
from .c_source import c_source
from .cuda_block import Block
from .cuda_launch import Batches, Frame, Launch
from .cuda_source import CudaSource, cuda_source
from .cuda_told import launches
from .cuda_work import Gemm, Matrix
from .plan_source import plan_source
from .python_source import compile_source, python_source
from .standalone import Argument, standalone

__all__ = [
    "Argument",
    "Batches",
    "Block",
    "CSource",
    "CudaSource",
    "Frame",
    "Gemm",
    "Launch",
    "Matrix",
    "c_source",
    "compile_source",
    "cuda_source",
    "lanes_arena",
    "lanes_source",
    "launches",
    "plan_source",
    "python_source",
    "standalone",
]
