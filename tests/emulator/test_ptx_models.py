"""Kernels of ours as NVRTC compiled them: of every model, of random programs, of convolutions by every tile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from gpubp import ops
from gpubp.backends.orders import numpy_orders
from gpubp.ir import PRIMITIVES, Aval, Program, Var, evaluate, recording, verify
from gpubp.ops import cuda_orders
from gpubp.passes import Plan, plan
from gpubp.render import cuda_source
from gpubp.render.cuda import tiles as cuda_tiles
from gpubp.render.cuda.tensor import TENSOR
from gpubp.render.cuda.tiles import TILES
from tests.cuda.bounds import run_model
from tests.cuda.running import run_cuda
from tests.cuda.test_cuda_kernels import changed
from tests.cuda.test_cuda_tiles import LAYERS, close, drawn, each_tile
from tests.cuda.test_device_orders import by_kernel
from tests.cuda.test_loop_kernels import run, solved
from tests.cuda.test_tensor import check_convolutions, forced, tensor_source
from tests.ir.random_programs import Case, programs
from tests.ops.checks import inputs_for
from tests.passes.test_plan import divided
from tests.render.test_c_source import MODELS, given_of, near

from .kernels import Array, Fault, PtxModule, needs_gcc, nvrtc

pytestmark = needs_gcc


@pytest.fixture(autouse=True, scope="module")
def installed() -> None:
    nvrtc()


MORE = (("train", "float64"), ("measure", "float32"), ("gradients", "float32"))
CASES = [(path, "train", "float32") for path in MODELS]
CASES += [(path, mode, dtype) for path in MODELS if path.stem in ("digits", "iris", "spiral") for mode, dtype in MORE]


@pytest.mark.parametrize(("path", "mode", "dtype"), CASES, ids=lambda case: getattr(case, "stem", case))
def test_models(path: Path, mode: Any, dtype: str) -> None:
    run_model(path, mode, dtype, PtxModule)


@pytest.mark.parametrize("order", [0, 1])
def test_orders_of_epochs(order: int) -> None:
    module = PtxModule(cuda_orders(), b"", order)
    for n in (1, 2, 33, 300, 57_856):
        wanted = numpy_orders(n, (3, (1 << 64) - 1), 1 << 40, 2)
        np.testing.assert_array_equal(by_kernel(n, (3, (1 << 64) - 1), 1 << 40, 2, module), wanted)


@settings(max_examples=10, deadline=None)
@given(case=programs(most=12), fed=st.integers(0, 2**12), guarded=st.booleans(), order=st.integers(0, 1))
def test_random_programs(case: Case, fed: int, guarded: bool, order: int) -> None:
    program, arrays, feeds = divided(case, fed, guarded)
    ours, mine = ([a.copy() for a in arrays] for _ in range(2))
    with np.errstate(all="ignore"):
        wanted = [np.array(v) for v in evaluate(program, ours, np)]
    states = [a for v, a in zip(program.inputs, mine, strict=True) if v not in feeds]
    fills = [a for v, a in zip(program.inputs, mine, strict=True) if v in feeds]
    _, found = run_cuda(plan(program, feeds), fills, states, order, compiled=PtxModule)
    for a, b in zip((*found, *mine), (*wanted, *ours), strict=True):
        near(a, b, 64)


def product(works: Sequence[tuple[str, dict[str, Any]]], arrays: Sequence[Array]) -> Plan:
    xs = inputs_for(arrays)
    with recording() as eqns:
        made = [PRIMITIVES[name](*xs[2 * k : 2 * k + 2], **params) for k, (name, params) in enumerate(works)]
    return plan(verify(Program(tuple(xs), tuple(eqns), tuple(made))), xs)


def test_loops_as_kernels() -> None:
    """A system of 100 equations, by two loops of one block each."""
    program, arrays = solved(100)
    for order in (0, 1):
        source, (x,) = run(program, arrays, order, compiled=PtxModule)
        assert source.text.count("int turn = 0") == 2
        np.testing.assert_allclose(x, np.linalg.solve(*arrays[:2]), rtol=1e-10)


@each_tile
def test_convolutions(monkeypatch: pytest.MonkeyPatch, tile: Any, dtype: str) -> None:
    monkeypatch.setattr(cuda_tiles, "choose", lambda *_: tile)
    layers = [LAYERS[name] for name in ("vectors", "three channels", "copies and groups")]
    works = [(name, *work) for layer in layers for name, work in layer.works().items()]
    pairs = [drawn(shapes, dtype) for _, shapes, _, _ in works]
    found = product([(name, params) for name, _, params, _ in works], [a for pair in pairs for a in pair])
    both = [run_cuda(found, [a for pair in pairs for a in pair], [], order, compiled=PtxModule)[1] for order in (0, 1)]
    for (name, _, params, terms), pair, one, other in zip(works, pairs, *both, strict=True):
        close(one, name, pair, params, terms)
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("tile", [TILES[0], *TENSOR], ids=lambda t: f"{t.rows}x{t.columns}")
def test_convolutions_by_tensor_cores(monkeypatch: pytest.MonkeyPatch, tile: Any) -> None:
    forced(monkeypatch, tile)
    check_convolutions([LAYERS[name] for name in ("vectors", "three channels", "copies and groups")], PtxModule)


@pytest.mark.parametrize("name", ["digits_cnn", "siamese"])
def test_models_by_tensor_cores(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A step all of whose products are by tensor cores, however small: the bits of kernel by kernel, in both orders,
    and about NumPy's numbers: here and there rounding decides a kink, so on average."""
    forced(monkeypatch)
    program, arrays, count, homes = given_of(MODELS[0].parent / f"{name}.net", "train", "float32")
    ours = [a.copy() for a in arrays]
    with np.errstate(all="ignore"):
        wanted = [*(np.array(v) for v in evaluate(program, ours, np)), *ours]
    found = plan(program, program.inputs[:count], homes)
    runs = []
    for unfused, order in ((True, 0), (False, 0), (False, 1)):
        mine = [a.copy() for a in arrays]
        states = [*mine[count:], *(np.zeros(v.shape, v.dtype) for v in homes.values())]
        source = tensor_source(found, unfused=unfused)
        outputs = run_cuda(found, mine[:count], states, order, source=source, compiled=PtxModule)[1]
        runs.append([*outputs, *mine])
    for first, *others in zip(*runs, strict=True):
        for other in others:
            np.testing.assert_array_equal(first, other)
    for a, b in zip(runs[0], wanted, strict=True):
        off, size = np.abs(np.float64(a) - b), np.abs(np.float64(b))
        assert np.mean(off, where=np.isfinite(off)) <= 2.0**-10 * np.max(size, where=np.isfinite(size), initial=0)


