"""Convolutions and products by tensor cores: exact where their factors are numbers of TF32, else within what rounding
those can do; the bits of steps apart; the order in which shared memory is read; planted faults."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.gpu_cases import CNN, text
from gpubp import loads, ops
from gpubp.backends import select
from gpubp.backends.cupy import CupyBackend
from gpubp.frontend import build_plan
from gpubp.ir import PRIMITIVES, Var, apply
from gpubp.passes import Plan
from gpubp.render import CudaSource, cuda_source
from gpubp.render.cuda import tiles as cuda_tiles
from gpubp.render.cuda.multiply import Tile
from gpubp.render.cuda.tensor import TENSOR, TensorTile
from gpubp.render.cuda.tiles import FAN_IN, TILES, by_tensor_cores, choose

from .conftest import Use
from .host import HostModule, needs_host
from .running import Array, run_cuda
from .test_cuda_kernels import changed, kernels_of
from .test_cuda_tiles import LAYERS, Layer, drawn
from .test_epilogues import Case, cases, launches, planned_of
from .test_split_k import SHAPES, split_k

GOLDEN = Path(__file__).parent.parent / "golden" / "cuda"
pytestmark = needs_host
EVERY = (TILES[0], *TENSOR)
each_tile = pytest.mark.parametrize("tile", EVERY, ids=lambda t: f"{t.rows}x{t.columns}")
Works = Sequence[tuple[str, list[tuple[int, ...]], dict[str, Any], int]]


def forced(patch: pytest.MonkeyPatch, tile: Tile | None = None) -> None:
    """Have all products made by tensor cores, however few results they have."""
    patch.setattr(cuda_tiles, "by_tensor_cores", lambda *_: True)
    if tile is not None:
        patch.setattr(cuda_tiles, "choose", lambda *_: tile)


def tensor_source(found: Plan, **options: Any) -> CudaSource:
    source = cuda_source(found, "run", tf32=True, **options)
    assert "mma_tf32(" in source.text
    return source


def ran(
    found: Plan, arrays: Sequence[Array], source: CudaSource, order: int = 0, compiled: type[HostModule] = HostModule
) -> list[Array]:
    fed = len(found.feeds)
    return run_cuda(found, arrays[:fed], arrays[fed:], order, source=source, compiled=compiled)[1]


def rounded(a: Array) -> Array:
    """The nearest numbers of ten bits after the point, of two the one away from zero."""
    found: Array = ((a.view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)
    return found


def close(found: Array, exact: Array, size: Array, terms: int) -> None:
    """Within what factors that are off by 2^-11 each can do, and sums that drop up to 2^-23 of the largest of nine
    numbers (eight products and what there was) each time that eight terms are added: no document says how the hardware
    rounds, but none cuts off more. `size`: the sums of the terms without their signs."""
    factors = (1 + 2.0**-11) ** 2 - 1
    np.testing.assert_array_less(
        np.abs(found - exact), (factors + (9 * (terms // 8 + 1) + 2) * 2.0**-23) * size + 1e-37
    )


def works_of(layers: Sequence[Layer]) -> Works:
    return [(name, *work) for layer in layers for name, work in layer.works().items()]


def program(works: Works, arrays: Sequence[Array]) -> Plan:
    def build(*xs: Var) -> list[Var]:
        return [PRIMITIVES[name](*xs[2 * k : 2 * k + 2], **params) for k, (name, _, params, _) in enumerate(works)]

    return planned_of(build, arrays)


def whole_numbers(shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Of which products and sums are exact."""
    rng = np.random.default_rng(1)
    return [rng.integers(-9, 10, shape).astype("float32") for shape in shapes]


def exactly(name: str, arrays: Sequence[Array], params: dict[str, Any]) -> Array:
    return np.asarray(apply(PRIMITIVES[name], np, [a.astype("float64") for a in arrays], params))


