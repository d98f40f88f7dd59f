"""Arrays of more elements than an int counts, and rows of more than the registers of a block hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from gpubp import ops
from gpubp.ir import PRIMITIVES, Aval, Program, Var, apply, recording, verify
from gpubp.passes import plan
from gpubp.render import cuda_source
from gpubp.render.cuda.work import grid_stride, index_type

from .host import needs_host
from .running import run_cuda
from .test_cuda_kernels import values


@needs_host
def test_views_of_a_few_elements() -> None:
    """Copied, reduced along either axis, gathered and multiplied. The array is 2 GiB of zeros that no page of memory
    holds, but for the last row."""
    shape = rows, _ = 65_600, 32_800
    x, w = Var(Aval(shape, "bool"), "x"), Var(Aval((3, 2), "float32"), "w")
    with recording() as eqns:
        few = ops.cast(ops.slice_(x, start=(0, 0), stop=(rows, 3)), dtype="float32")
        total, first = ops.sum_(few, (1,)), ops.slice_(x, start=(0, 0), stop=(rows, 1))
        found = few * 2.0, total, ops.sum_(few, (0,)), ops.flip(first, axis=0), few @ w
    planned = plan(verify(Program((x, w), tuple(eqns), found)), (w,))
    table = np.zeros(shape, bool)
    table[-1] = True
    source, out = run_cuda(planned, [np.ones((3, 2), np.float32)], [table])
    assert sum(f.stop - f.first for f in source.functions) == len(planned.steps), "a step has no kernel"
    few_rows = np.zeros((rows, 3), np.float32)
    few_rows[-1] = 1
    wanted = few_rows * 2, few_rows.sum(1), few_rows.sum(0), few_rows[::-1, :1] > 0, few_rows @ np.ones((3, 2), "f4")
    for a, b in zip(out, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("columns", "kind"), [(32, "int"), (32_800, "int64_t")])
def test_products_of_a_few_elements_of_a_large_array(columns: int, kind: str) -> None:
    x, w = Var(Aval((65_600, columns), "float32"), "x"), Var(Aval((3, 2), "float32"), "w")
    with recording() as eqns:
        found = ops.slice_(x, start=(0, 0), stop=(65_600, 3)) @ w
    planned = plan(verify(Program((x, w), tuple(eqns), (found,))), (w,))
    assert f"const {kind} q = top + at;" in cuda_source(planned, "run").text


@pytest.mark.parametrize("elements", [1000, (1 << 31) - (1 << 20) - 1, (1 << 31) - (1 << 20), (1 << 31) - 1, 1 << 31])
def test_no_index_overflows_by_the_stride_of_its_loop(elements: int) -> None:
    grid, block = grid_stride(elements)
    last = elements - 1 + grid * block
    assert index_type(elements) == ("int" if last < (1 << 31) - 1 else "int64_t")


@needs_host
@pytest.mark.parametrize(("shape", "dtype"), [((3, 20000), "float32"), ((2, 33001), "float64")])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_rows_that_no_registers_hold(name: str, shape: tuple[int, int], dtype: str) -> None:
    """One block goes through each several times. The exponents, up to the spread of the numbers, are rounded."""
    x = np.random.default_rng(0).normal(size=shape).astype(dtype) * 3
    wanted = apply(PRIMITIVES[name], np, [x.astype("float64")], {"axis": -1})
    for order in (0, 1):
        (found,) = values(lambda v: [getattr(ops, name)(v, axis=-1)], [x], order)
        np.testing.assert_allclose(found, wanted, rtol=np.finfo(dtype).eps * (4 + np.ptp(x)), atol=1e-18)


@needs_host
@pytest.mark.parametrize("shape", [(3, 20_000), (1, 5000)])
def test_long_rows_with_a_number_of_each(shape: tuple[int, int]) -> None:
    """It is computed where several blocks sum a row, and where one adds what they have."""
    x, s = Var(Aval(shape, "float64"), "x"), Var(Aval((shape[0], 1), "float64"), "s")
    with recording() as eqns:
        scale = ops.exp(s)
        found = ops.sum_(x * scale, axis=(1,), keepdims=True) - scale
    planned = plan(verify(Program((x, s), tuple(eqns), (found,))), (x,))
    rng = np.random.default_rng(0)
    numbers, each = rng.normal(size=shape), rng.normal(size=(shape[0], 1))
    source, (out,) = run_cuda(planned, [numbers], [each.copy()])
    assert [(f.first, f.stop) for f in source.functions] == [(0, len(planned.steps))], "it is one kernel"
    np.testing.assert_allclose(out, numbers.sum(1, keepdims=True) * np.exp(each) - np.exp(each), rtol=1e-11)


@needs_host
@pytest.mark.parametrize("shape", [(40, 3, 1000), (9, 40, 1000)])
def test_long_sums_along_the_first_axis_and_the_last(shape: tuple[int, int, int]) -> None:
    """Nine blocks share each, or two; the sums of many are put together by several."""
    x = np.random.default_rng(0).normal(size=shape)
    for order in (0, 1):
        (found,) = values(lambda v: [ops.sum_(v, (0, 2))], [x], order)
        np.testing.assert_allclose(found, x.sum((0, 2)), rtol=1e-11)


@needs_host
def test_long_sums_in_a_loop_have_scratch_memory_of_their_own() -> None:
    a, x = Var(Aval((3, 1), "float64"), "a"), Var(Aval((2, 3, 20_000), "float64"), "x")

    def step(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
        return (state[0] + ops.sum_(slices[0], axis=(1,), keepdims=True),), ()

    with recording() as eqns:
        (last,), _ = ops.loop(step, (a,), (x,))
    planned = plan(verify(Program((a, x), tuple(eqns), (last,))), ())
    rng = np.random.default_rng(0)
    begin, rows = rng.normal(size=a.shape), rng.normal(size=x.shape)
    source, (found,) = run_cuda(planned, [], [begin.copy(), rows])
    assert source.scratch > 0
    np.testing.assert_allclose(found, begin + rows.sum((0, 2))[:, None], rtol=1e-11)
