"""The C form of each primitive beside its NumPy form: on its examples, and on numbers that are special.

All cases of a float type are one program, so that they are compiled at once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest

from gpubp import ops
from gpubp.insight.rules import inputs_for
from gpubp.ir import (
    FLOATS,
    PRIMITIVES,
    Aval,
    Elementwise,
    Example,
    Primitive,
    Program,
    ScatterAdd,
    Var,
    apply,
    recording,
    verify,
)
from gpubp.passes import plan
from gpubp.render import c_source
from tests.render.compiled import Array, needs_compiler, run_compiled

from .checks import EXAMPLES, IDS, arguments

WITH_FORM = {
    name: (p, e)
    for name, (p, e) in zip(IDS, EXAMPLES, strict=True)
    if p.c is not None and (p.trait != "rowwise" or e.params["axis"] == -1)
}
"""Row-wise primitives are computed along the last axis."""

Case = tuple[Callable[..., Var], list[Array]]


def compiled(cases: Sequence[Case], options: tuple[str, ...] = ()) -> list[Array]:
    """The values that are built of arrays, by compiled kernels alone."""
    inputs: list[Var] = []
    results: list[Var] = []
    with recording() as eqns:
        for build, arrays in cases:
            xs = inputs_for(arrays)
            inputs += xs
            results.append(build(*xs))
    planned = plan(verify(Program(tuple(inputs), tuple(eqns), tuple(results))), inputs)
    source, found = run_compiled(planned, [a for _, arrays in cases for a in arrays], [], options=options)
    assert sum(f.stop - f.first for f in source.functions) == len(planned.steps), "a step was left to NumPy"
    return found


def ulps(found: Array, wanted: Array) -> Array:
    """The differences in units in the last place of `found`, NaN and inf taken as they are."""
    unit = found.dtype.type
    with np.errstate(all="ignore"):
        rounded = wanted.astype(unit)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(rounded))
        finite = np.isfinite(rounded) & np.isfinite(found)
        np.testing.assert_array_equal(found[~finite], rounded[~finite])
        spacing = np.maximum(np.spacing(np.abs(rounded[finite])), np.finfo(unit).smallest_subnormal)
        return np.asarray(np.abs(found[finite].astype(wanted.dtype) - wanted[finite]) / spacing)


def test_what_nets_are_made_of_has_a_c_form() -> None:
    wanted = "add sub mul div neg exp log tanh sigmoid relu gate where cast sum max softmax matmul uniform gather"
    assert [name for name in wanted.split() if PRIMITIVES[name].c is None] == []


# Examples ------------------------------------------------------------------------------------------------------------
def case_of(primitive: Primitive, example: Example, floats: str) -> Case:
    arrays, params = arguments(example, floats)
    return lambda *xs: primitive(*xs, **params), arrays


@cache
def _examples(floats: str) -> dict[str, Array]:
    cases = [case_of(p, e, floats) for p, e in WITH_FORM.values()]
    return dict(zip(WITH_FORM, compiled(cases), strict=True))


@needs_compiler
@pytest.mark.parametrize("floats", ["float32", "float64"])
@pytest.mark.parametrize("name", WITH_FORM)
def test_on_its_examples(name: str, floats: str) -> None:
    primitive, example = WITH_FORM[name]
    arrays, params = arguments(example, floats)
    found, wanted = _examples(floats)[name], np.asarray(apply(primitive, np, arrays, params))
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    sums = primitive.trait in ("reduce", "gemm") or isinstance(primitive.c, ScatterAdd)
    if str(found.dtype) not in FLOATS or (primitive.trait == "opaque" and not sums):
        np.testing.assert_array_equal(found, wanted)
        return
    # A sum is as exact as its largest term, of which there are at most 24.
    largest = max(1.0, *(float(np.abs(a).max()) for a in arrays)) if sums else 0.0
    tolerance = (4 if isinstance(primitive.c, Elementwise) else 24) * np.finfo(found.dtype).eps
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=max(tolerance * largest, 1e-15))


# Special numbers -----------------------------------------------------------------------------------------------------
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1e-40, 3e38, -3e38, 88.7, -104.0, 20.0]
ELEMENTWISE = {p.name: p for p in PRIMITIVES.values() if isinstance(p.c, Elementwise) and not p.examples[0].params}


def _special(primitive: Primitive, dtype: str) -> list[Array]:
    example = primitive.examples[0]
    arity = len(example.shapes)
    rows = list(itertools.product(SPECIAL, repeat=min(arity, 2)))
    columns = [np.array([row[i % len(row)] for row in rows]) for i in range(arity)]
    flags = [bool(example.dtypes) and example.dtypes[i] == "bool" for i in range(arity)]
    return [(c > 0) if flag else c.astype(dtype) for c, flag in zip(columns, flags, strict=True)]


@cache
def _specials(dtype: str) -> dict[str, Array]:
    return dict(zip(ELEMENTWISE, compiled([(p, _special(p, dtype)) for p in ELEMENTWISE.values()]), strict=True))


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_on_special_numbers(name: str, dtype: str) -> None:
    found = _specials(dtype)[name]
    with np.errstate(all="ignore"):
        wanted = np.asarray(apply(ELEMENTWISE[name], np, _special(ELEMENTWISE[name], dtype), {}))
    if str(wanted.dtype) not in FLOATS:
        np.testing.assert_array_equal(found, wanted)
        return
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_allclose(found, wanted, rtol=64 * np.finfo(dtype).eps, atol=4 * float(np.finfo(dtype).tiny))


# The functions that the project brings itself ------------------------------------------------------------------------
def _tiny(x: Array) -> float:
    """The smallest normal number of the type that `x` is the wider one for."""
    return 2.0**-126 if x.dtype == np.float64 else 2.0**-1022


TRUTH: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "erf": lambda x: np.array([math.erf(v) for v in x]),
    "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "softplus": lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
    "log_probability": lambda x: np.log(np.where((x >= 0) & (x < _tiny(x)), _tiny(x), x)),
}


def _numbers() -> Array:
    """Floats of all orders of magnitude and both signs, and those where the functions bend, close together."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 0x7F800000, 60_000).astype(np.uint32).view(np.float32)
    ranges = [rng.uniform(a, b, 60_000) for a, b in ((-110.0, 110.0), (-8.0, 8.0), (-1.0, 1.0), (0.99, 1.01))]
    return np.concatenate([bits, -bits, *ranges], dtype=np.float32)