def check_convolutions(layers: Sequence[Layer], compiled: type[HostModule] = HostModule) -> None:
    """Of whole numbers exactly, of others within the bound, in both orders of the warps the same bits."""
    works = works_of(layers)
    shapes = [shape for _, pair, _, _ in works for shape in pair]
    source = None
    for arrays in (whole_numbers(shapes), drawn(shapes, "float32")):
        found = program(works, arrays)
        source = source or tensor_source(found)
        both = [ran(found, arrays, source, order, compiled) for order in (0, 1)]
        for k, (name, _, params, terms) in enumerate(works):
            pair = arrays[2 * k : 2 * k + 2]
            np.testing.assert_array_equal(both[0][k], both[1][k])
            exact = exactly(name, pair, params)
            if pair[0].flat[0] == round(pair[0].flat[0]):
                np.testing.assert_array_equal(both[0][k], exact)
            else:
                close(both[0][k], exact, exactly(name, [np.abs(a) for a in pair], params), terms)


@each_tile
def test_convolutions(monkeypatch: pytest.MonkeyPatch, tile: Tile) -> None:
    """Every third layer, so that each is taken by four tiles or more; as one program they are compiled at once."""
    forced(monkeypatch, tile)
    check_convolutions([*LAYERS.values()][EVERY.index(tile) % 3 :: 3])


@pytest.mark.parametrize("tile", [TILES[0], TensorTile(32, 32, 2, 4), TENSOR[-1]], ids=lambda t: f"{t.rows}")
def test_products_divided_among_blocks(monkeypatch: pytest.MonkeyPatch, tile: Tile) -> None:
    """However they lie; one to three rounds of adding up."""
    split_k(monkeypatch, tile, 4 if tile.rows > 16 else FAN_IN)
    forced(monkeypatch, tile)
    arrays = whole_numbers([s for b, m, k, n in SHAPES for s in ((*b, m, k), (*b, k, n))])

    def build(*xs: Var) -> list[Var]:
        straight = [a @ b for a, b in zip(xs[::2], xs[1::2], strict=True)]
        return [*straight, *(ops.transpose(ops.transpose(b) @ ops.transpose(a)) for a, b in [xs[:2], xs[2:4]])]

    found = planned_of(build, arrays)
    source = tensor_source(found)
    assert "last_of(counter" in source.text
    for order in (0, 1):
        for k, got in enumerate(ran(found, arrays, source, order)):
            a, b = arrays[2 * (k % len(SHAPES)) :][:2]
            np.testing.assert_array_equal(got, a.astype("float64") @ b)


def outer() -> tuple[Plan, list[Array]]:
    """A sum of one term each: what becomes of the factors shows."""
    a, b = drawn([(40, 1), (1, 48)], "float32")
    a[:8, 0] = np.inf, np.nan, -0.0, 3.4028235e38, 1 + 2**-11, -1 - 2**-11, 1 + 2**-11 - 2**-23, 1e-39
    return planned_of(lambda a, b: [a @ b], [a, b]), [a, b]


def test_factors_are_rounded_to_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    forced(monkeypatch, TensorTile(32, 32, 2, 4))
    found, (a, b) = outer()
    (got,) = ran(found, [a, b], tensor_source(found))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(got, np.where(np.isnan(a), np.nan, rounded(a)) * rounded(b))
    assert not np.array_equal(got[8:], a[8:] * b)
    bad = changed(tensor_source(found), "as_tf32(rows", "(rows")
    (wrong,) = ran(found, [a, b], bad)
    assert not np.array_equal(got[8:], wrong[8:])


# What is made by tensor cores ----------------------------------------------------------------------------------------
def test_only_where_it_is_asked_for() -> None:
    """Without TF32, and of float64 with it, nothing is rounded: the text is that of before."""
    for dtype in ("float32", "float64"):
        works = works_of([Layer(24, 20, 20, 16, 32)])
        arrays = drawn([shape for _, pair, _, _ in works for shape in pair], dtype)
        found = program(works, arrays)
        plain, asked = cuda_source(found, "run"), cuda_source(found, "run", tf32=True)
        assert "tf32" not in plain.text
        assert (asked.text == plain.text) == (dtype == "float64")


