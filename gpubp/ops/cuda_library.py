"""The CUDA functions that C forms call: what gpubp.ops.c_library is for C."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_DEFINED = re.compile(r"^INLINE [\w ]+?[ *]+(\w+)\(", re.MULTILINE)


@cache
def cuda_functions() -> str:
    """All of them, with the types that kernels are written in."""
    folder = Path(__file__).with_name("cuda")
    return "\n".join((folder / f"{stem}.cuh").read_text("utf-8") for stem in ("base", "math", "uniform"))


@cache
def cuda_names() -> frozenset[str]:
    """The names of all these functions."""
    return frozenset(_DEFINED.findall(cuda_functions()))