# Planted faults ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            "    __syncthreads();\n",
            "    if (threadIdx.x > 63) __syncthreads();\n",
            r"^719: .*a barrier of \d+ threads is not reached",
        ),
        ("if (j < 3000)", "if (j < 3072)", r"^700: .*outside of all memory"),
    ],
)
def test_faults_that_are_put_in_are_found(old: str, new: str, text: str) -> None:
    x = Var(Aval((2, 3000), "float32"), "x")
    with recording() as eqns:
        y = ops.softmax(x, axis=-1)
    found = plan(verify(Program((x,), tuple(eqns), (y,))), (x,))
    given_ = [np.random.default_rng(0).normal(size=(2, 3000)).astype("float32")]
    good, _ = run_cuda(found, given_, [], compiled=PtxModule)
    with pytest.raises(Fault, match=text):
        run_cuda(found, given_, [], source=changed(good, old, new), compiled=PtxModule)


def test_four_numbers_written_at_once_where_that_is_not_aligned() -> None:
    arrays = drawn([(8, 16), (16, 8)], "float32")
    xs = inputs_for(arrays)
    with recording() as eqns:
        y = xs[0] @ xs[1]
    found = plan(verify(Program(tuple(xs), tuple(eqns), (y,))), xs)
    put = "for (int v = 0; v < 4; v++) ((float *)columns[1 - half][deep])[at + v] = columns_next[e].at[v];"
    once = "*(Pack<float, 4> *)(&((float *)columns[1 - half][deep])[at]) = columns_next[e];"
    with pytest.raises(Fault, match=r"^716: .*16 bytes at .* of shared memory are not aligned"):
        run_cuda(found, arrays, [], source=changed(cuda_source(found, "run"), put, once), compiled=PtxModule)
