"""NVIDIA's libraries, where wheels for several versions of CUDA are installed, as PyTorch brings some on Linux. On
Windows, where they have other names, PyTorch has its own inside, and nothing is chosen."""

from __future__ import annotations

import ctypes
from importlib.util import find_spec
from pathlib import Path


def matching_library(name: str, cuda: int) -> str:
    """The path of a library such as `cublas` for a major version of CUDA, if wheels have it for another one, too; empty
    otherwise."""
    nvidia = find_spec("nvidia")
    folders = [] if nvidia is None else [*map(Path, nvidia.submodule_search_locations or ())]
    found = [path for folder in folders for path in folder.glob(f"*/lib/lib{name}.so.*")]
    matching = [path for path in found if path.suffix == f".{cuda}"]
    return str(matching[0]) if matching and len(matching) < len(found) else ""


def load_matching(cuda: int) -> None:
    """Load what CuPy uses of them for its own version of CUDA. It would ask cuda.pathfinder, which takes the newest one
    unless another is loaded already; but CuPy for CUDA 12 cannot use cuBLAS 13. Raises OSError."""
    for name in ("nvrtc", "cublasLt", "cublas"):
        if path := matching_library(name, cuda):
            ctypes.CDLL(path)
