"""Code generation: plans as Python, C and CUDA source."""

from .c import LANES, CSource, c_source, lanes_arena, lanes_source
from .cuda import Batches, Block, CudaSource, Frame, Gemm, Launch, Matrix, cuda_source, listing
from .errors import CannotExportError
from .onnx import onnx_model
from .plan_source import plan_source
from .portable import Interface, Slot, portable_source
from .python_source import compile_source
from .standalone import Argument, standalone

__all__ = [
    "Argument",
    "Batches",
    "Block",
    "CSource",
    "CannotExportError",
    "CudaSource",
    "Frame",
    "Gemm",
    "LANES",
    "Launch",
    "Matrix",
    "Slot",
    "Interface",
    "c_source",
    "compile_source",
    "cuda_source",
    "lanes_arena",
    "lanes_source",
    "listing",
    "onnx_model",
    "plan_source",
    "portable_source",
    "standalone",
]
