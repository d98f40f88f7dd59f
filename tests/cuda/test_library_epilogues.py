"""Epilogues of the library's products: a bias and a rectifier as parts of the call, the bits of both apart; what the
library cannot take stays apart; a rectifier that makes 0 of NaN hides no divergence; planted faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import gpubp
from benchmarks.gpu_cases import WIDE, text
from gpubp import loads, ops
from gpubp.frontend import build_plan
from gpubp.ir import Aval, Program, Var, recording, verify
from gpubp.passes import Plan, plan
from gpubp.render import CudaSource, Frame, Gemm, Launch, Matrix, cuda_source, listing
from gpubp.render.cuda import gemm as cuda_gemm
from gpubp.render.cuda.launch import within

from .conftest import Use
from .host import needs_host
from .running import Array, run_cuda
from .test_cuda_tiles import drawn

pytestmark = needs_host


@pytest.fixture(autouse=True)
def _library(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has products of any size."""
    monkeypatch.setattr(cuda_gemm, "MIDDLE", 0)
    monkeypatch.setattr(cuda_gemm, "NARROW", 0)


def planned_of(build: Callable[..., Sequence[Var]], arrays: Sequence[Array], guarded: bool = True) -> Plan:
    """Inputs lie in memory that is used again."""
    xs = [Var(Aval(a.shape, str(a.dtype)), f"x{k}") for k, a in enumerate(arrays)]
    old = Var(Aval((), "float32"), "old")
    with recording() as eqns:
        results = tuple(build(*xs))
        guard, new = ops.isfinite(old), old + 1.0
    whole = Program((*xs, old), tuple(eqns), results, ((old, new),), guard)
    return plan(verify(whole if guarded else Program(tuple(xs), tuple(eqns[:-2]), results)), xs)


def ran(found: Plan, arrays: Sequence[Array], source: CudaSource) -> list[Array]:
    homes = [np.zeros((), "float32")] if found.program.guard is not None else []
    return run_cuda(found, arrays, homes, source=source)[1]


def gemms(source: CudaSource) -> list[Gemm]:
    return [one for works in source.work.values() for one in works if isinstance(one, Gemm)]


def epilogues(found: Plan, arrays: Sequence[Array]) -> list[tuple[bool, bool]]:
    """Whether each product has a bias and a rectifier; the bits are checked to be those of each step apart."""
    source = cuda_source(found, "run")
    wanted = ran(found, arrays, cuda_source(found, "run", unfused=True))
    for a, b in zip(ran(found, arrays, source), wanted, strict=True):
        np.testing.assert_array_equal(a, b)
    return [(one.bias is not None, one.relu) for one in gemms(source)]


def test_a_batch_along_two_axes() -> None:
    """As of attention, where the heads of a position lie beside each other: a call for each row, for all its heads."""
    arrays = drawn([(2, 5, 3, 4), (2, 6, 3, 4)], "float32")

    def build(q: Var, k: Var) -> list[Var]:
        return [ops.transpose(q, (0, 2, 1, 3)) @ ops.transpose(k, (0, 2, 3, 1))]

    found = planned_of(build, arrays, guarded=False)
    source = cuda_source(found, "run")
    assert [one.batch for one in gemms(source)] == [3, 3]
    (scores,) = ran(found, arrays, source)
    np.testing.assert_allclose(scores, np.einsum("bihd,bjhd->bhij", *arrays), rtol=1e-5, atol=1e-5)


def test_matrices_with_gaps_between_all_numbers_are_not_the_librarys() -> None:
    arrays = drawn([(2, 5, 4, 7), (2, 4, 6, 7)], "float32")
    found = planned_of(lambda a, b: [ops.transpose(a, (0, 3, 1, 2)) @ ops.transpose(b, (0, 3, 1, 2))], arrays, False)
    source = cuda_source(found, "run")
    assert not gemms(source)
    (products,) = ran(found, arrays, source)
    np.testing.assert_allclose(products, np.einsum("bijd,bjkd->bdik", *arrays), rtol=1e-5, atol=1e-5)


