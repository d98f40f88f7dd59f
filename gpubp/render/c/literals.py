"""Numbers as C literals."""

from __future__ import annotations

import math
import struct

from ...ir import FLOATS


def rounded(value: float, dtype: str) -> float:
    """A number as an element of a float dtype, rounded like NumPy."""
    if dtype != "float32":
        return float(value)
    try:
        (number,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        return math.copysign(math.inf, value)
    return float(number)


def c_literal(value: float, dtype: str) -> str:
    """A number as a C literal of a dtype, rounded like NumPy."""
    if dtype not in FLOATS:
        return str(int(value)) + {"int64": "LL", "uint64": "ULL", "uint32": "U"}.get(dtype, "")
    number, mark = rounded(value, dtype), "f" if dtype == "float32" else ""
    if not math.isfinite(number):
        return "NAN" if math.isnan(number) else "INFINITY" if number > 0 else "(-INFINITY)"
    text = _shortest(number) if dtype == "float32" else repr(number)
    text = (text if any(c in text for c in ".e") else f"{text}.0") + mark
    return f"({text})" if text.startswith("-") else text


def _shortest(number: float) -> str:
    for digits in range(1, 10):
        text = f"{number:.{digits}g}"
        if struct.pack("f", float(text)) == struct.pack("f", number):
            return text
    return repr(number)
