"""What a file may say of the precision of its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TF32 = "tf32"
"""Numbers of float32, and products and convolutions that a GPU may make from factors rounded to 10 bits after the point
(those of NVIDIA's tensor cores, from compute capability 8.0 on), with sums of float32."""

PRECISIONS: Mapping[str, str] = MappingProxyType({"float32": "float32", "float64": "float64", TF32: "float32"})
"""Each with the type of its numbers."""
