"""Arithmetic and conversions of floats, instruction by instruction, held against exact arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from .exact import FORMATS, Format, Value, calculated
from .instructions import Case, kernels, run
from .kernels import needs_gcc

pytestmark = needs_gcc
_REAL = ["rn", "rz", "rm", "rp"]
_COUNT = {"add": 2, "sub": 2, "mul": 2, "div": 2, "fma": 3, "rcp": 1, "sqrt": 1}
REAL = [
    Case(f"{op}.{mode}.{kind}", (kind,) * _COUNT[op], kind)
    for kind in ("f32", "f64")
    for op in _COUNT
    for mode in _REAL
]
REAL += [Case(f"{op}.rn.f16", ("f16",) * _COUNT[op], "f16") for op in ("add", "sub", "mul", "fma")]
REAL += [Case(f"{op}.rn.bf16", ("bf16",) * _COUNT[op], "bf16") for op in ("add", "mul", "fma")]
CONVERSIONS = [Case(f"cvt.{mode}.f32.f64", ("f64",), "f32") for mode in _REAL]
CONVERSIONS += [Case(f"cvt.{mode}.{to}.f32", ("f32",), to) for to in ("f16", "bf16") for mode in ("rn", "rz")]
CONVERSIONS += [Case(f"cvt.{mode}.f16.f32", ("f32",), "f16") for mode in ("rm", "rp")]
CONVERSIONS += [Case(f"cvt.{mode}.f16.f64", ("f64",), "f16") for mode in _REAL]
CONVERSIONS += [Case(f"cvt.{to}.{of}", (of,), to) for of, to in (("f16", "f32"), ("f16", "f64"), ("f32", "f64"))]
CONVERSIONS += [
    Case(f"cvt.{mode}.{to}.{of}", (of,), to)
    for to in ("f32", "f64")
    for of in ("s32", "u32", "s64", "u64")
    for mode in _REAL
]
CONVERSIONS += [Case(f"cvt.rn.f16.{of}", (of,), "f16") for of in ("s32", "u32", "s16", "u16")]
WHOLE = [
    Case(f"cvt.{mode}i.{to}.{of}", (of,), to)
    for of in ("f32", "f64", "f16")
    for to in ("s32", "u32", "s64", "u64", "s16", "u16")
    for mode in _REAL
]
WHOLE += [Case(f"cvt.{mode}i.{kind}.{kind}", (kind,), kind) for kind in ("f32", "f64") for mode in _REAL]
ALL = [*REAL, *CONVERSIONS, *WHOLE]


def values(kind: str, arrays: np.ndarray[Any, Any]) -> list[Value]:
    if kind in FORMATS:
        return [FORMATS[kind].value(int(b)) for b in arrays]
    return [Fraction(int(x)) for x in arrays]


def alike(found: Sequence[Value], wanted: Sequence[Value], about: str) -> None:
    for a, b in zip(found, wanted, strict=True):
        assert (a != a and b != b) or a == b, f"{about}: {a} and not {b}"


def to_whole(x: Value, case: Case) -> Value:
    mode, of, to = case.text.split(".")[1][:2], case.given[0], case.result
    if to in FORMATS:
        return x if isinstance(x, float) else _whole(x, mode)
    bits, signed = int(to[1:]), to[0] == "s"
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if x != x:
        return Fraction(-(2 ** (bits - 1)) if signed else 2 ** (bits - 1)) if of == "f64" or bits == 64 else Fraction(0)
    if isinstance(x, float):
        return Fraction(most if x > 0 else least)
    return Fraction(min(max(_whole(x, mode), least), most))


def _whole(x: Fraction, mode: str) -> Fraction:
    return Fraction({"rn": round(x), "rz": int(x), "rm": x.__floor__(), "rp": x.__ceil__()}[mode])


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_rounding(seed: int) -> None:
    made = kernels(ALL)
    for case in ALL:
        given_, found = run(made, case, seed, 24)
        columns = [values(kind, array) for kind, array in zip(case.given, given_, strict=True)]
        got = values(case.result, found)
        if case in WHOLE:
            wanted = [to_whole(x, case) for x in columns[0]]
        else:
            mode = next((p for p in case.text.split(".") if p in _REAL), "rn")
            form: Format = FORMATS[case.result]
            op = case.text.split(".")[0]
            exact = columns[0] if op == "cvt" else [calculated(op, *xs) for xs in zip(*columns, strict=True)]
            wanted = [y if x is None else form.rounded(x, mode) for x, y in zip(exact, got, strict=True)]
        alike(got, wanted, f"{case.text} of {columns}")


def test_that_rounding_is_checked() -> None:
    """Each mode differs from each other somewhere among the numbers that are tried."""
    made = kernels(ALL)
    for op in ("add", "mul", "div", "fma", "sqrt"):
        found = []
        for mode in _REAL:
            _, out = run(made, next(c for c in REAL if c.text == f"{op}.{mode}.f32"), 3, 256)
            found.append(out.tobytes())
        assert len(set(found)) == (4 if op != "sqrt" else 3)  # no root is negative


@pytest.mark.parametrize("kind", ["f32", "f64"])
def test_smallest_and_largest(kind: str) -> None:
    """A number before NaN, unless `.NaN` says so; -0 before 0."""
    cases = [
        Case(f"{op}{more}.{kind}", (kind, kind), kind)
        for op in ("min", "max")
        for more in ("", ".NaN")[: 2 if kind == "f32" else 1]
    ]
    made = kernels(cases)
    for case in cases:
        (a, b), found = run(made, case, 1, 3000)
        x, y, got = (v.view(f"f{v.itemsize}") for v in (a, b, found))
        best = (np.minimum if "min" in case.text else np.maximum)(x, y)
        if "NaN" not in case.text:
            best = (np.fmin if "min" in case.text else np.fmax)(x, y)
        np.testing.assert_array_equal(got, best)
        zeros = (x == 0) & (y == 0)
        assert zeros.any()
        sign = np.signbit(x) | np.signbit(y) if "min" in case.text else np.signbit(x) & np.signbit(y)
        np.testing.assert_array_equal(np.signbit(got)[zeros], sign[zeros])


@pytest.mark.parametrize("half", ["f16", "bf16"])
def test_pairs_of_halves(half: str) -> None:
    single, pair = Case(f"fma.rn.{half}", (half,) * 3, half), Case(f"fma.rn.{half}x2", (f"{half}x2",) * 3, f"{half}x2")
    made = kernels([single, pair])
    given_, found = run(made, pair, 2, 64)
    halves = [a.view(np.uint16) for a in given_]
    out = np.empty(128, np.uint16)
    made(single.name, 1, 128, [out, *halves])
    np.testing.assert_array_equal(found.view(np.uint16), out)