# Any shapes ----------------------------------------------------------------------------------------------------------
SIZES = st.sampled_from([1, 2, 3, 8, 17, 32])


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(SIZES, SIZES, SIZES),
    st.tuples(st.booleans(), st.booleans()),
    st.sampled_from([("bias",), ("relu",), ("bias", "relu")]),
    st.booleans(),
    st.booleans(),
)
def test_the_bits_of_both_apart(
    sizes: tuple[int, int, int], turned: tuple[bool, bool], tail: tuple[str, ...], first: bool, guarded: bool
) -> None:
    """However the factors lie, and on whichever side of the sum the bias stands."""
    m, k, n = sizes
    shapes = [(k, m) if turned[0] else (m, k), (n, k) if turned[1] else (k, n), (n,)]
    arrays = drawn(shapes, "float32")

    def build(a: Var, b: Var, bias: Var) -> list[Var]:
        y = (ops.transpose(a, (1, 0)) if turned[0] else a) @ (ops.transpose(b, (1, 0)) if turned[1] else b)
        if "bias" in tail:
            y = bias + y if first else y + bias
        return [ops.relu(y) if "relu" in tail else y]

    a, b = (x.T if t else x for x, t in zip(arrays, turned, strict=False))
    wanted = a @ b + (arrays[2] if "bias" in tail else 0)
    wanted = np.maximum(wanted, 0) if "relu" in tail else wanted
    found = planned_of(build, arrays, guarded)
    (got,) = ran(found, arrays, cuda_source(found, "run"))
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
    fused = epilogues(found, arrays)
    if n > 1 and (guarded or "relu" not in tail):
        assert fused == [("bias" in tail, "relu" in tail)]


def layer(rows: int = 24, terms: int = 20, columns: int = 24, guarded: bool = True) -> tuple[Plan, list[Array]]:
    arrays = drawn([(rows, terms), (terms, columns), (columns,)], "float32")
    return planned_of(lambda x, w, b: [ops.relu(x @ w + b)], arrays, guarded), arrays


def test_a_step_of_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    """The four wide layers are a call each; the last, of ten units, is tiles of ours. No pass over a layer is left
    forwards, one backwards."""
    monkeypatch.undo()
    _, found = build_plan(loads(text(WIDE)), "train", WIDE.batch, "float32")
    source = cuda_source(found, "train")
    (works,) = source.work.values()
    assert [(one.bias is not None, one.relu) for one in gemms(source)] == [(True, True)] * 4 + [(False, False)] * 7
    assert len(works) == 24
    first = next(k for k, one in enumerate(works) if isinstance(one, Gemm))
    assert all(isinstance(one, Gemm) for one in works[first : first + 4])
    assert listing(source).count("cublasLtMatmul  8192 x 4096 by 4096 x 4096, bias, relu") == 1
    assert "3 times" in listing(source)


# What stays apart ----------------------------------------------------------------------------------------------------
def test_what_the_library_cannot_take_stays_apart() -> None:
    arrays = drawn([(24, 20), (20, 24), (24,), (24, 1), (24, 24), (96,), (3, 24, 20)], "float32")

    def alone(build: Callable[..., list[Var]], given_: Sequence[Array] = arrays) -> None:
        found = planned_of(build, given_)
        assert not any(map(any, epilogues(found, given_)))

    alone(lambda a, b, row, column, full, packed, several: [a @ b + column])
    alone(lambda a, b, row, column, full, packed, several: [a @ b + full])
    alone(lambda a, b, row, column, full, packed, several: [a @ b + 2.0])
    alone(lambda a, b, row, column, full, packed, several: [ops.tanh(a @ b + row)])
    alone(lambda a, b, row, column, full, packed, several: [ops.relu(a @ b) + row])
    alone(lambda a, b, row, column, full, packed, several: [several @ b + row])
    alone(lambda a, b, row, column, full, packed, several: [a @ b + ops.slice_(packed, start=(7,), stop=(31,))])

    def read_again(a: Var, b: Var, row: Var, *_: Var) -> list[Var]:
        y = a @ b
        return [ops.relu(y + row), y]

    alone(read_again)
    wide = [x.astype("float64") for x in arrays]
    alone(lambda a, b, row, *_: [ops.relu(a @ b + row)], wide)


def test_a_bias_in_the_midst_of_others() -> None:
    arrays = drawn([(24, 20), (20, 24), (96,)], "float32")
    found = planned_of(lambda a, b, packed: [ops.relu(a @ b + ops.slice_(packed, start=(8,), stop=(32,)))], arrays)
    assert epilogues(found, arrays) == [(True, True)]


