"""The precisions that a file may choose."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TF32 = "tf32"
"""float32 numbers, with products and convolutions that a GPU may compute from inputs rounded to a 10-bit mantissa
(NVIDIA's tensor cores, from compute capability 8.0 on), accumulated in float32."""

PRECISIONS: Mapping[str, str] = MappingProxyType({"float32": "float32", "float64": "float64", TF32: "float32"})
"""Each with the dtype of its numbers."""
