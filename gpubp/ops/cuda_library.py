"""The CUDA functions that C forms call: the counterpart of gpubp.ops.c_library."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_DEFINED = re.compile(r"^INLINE [\w ]+?[ *]+(\w+)\(", re.MULTILINE)


@cache
def cuda_functions(tensor: bool = False) -> str:
    """All device functions and types that kernels use; those for tensor cores only on request, since not every GPU has
    them."""
    folder = Path(__file__).parent  # some are shared with C
    files = ["cuda/base.cuh", "c/simple.h", "c/argmax.h", "cuda/math.cuh", "cuda/uniform.cuh"]
    files += ["cuda/tensor.cuh"] if tensor else []
    return "\n".join((folder / name).read_text("utf-8") for name in files)


@cache
def cuda_names() -> frozenset[str]:
    """The names of all these functions."""
    return frozenset(_DEFINED.findall(cuda_functions(tensor=True)))
