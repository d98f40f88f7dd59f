"""Convolutions and products by tiles of every size, beside sums in a wider type, and with faults put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from gpubp import ops
from gpubp.ir import PRIMITIVES, Program, Var, apply, recording, verify
from gpubp.passes import Plan, plan
from gpubp.render import CudaSource, cuda_source
from gpubp.render.cuda import tiles as cuda_tiles
from gpubp.render.cuda.tiles import TILES, Tile, choose
from tests.ops.checks import inputs_for

from .host import needs_host
from .running import Array, run_cuda
from .test_cuda_kernels import changed, main_of, sanitized, values

pytestmark = needs_host
TYPES = [(tile, "float32") for tile in TILES] + [(tile, "float64") for tile in (TILES[0], TILES[1], Tile(64, 64, 4, 4))]
each_tile = pytest.mark.parametrize(
    ("tile", "dtype"), TYPES, ids=lambda t: t if isinstance(t, str) else f"{t.rows}x{t.columns}"
)


@dataclass(frozen=True)
class Layer:
    """Images of `height` by `width` pixels and `channels`, seen by `filters` in windows of `kernel`."""

    images: int
    height: int
    width: int
    channels: int
    filters: int
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (1, 1)
    groups: int = 1
    copies: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Of the result, with as much padding behind as before."""
        sides = zip((self.height, self.width), self.kernel, self.stride, self.dilation, self.before, strict=True)
        first, second = ((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, d, p in sides)
        return first, second

    def works(self) -> dict[str, tuple[list[tuple[int, ...]], dict[str, Any], int]]:
        """For each of the three primitives its shapes, its params, and how many terms a sum has."""
        part = self.channels // self.groups
        x = (self.images, self.height, self.width, self.channels)
        w = (*([self.copies] if self.copies else []), *self.kernel, part, self.filters)
        y = (self.images, *self.size, self.filters)
        more = {"spread": (self.stride, self.dilation, self.before), "groups": self.groups}
        window = self.kernel[0] * self.kernel[1]
        pixels = self.images // max(self.copies, 1) * self.size[0] * self.size[1]
        return {
            "conv": ([x, w], {**more, "size": self.size}, window * part),
            "conv_input": ([y, w], {**more, "size": x[1:3]}, window * self.filters // self.groups),
            "conv_weight": ([x, y], {**more, "size": self.kernel, "copies": self.copies or None}, pixels),
        }


LAYERS = {
    "vectors": Layer(5, 9, 7, 8, 12),
    "one channel": Layer(3, 12, 11, 1, 20),
    "three channels": Layer(2, 8, 8, 3, 5, kernel=(2, 3), before=(0, 1)),
    "strides": Layer(3, 9, 12, 4, 6, stride=(2, 3), before=(1, 2)),
    "even strides": Layer(3, 8, 12, 4, 8, stride=(2, 2)),
    "strides of odd windows": Layer(2, 9, 8, 5, 4, kernel=(4, 3), stride=(3, 2), before=(2, 1)),
    "strides beyond the window": Layer(2, 9, 6, 4, 4, kernel=(2, 1), stride=(3, 2), before=(0, 0)),
    "strides and dilation": Layer(2, 12, 12, 4, 4, stride=(2, 2), dilation=(2, 1), before=(2, 1)),
    "dilation": Layer(2, 10, 10, 4, 4, dilation=(3, 2), before=(2, 0)),
    "groups": Layer(2, 6, 6, 12, 24, groups=3),
    "a group a channel": Layer(2, 7, 6, 6, 6, groups=6),
    "copies": Layer(6, 5, 5, 4, 8, copies=3),
    "copies and groups": Layer(4, 5, 6, 4, 6, groups=2, copies=2),
    "a window as large as the image": Layer(40, 4, 4, 8, 16, kernel=(4, 4), before=(0, 0)),
    "sequences": Layer(4, 1, 30, 8, 8, kernel=(1, 5), before=(0, 2)),
    "more padding than window": Layer(2, 3, 3, 4, 4, before=(3, 3)),
}


@settings(max_examples=200, derandomize=True)
@given(st.tuples(*(st.integers(1, 10**n) for n in (3, 6, 4, 6))), st.sampled_from([4, 8]))
def test_any_result_has_a_tile(sizes: tuple[int, int, int, int], item: int) -> None:
    """Of whole warps, and of no more shared memory than every GPU has."""
    tile = choose(*sizes, item)
    assert tile.threads % 32 == 0
    assert 2 * 16 * item * (tile.rows + tile.columns + 32 // item) <= 48 * 1024
    assert tile.rows < 128 or item == 4


def drawn(shapes: Sequence[tuple[int, ...]], dtype: str) -> list[Array]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def close(found: Array, name: str, arrays: Sequence[Array], params: dict[str, Any], terms: int) -> None:
    """Within half a unit for each term, of the sum of the terms without their signs: what rounding once a term can do,
    in any order."""
    wide = "float64" if found.dtype == np.float32 else "longdouble"
    exact, size = (
        np.asarray(apply(PRIMITIVES[name], np, [f(a.astype(wide)) for a in arrays], params))
        for f in (lambda a: a, np.abs)
    )
    unit = np.finfo(found.dtype).eps / 2
    assert found.shape == exact.shape
    np.testing.assert_array_less(np.abs(found - exact), (terms + 2) * unit * size + np.finfo(found.dtype).tiny)


@each_tile
def test_convolutions(monkeypatch: pytest.MonkeyPatch, tile: Tile, dtype: str) -> None:
    """Every third layer, so that each is taken by four tiles or more; as one program they are compiled at once."""
    monkeypatch.setattr(cuda_tiles, "choose", lambda *_: tile)
    layers = [*LAYERS.values()][TYPES.index((tile, dtype)) % 3 :: 3]
    works = [(name, *work) for layer in layers for name, work in layer.works().items()]
    arrays_of = [drawn(shapes, dtype) for _, shapes, _, _ in works]

    def build(*xs: Var) -> list[Var]:
        return [PRIMITIVES[name](*xs[2 * k : 2 * k + 2], **params) for k, (name, _, params, _) in enumerate(works)]

    arrays = [a for pair in arrays_of for a in pair]
    both = [values(build, arrays, order) for order in (0, 1)]
    for (name, _, params, terms), pair, found, other in zip(works, arrays_of, *both, strict=True):
        close(found, name, pair, params, terms)
        np.testing.assert_array_equal(found, other)


@pytest.mark.parametrize("tile", TILES, ids=lambda t: f"{t.rows}x{t.columns}")
def test_products_however_they_lie(monkeypatch: pytest.MonkeyPatch, tile: Tile) -> None:
    monkeypatch.setattr(cuda_tiles, "choose", lambda *_: tile)
    arrays = drawn([(2, 24, 20), (2, 20, 28), (28, 2, 20)], "float32")

    def build(a: Var, b: Var, c: Var) -> list[Var]:
        back, third = ops.transpose(ops.transpose(b) @ ops.transpose(a)), ops.transpose(c, (1, 2, 0))
        return [a @ b, back, a @ third, ops.transpose(c, (1, 0, 2)) @ ops.transpose(a)]

    a, b, c = (x.astype("float64") for x in arrays)
    wanted = [a @ b, a @ b, a @ c.transpose(1, 2, 0), c.transpose(1, 0, 2) @ a.transpose(0, 2, 1)]
    for order in (0, 1):
        for found, right in zip(values(build, arrays, order), wanted, strict=True):
            np.testing.assert_allclose(found, right, rtol=0, atol=2e-5)


# Planted faults ------------------------------------------------------------------------------------------------------
def program(name: str, arrays: Sequence[Array], params: dict[str, Any], feeds: int = 2) -> Plan:
    xs = inputs_for(arrays)
    with recording() as eqns:
        y = PRIMITIVES[name](*xs, **params)
    return plan(verify(Program(tuple(xs), tuple(eqns), (y,))), xs[:feeds])


def alone(name: str, arrays: Sequence[Array], params: dict[str, Any]) -> tuple[CudaSource, Array, Plan]:
    found = program(name, arrays, params)
    source, (result,) = run_cuda(found, arrays, [])
    return source, result, found


def test_a_missing_barrier_is_found() -> None:
    shapes, params, _ = Layer(3, 12, 12, 8, 32).works()["conv"]
    arrays = drawn(shapes, "float32")
    good, right, found = alone("conv", arrays, params)
    bad = changed(good, "        __syncthreads();\n", "")
    results = [run_cuda(found, arrays, [], order, source=bad)[1][0] for order in (0, 1)]
    assert any(not np.array_equal(right, wrong) for wrong in results)


def test_padding_that_is_read_as_pixels_is_found() -> None:
    shapes, params, terms = Layer(3, 12, 12, 8, 32).works()["conv"]
    arrays = drawn(shapes, "float32")
    good, _, found = alone("conv", arrays, params)
    bad = changed(good, "(i4 + p1 - 1) < 12", "(i4 + p1 - 1) < 13")
    _, (wrong,) = run_cuda(found, arrays, [], source=bad)
    with pytest.raises(AssertionError):
        close(wrong, "conv", arrays, params, terms)


def test_an_access_at_no_multiple_of_its_size_is_found() -> None:
    """Rows of shared memory have a gap, and only some begin where four numbers may be written at once."""
    arrays = drawn([(8, 16), (16, 8)], "float32")

    def build(a: Var, b: Var) -> Var:
        return a @ b

    xs = inputs_for(arrays)
    with recording() as eqns:
        y = build(*xs)
    found = plan(verify(Program(tuple(xs), tuple(eqns), (y,))), xs)
    good, (right,) = run_cuda(found, arrays, [])
    np.testing.assert_allclose(right, arrays[0] @ arrays[1], atol=1e-5)
    bad = changed(
        good,
        "for (int v = 0; v < 4; v++) ((float *)columns[1 - half][deep])[at + v] = columns_next[e].at[v];",
        "*(Pack<float, 4> *)(&((float *)columns[1 - half][deep])[at]) = columns_next[e];",
    )
    with pytest.raises(AssertionError, match="no multiple of its size"):
        run_cuda(found, arrays, [], source=bad)


def test_an_access_outside_of_its_memory_is_found(tmp_path: Path) -> None:
    shapes, params, _ = Layer(3, 12, 12, 8, 30).works()["conv"]
    found = program("conv", drawn(shapes, "float32"), params, feeds=1)
    good = cuda_source(found, "run")
    assert sanitized(main_of(good, found), tmp_path).returncode == 0
    done = sanitized(main_of(changed(good, "if (q < 30 & t < stop)", "if (t < stop)"), found), tmp_path)
    assert "heap-buffer-overflow" in done.stderr