@cache
def _own() -> dict[str, Array]:
    return dict(zip(TRUTH, compiled([(PRIMITIVES[name], [_numbers()]) for name in TRUTH]), strict=True))


@needs_compiler
@pytest.mark.parametrize("name", TRUTH)
def test_own_functions_are_right_to_the_last_place(name: str) -> None:
    with np.errstate(all="ignore"):
        assert ulps(_own()[name], TRUTH[name](_numbers().astype(np.float64))).max() <= 0.51


BOUNDS = {"exp": 1.0, "log": 1.0, "log1p": 1.0, "log_probability": 1.0, "expm1": 2.0, "softplus": 2.0}
"""Units in the last place that functions of double may be off, 3 where nothing is said; `math.erf` is off by one."""


def _doubles() -> Array:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 0x7FF0000000000000, 20_000).astype(np.uint64).view(np.float64)
    ranges = ((-708.0, 709.0), (-40.0, 40.0), (-8.0, 8.0), (-1.0, 1.0), (0.99, 1.01), (0.4, 0.6))
    return np.concatenate([bits, -bits, *(rng.uniform(a, b, 20_000) for a, b in ranges)])


APART = ("-U__FP_FAST_FMA", "-U__FP_FAST_FMAF", "-U__FMA__", "-U__ARM_FEATURE_FMA")
"""As on a processor that cannot round a product and a sum at once."""


@cache
def _own_doubles(options: tuple[str, ...]) -> dict[str, Array]:
    return dict(zip(TRUTH, compiled([(PRIMITIVES[name], [_doubles()]) for name in TRUTH], options), strict=True))


@needs_compiler
@pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 52, reason="there is no type beyond double to compare with")
@pytest.mark.parametrize("options", [(), APART], ids=["fused", "apart"])
@pytest.mark.parametrize("name", TRUTH)
def test_own_functions_of_double_are_within_their_bounds(name: str, options: tuple[str, ...]) -> None:
    with np.errstate(all="ignore"):
        wanted = TRUTH[name](_doubles().astype(np.longdouble)).astype(np.longdouble)
    assert ulps(_own_doubles(options)[name], wanted).max() <= BOUNDS.get(name, 3.0)


# Random numbers, sums ------------------------------------------------------------------------------------------------
@needs_compiler
def test_random_numbers_are_the_same_bits() -> None:
    draw = PRIMITIVES["uniform"]
    every = itertools.product(
        ("float32", "float64"), ((), (1,), (7,), (64, 33), (5000,)), ((0, 0), (2**40 + 3, 2**35 + 1))
    )
    known = [({"stream": 5, "shape": shape, "dtype": dtype}, list(map(np.array, key))) for dtype, shape, key in every]
    cases: list[Case] = [(lambda *xs, p=params: draw(*xs, **p), arrays) for params, arrays in known]
    for found, (params, arrays) in zip(compiled(cases), known, strict=True):
        np.testing.assert_array_equal(found, apply(draw, np, arrays, params))