@pytest.mark.parametrize("there", [True, False])
def test_a_gpu_without_tensor_cores_for_it(use: Use, there: bool) -> None:
    """One before compute capability 8.0 computes in float32."""
    use().tensor = there
    _, found = build_plan(loads(text(CNN)), "train", CNN.batch, "float32")
    backend = select("gpu", tf32=True)
    assert isinstance(backend, CupyBackend)
    source = backend.source(found, "train", {}, str)
    assert isinstance(source, CudaSource)
    assert ("mma_tf32(" in source.text) == there


def test_what_is_worth_it() -> None:
    assert by_tensor_cores(1, 9, 16, 100_000)
    assert not by_tensor_cores(1, 128, 128, 256)  # a thread's each: nothing waits but for memory
    assert not by_tensor_cores(64, 10_000, 1, 9)  # a group for each channel
    assert not by_tensor_cores(1, 32, 32, 32)
    _, found = build_plan(loads(text(CNN)), "train", CNN.batch, "float32")
    assert tensor_source(found).text.count("mma_tf32(sums") >= 5


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.tuples(*(st.integers(1, 10**n) for n in (3, 6, 4, 6))))
def test_any_result_has_a_tile(sizes: tuple[int, int, int, int]) -> None:
    """Of whole warps, and of no more shared memory than every GPU has."""
    tile = choose(*sizes, 4, True)
    assert tile in EVERY
    assert tile.threads % 32 == 0
    depth = tile.depth(sizes[3])
    assert 4 * 2 * (depth * (tile.rows + tile.columns + 12) + 24) <= 48 * 1024


def layer() -> tuple[Plan, list[Array]]:
    """A convolution with a bias and a rectifier, and the gradient of its weights."""
    x, w, bias, g = drawn([(40, 14, 14, 8), (3, 3, 8, 32), (32,), (40, 14, 14, 32)], "float32")
    more: dict[str, Any] = {"spread": ((1, 1), (1, 1), (1, 1)), "groups": 1}

    def build(x: Var, w: Var, bias: Var, g: Var) -> list[Var]:
        y = ops.conv(x, w, size=(14, 14), **more) + bias
        return [ops.relu(y), ops.conv_weight(x, g, size=(3, 3), copies=None, **more)]

    return planned_of(build, [x, w, bias, g]), [x, w, bias, g]


def test_golden() -> None:
    found = kernels_of(cuda_source(layer()[0], "step", tf32=True))
    assert found == (GOLDEN / "tensor.cu").read_text("utf-8")


# With what is computed of the results --------------------------------------------------------------------------------
@settings(max_examples=10, deadline=None)
@given(st.lists(cases(), min_size=3, max_size=3), st.sampled_from([None, *TENSOR[3::3]]), st.booleans())
def test_the_bits_of_steps_apart(given_: list[Case], tile: Tile | None, parts: bool) -> None:
    arrays = drawn([shape for case in given_ for shape in case.shapes], "float32")

    def build(*xs: Var) -> list[Var]:
        return [y for k, case in enumerate(given_) for y in case.build(*xs[5 * k : 5 * k + 5])]

    with pytest.MonkeyPatch.context() as patch:
        if parts:
            split_k(patch, tile or TILES[0], 4)
        forced(patch, tile or TILES[0])
        together_and_apart(planned_of(build, arrays), arrays)


def together_and_apart(found: Plan, arrays: Sequence[Array]) -> None:
    unfused, source = tensor_source(found, unfused=True), tensor_source(found)
    assert launches(source) <= launches(unfused)
    wanted = ran(found, arrays, unfused)
    for order in (0, 1):
        for a, b in zip(ran(found, arrays, source, order), wanted, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_softmax_of_few_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of up to sixteen results are still made where they are."""
    forced(monkeypatch, TILES[0])
    arrays = drawn([(48, 300), (300, 12)], "float32")
    found = planned_of(lambda x, w: [ops.softmax(x @ w, axis=-1)], arrays)
    assert launches(tensor_source(found)) == 1
    together_and_apart(found, arrays)
