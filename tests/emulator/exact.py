"""Floats of any width, rounded in any direction, by exact arithmetic: what instructions are held against."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

import numpy as np

Value = Fraction | float
"""A number, or inf, -inf, NaN as a float."""


@dataclass(frozen=True)
class Format:
    """IEEE 754: `digits` bits after the point, `exponent` bits."""

    digits: int
    exponent: int

    @property
    def bias(self) -> int:
        return int(2 ** (self.exponent - 1) - 1)

    def value(self, bits: int) -> Value:
        sign = -1 if bits >> (self.digits + self.exponent) else 1
        e, m = bits >> self.digits & (2**self.exponent - 1), bits & (2**self.digits - 1)
        if e == 2**self.exponent - 1:
            return float("nan") if m else sign * float("inf")
        scale = Fraction(2) ** (max(e, 1) - self.bias - self.digits)
        return sign * scale * (m + (2**self.digits if e else 0))

    def rounded(self, x: Value, mode: str = "rn") -> Value:
        """The float of this format for a number; rn, rna, rz, rm and rp as PTX names them."""
        if isinstance(x, float) or not x:
            return x
        size = abs(x)
        e = size.numerator.bit_length() - size.denominator.bit_length()
        e -= size < Fraction(2) ** e
        unit = Fraction(2) ** (max(e, 1 - self.bias) - self.digits)
        low = size // unit
        over = size - low * unit
        up = {"rn": over * 2 > unit or (over * 2 == unit and low % 2 == 1), "rz": False}
        up |= {"rna": over * 2 >= unit, "rp": x > 0 and over > 0, "rm": x < 0 and over > 0}
        found = (low + up[mode]) * unit
        if found >= Fraction(2) ** (self.bias + 1):
            most = (2 - Fraction(1, 2**self.digits)) * Fraction(2) ** self.bias
            found = (
                float("inf") if mode in ("rn", "rna") or (mode == "rp" and x > 0) or (mode == "rm" and x < 0) else most
            )
        return found if x > 0 else -found


HALF, BFLOAT, TF32, SINGLE, DOUBLE = Format(10, 5), Format(7, 8), Format(10, 8), Format(23, 8), Format(52, 11)
FORMATS = {"f16": HALF, "bf16": BFLOAT, "f32": SINGLE, "f64": DOUBLE}


def calculated(op: str, *xs: Value) -> Value | None:
    """Without rounding; where a number is inf or NaN by NumPy's double, as rounding does not matter. None where a
    divisor is 0, whose sign is not known here. A square root is near enough that it is on the right side of all that
    may be."""
    if op in ("div", "rcp") and xs[-1] == 0:
        return None
    if any(isinstance(x, float) for x in xs) or (op == "sqrt" and xs[0] < 0):
        a = [np.float64(x if isinstance(x, float) else min(max(x, -1), 1)) for x in xs]
        with np.errstate(all="ignore"):
            found = {
                "add": lambda: a[0] + a[1], "sub": lambda: a[0] - a[1], "mul": lambda: a[0] * a[1],
                "div": lambda: a[0] / a[1], "rcp": lambda: 1 / a[0], "sqrt": lambda: np.sqrt(a[0]),
                "fma": lambda: a[0] * a[1] + a[2],
            }[op]()  # fmt: skip
        return float(found) if not np.isfinite(found) else Fraction(float(found))
    a = [Fraction(x) for x in xs]
    if op == "sqrt":
        scale = 4**1200
        root = isqrt(a[0].numerator * scale * scale // a[0].denominator)
        exact = root * root * a[0].denominator == a[0].numerator * scale * scale
        return Fraction(root * 2 + (0 if exact else 1), scale * 2)
    return {
        "add": lambda: a[0] + a[1], "sub": lambda: a[0] - a[1], "mul": lambda: a[0] * a[1],
        "div": lambda: a[0] / a[1], "rcp": lambda: 1 / a[0], "fma": lambda: a[0] * a[1] + a[2],
    }[op]()  # fmt: skip
