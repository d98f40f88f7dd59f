"""Reductions along columns, alone and with the elementwise steps that make what they reduce: any shapes, one order
whichever block is last, fewer launches, and planted faults."""

from __future__ import annotations

import math
from collections.abc import Sequence

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from benchmarks.gpu_cases import CNN, WIDE, Case, text
from gpubp import loads, ops
from gpubp.executor.machine import recorded_scalars
from gpubp.frontend import build_plan
from gpubp.ir import Var
from gpubp.passes import Plan
from gpubp.render import CudaSource, Launch, cuda_source
from gpubp.render.cuda import column_sums as cuda_column_sums
from gpubp.render.cuda import columns as cuda_columns
from gpubp.render.cuda.columns import SLICES
from gpubp.render.cuda.tasks import STATIC_SHARED, shared_bytes

from .host import needs_host
from .running import Array
from .test_cuda_kernels import GOLDEN, changed, kernels_of
from .test_cuda_tiles import drawn
from .test_epilogues import launches, planned_of, ran, same_bits

pytestmark = needs_host

SHAPES = [(7, 10), (300, 7), (1000, 33), (2000, 300), (20, 30, 9, 64), (9000, 2), (40, 9, 30), (300, 128), (5000, 16)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_and_maxima_of_columns(shape: tuple[int, ...], dtype: str) -> None:
    """Columns that fill no tile, rows that fill no piece; in both orders the same bits, within a few roundings of
    NumPy's."""
    axes, arrays = tuple(range(len(shape) - 1)), drawn([shape], dtype)

    def build(x: Var) -> list[Var]:
        return [ops.sum_(x, axes), ops.max_(x, axes)]

    found = planned_of(build, arrays)
    both = [ran(found, arrays, order) for order in (0, 1)]
    for a, b in zip(*both, strict=True):
        np.testing.assert_array_equal(a, b)
    x, eps = arrays[0].astype("float64"), np.finfo(dtype).eps
    bound = 64 * eps * np.abs(x).max(axes) * 16 + eps * np.abs(x.sum(axes)) + 1e-15 * np.abs(x).sum(axes)
    np.testing.assert_array_less(np.abs(both[0][0] - x.sum(axes)), bound)
    np.testing.assert_array_equal(both[0][1], arrays[0].max(axes))


def backward(shape: tuple[int, ...], *, kept: bool) -> tuple[Plan, list[Array]]:
    """A gate, and two sums along columns: of what it gives, and of that times something."""
    arrays, axes = drawn([shape, shape, shape], "float32"), tuple(range(len(shape) - 1))

    def build(x: Var, up: Var, other: Var) -> list[Var]:
        delta = ops.gate(ops.greater(x, 0.0), up)
        return [ops.sum_(delta, axes), ops.sum_(delta * other, axes), *([delta] if kept else [])]

    return planned_of(build, arrays), arrays


@settings(max_examples=10, deadline=None)
@given(
    lead=st.lists(st.integers(1, 30), min_size=1, max_size=3),
    columns=st.sampled_from([2, 5, 8, 12, 16, 33, 64, 132]),
    kept=st.booleans(),
)
def test_fused_the_bits_are_those_apart(lead: list[int], columns: int, kept: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda_column_sums, "MIN_THREADS", 0)
        found, arrays = backward((*lead, columns), kept=kept)
        # A few rows of many columns are as many small reductions, which stay apart.
        assert launches(same_bits(found, arrays)) == 1 or math.prod(lead) <= SLICES


LAYERNORM = """
model {
  input x: [256, 512]
  target y: [256, 512]
  output p = x -> dense(512) -> layernorm -> relu -> dense(512)
}
train {
  loss = mse(p, y)
  optimizer = adam(lr = 0.01)
  epochs = 1
}
"""


def test_several_sums_fit_into_shared_memory() -> None:
    """Those of the gradients of a layer's gain and bias, with the widest tiles and many pieces."""
    _, found = build_plan(loads(LAYERNORM), "train", 128, "float32")
    texts = cuda_source(found, "train").text.split('extern "C" __global__')[1:]
    assert any(text.count("_joined = 0;") > 1 for text in texts)
    assert max(shared_bytes(text.splitlines()) for text in texts) <= STATIC_SHARED


@pytest.mark.parametrize("most", [8192, 1024])
def test_smaller_tiles_give_the_same_bits(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of two sums at once, as in kernels of their own."""
    monkeypatch.setattr(cuda_column_sums, "MIN_THREADS", 0)
    monkeypatch.setattr(cuda_columns, "MAX_SHARED", most)
    assert launches(same_bits(*backward((40, 60, 128), kept=True))) == 1


def test_a_window_and_the_sum_behind_it() -> None:
    """The gradients of a convolution's bias and of the maxima of its windows: one launch, in which nothing is read
    twice."""
    arrays = drawn([(150, 12, 12, 16), (150, 6, 6, 16)], "float32")
    window = {"kernel": (2, 2), "spread": ((2, 2), (1, 1), (0, 0))}

    def build(x: Var, up: Var) -> list[Var]:
        first = ops.window_first(x, ops.window_max(x, size=(6, 6), **window), **window)
        delta = ops.gate(ops.greater(x, 0.0), ops.window_put(up, first, size=(12, 12), **window))
        return [delta, ops.sum_(delta, (0, 1, 2))]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda_column_sums, "MIN_THREADS", 1 << 10)
        found = planned_of(build, arrays)
        assert launches(same_bits(found, arrays)) == 3


@pytest.mark.parametrize(("case", "most"), [(CNN, 19), (WIDE, 24)], ids=["CNN", "MLP"])
def test_a_step_of_the_benchmark(case: Case, most: int) -> None:
    """The gradient of each large layer and that of its bias are one launch; the results of a step take none."""
    built, found = build_plan(loads(text(case)), "train", case.batch, "float32")
    (works,) = cuda_source(found, "train", collect=recorded_scalars(built, found)).work.values()
    assert len(works) == most


def large() -> tuple[Plan, list[Array]]:
    return backward((700, 256), kept=True)


def fused(found: Plan) -> CudaSource:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda_column_sums, "MIN_THREADS", 0)
        source = cuda_source(found, "run")
    ((work,),) = source.work.values()
    assert isinstance(work, Launch)
    return source


def test_golden() -> None:
    """A gate and two sums along columns, each of whose rows three blocks have."""
    assert kernels_of(fused(large()[0])) == (GOLDEN / "columns.cu").read_text("utf-8")


def test_few_rows_stay_apart() -> None:
    """A thread for each element is sooner done than one for sixteen rows."""
    assert launches(cuda_source(large()[0], "run")) > 1


def wrong(found: Plan, arrays: Sequence[Array], source: CudaSource) -> bool:
    delta = np.where(arrays[0] > 0, arrays[1], 0).astype("float64")
    exact = [delta.sum(0), (delta * arrays[2]).sum(0), delta]
    try:
        runs = [ran(found, arrays, order, source) for order in (0, 1)]
    except AssertionError:
        return True
    return not all(np.allclose(y, x, rtol=0, atol=1e-3) for ys in runs for y, x in zip(ys, exact, strict=True))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if (!last) return;", "if (last) return;"),  # a block that does not wait for the others
        ("- 2 - group, 3)", "- 2 - group, 2)"),
        ("row += 40", "row += 32"),  # rows taken twice
        ("p < 5; p += 8", "p < 4; p += 8"),
        (" + 5) * 256 + column]", ") * 256 + column]"),  # two sums in one place
    ],
)
def test_planted_faults_are_found(old: str, new: str) -> None:
    found, arrays = large()
    source = fused(found)
    assert not wrong(found, arrays, source)
    assert wrong(found, arrays, changed(source, old, new))