def peaks(dtype: str) -> Array:
    """Rows with equal maxima, NaN, and nothing but the smallest."""
    x = np.random.default_rng(0).normal(size=(6, 5, 3)).astype(dtype)
    x[0, 1:4], x[1, 2], x[2, 3:], x[3], x[4, 0] = 9.0, np.nan, np.nan, -np.inf, np.inf
    return x


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_of_the_largest(dtype: str) -> None:
    x = peaks(dtype)
    cases: list[Case] = [(lambda v, a=axis: ops.argmax(v, axis=a), [x]) for axis in (0, 1, 2, -1)]
    for found, axis in zip(compiled(cases), (0, 1, 2, -1), strict=True):
        np.testing.assert_array_equal(found, np.argmax(x, axis))


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_and_maxima_of_any_length(dtype: str) -> None:
    lengths = [1, 7, 15, 16, 17, 1000, 1024, 1025, 5000, 20_001]
    values = [np.random.default_rng(n).normal(size=(3, n)).astype(dtype) for n in lengths]
    holed = values[-1].copy()
    holed[1, 777] = np.nan
    sums: list[Case] = [(lambda v: ops.sum_(ops.exp(v), (-1,)), [a]) for x in values for a in (x, x[0])]
    tops: list[Case] = [(lambda v: ops.max_(ops.absolute(v), (-1,)), [a]) for x in values for a in (x, x[0])]
    whole: list[Case] = [(lambda v: ops.max_(v), [holed]), (lambda v: ops.max_(v, (1,)), [holed])]
    wide = "float64" if dtype == "float32" else "longdouble"
    found = compiled([*sums, *tops, *whole])
    for out, (_, (a,)) in zip(found[: len(sums)], sums, strict=True):
        # Each of up to 64 additions of a lane, and a few more, may be half a unit off.
        assert ulps(out, np.exp(a.astype(wide)).sum(-1)).max() <= 8
    for out, (_, (a,)) in zip(found[len(sums) : -2], tops, strict=True):
        np.testing.assert_array_equal(out, np.abs(a).max(-1))
    assert np.isnan(found[-2])
    np.testing.assert_array_equal(found[-1], holed.max(1))


@pytest.mark.parametrize(("kernel", "unrolled"), [((8, 8), True), ((1, 64), True), ((1, 65), False), ((65, 1), False)])
def test_windows_are_unrolled_up_to_64_elements(kernel: tuple[int, int], unrolled: bool) -> None:
    x = Var(Aval((1, 70, 70, 1), "float32"), "x")
    size = 71 - kernel[0], 71 - kernel[1]
    spread = (1, 1), (1, 1), (0, 0)
    with recording() as eqns:
        most = ops.window_max(x, size=size, kernel=kernel, spread=spread)
        places = ops.window_first(x, most, kernel=kernel, spread=spread)
        back = ops.window_put(most, places, size=(70, 70), kernel=kernel, spread=spread)
        taken = ops.window_take(x, places, kernel=kernel, spread=spread)
        total = ops.window_sum(x, size=size, kernel=kernel, spread=spread)
        shared = ops.window_spread(total, size=(70, 70), kernel=kernel, spread=spread)
    program = verify(Program((x,), tuple(eqns), (back, taken, shared)))
    functions = c_source(plan(program, (x,)), "run").functions
    assert sum(f.stop - f.first for f in functions) == (6 if unrolled else 0)


@pytest.mark.parametrize("spread", [((2, 2), (1, 1), (0, 0)), ((2, 1), (1, 1), (1, 1))])
def test_of_equal_pixels_the_first_is_the_largest(spread: tuple[tuple[int, int], ...]) -> None:
    x = np.random.default_rng(0).integers(0, 2, (2, 6, 6, 3)).astype(np.float64)
    size = tuple((6 + 2 * before - 2) // stride + 1 for stride, before in zip(spread[0], spread[2], strict=True))

    def build(v: Var) -> Var:
        return ops.window_first(
            v, ops.window_max(v, size=size, kernel=(2, 2), spread=spread), kernel=(2, 2), spread=spread
        )

    (found,) = compiled([(build, [x])])
    inside = [(spread[2][axis], spread[2][axis]) for axis in (0, 1)]
    padded = np.pad(x, ((0, 0), *inside, (0, 0)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2, 2), (1, 2))[:, :: spread[0][0], :: spread[0][1]]
    np.testing.assert_array_equal(found, windows.reshape(*windows.shape[:4], 4).argmax(-1))
