"""Plans as CUDA: kernels and the listing of a step, or one kernel for a tiny net."""

from .batches import Batches
from .block import Block
from .launch import Frame, Launch
from .printing import listing
from .source import CudaSource, cuda_source
from .work import Gemm, Matrix

__all__ = ["Batches", "Block", "CudaSource", "Frame", "Gemm", "Launch", "Matrix", "cuda_source", "listing"]