def test_what_is_read_in_between_is_written() -> None:
    """The sum with the bias is needed apart from the rectified one: the call ends with it."""
    arrays = drawn([(24, 20), (20, 24), (24,)], "float32")

    def build(a: Var, b: Var, bias: Var) -> list[Var]:
        y = a @ b + bias
        return [ops.exp(y) @ ops.relu(y), y]

    assert (True, True) not in epilogues(planned_of(build, arrays), arrays)


def test_without_a_guard_nan_is_kept() -> None:
    """As in a prediction, where nothing else would show it."""
    found, arrays = layer(guarded=False)
    arrays[0][3, 4] = np.nan
    assert epilogues(found, arrays) == [(False, False)]
    (got,) = ran(found, arrays, cuda_source(found, "run"))
    assert np.isnan(got[3]).all()


NET = """
model {{
  input x: [24]
  target y: class(3)
  output p = x -> dense(32) -> relu -> dense(16) -> relu -> dense(3) -> softmax
}}
train {{
  loss = cross_entropy(p, y)
  optimizer = {}(lr = {})
  epochs = 1
}}
"""


@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", "1e2"), *product(("sgd", "adam"), ("1e13", "1e25", "1e37"))])
def test_a_rectifier_that_makes_0_of_nan_hides_no_divergence(use: Use, optimizer: str, rate: str) -> None:
    """The guard stops the same step: what overflows reaches the loss or a gradient on other ways, too."""
    use()
    net, rng = gpubp.loads(NET.format(optimizer, rate)), np.random.default_rng(0)
    _, step = build_plan(net, "train", 16, "float32")
    assert sum(one.relu for one in gemms(cuda_source(step, "train"))) == 2
    rows = {"x": rng.normal(size=(16, 24)).astype("float32"), "y": rng.integers(0, 3, 16)}
    told = []
    for place, backend in (("gpu", "auto"), ("cpu", "numpy")):
        ex = gpubp.Executor(net, place, "float32", backend=backend)
        with pytest.raises(gpubp.DivergedError) as error:
            ex.train_steps(rows, 20, 16)
        told.append((str(error.value), ex.step))
    assert told[0] == told[1]


# In loops ------------------------------------------------------------------------------------------------------------
def test_the_memory_of_a_turn() -> None:
    """Of a loop in a loop: the arena of each lies in that of the one around it, and so may its states."""
    matrices = [Matrix(table, start, 24, False, 0) for table, start in ((1, 16), (None, 32), (0, 0))]
    work = Gemm(24, 24, 20, 1, "float32", *matrices, (1, 64), True)
    moved = within(within(work, Frame(200, ((None, 8), (2, 100)))), Frame(4096, ((0, 0), (0, 0), (5, 1000))))
    assert isinstance(moved, Gemm)
    assert [(x.table, x.start) for x in (moved.a, moved.b, moved.c)] == [(5, 1116), (None, 4328), (None, 4104)]
    assert (moved.bias, moved.relu) == ((5, 1164), True)


# Planted faults ------------------------------------------------------------------------------------------------------
def other(change: Callable[[Gemm], Gemm]) -> bool:
    """Whether the results show that calls were changed."""
    found, arrays = layer()
    source = cuda_source(found, "run")

    def each(works: Sequence[Launch | Gemm]) -> tuple[Launch | Gemm, ...]:
        return tuple(change(one) if isinstance(one, Gemm) else one for one in works)

    bad = replace(source, work={name: each(works) for name, works in source.work.items()})
    right, wrong = (ran(found, arrays, one)[0] for one in (source, bad))
    return not np.array_equal(right, wrong)


@pytest.mark.parametrize(
    "fault",
    [
        lambda one: replace(one, bias=None),
        lambda one: replace(one, relu=False),
        lambda one: replace(one, bias=(one.bias[0], one.bias[1] - 4)),
        lambda one: replace(one, bias=(one.a.table, one.a.start)),
    ],
    ids=["no bias", "no rectifier", "the numbers before it", "those of a factor"],
)
def test_faults_are_found(fault: Callable[[Gemm], Gemm]) -> None:
    assert not other(lambda one: one)
    assert other(fault)
