"""Convolution and pooling: every geometry against loops, on NumPy and on the names of CuPy; blocks; messages."""

from __future__ import annotations

import tracemalloc
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import gpubp
from gpubp import ops
from gpubp.ir import apply
from gpubp.ops import window_helpers
from tests.peers.nets import Array, executor
from tests.stand_in.fake_cupy import cupy

Pair = tuple[int, int]
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
whole = st.integers(-4, 4)


def by_loops(x: Array, w: Array, size: Pair, spread: tuple[Pair, Pair, Pair], groups: int) -> Array:
    (down, across), (far, wide), (top, left) = spread
    part, filters = w.shape[2], w.shape[3] // groups
    out = np.zeros((len(x), *size, w.shape[3]))
    for r, c, i, j, k in np.ndindex(*size, *w.shape[:2], groups):
        row, column = r * down + i * far - top, c * across + j * wide - left
        if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
            seen = x[:, row, column, k * part : (k + 1) * part]
            out[:, r, c, k * filters : (k + 1) * filters] += seen @ w[i, j, :, k * filters : (k + 1) * filters]
    return out


@given(
    data=st.data(),
    image=st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
    kernel=pairs,
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    stride=pairs,
    dilation=pairs,
    before=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    groups=st.integers(1, 3),
    copies=st.sampled_from([None, 1, 2, 3]),
    limit=st.sampled_from([1, 40, 300, 131072]),
)
def test_convolution_and_its_derivatives(
    data: Any, image: Any, kernel: Pair, size: Pair, stride: Pair, dilation: Pair, before: Pair, groups: int,
    copies: int | None, limit: int
) -> None:  # fmt: skip
    """Whole numbers, so that every order of summation is exact; blocks of any size; weights of several copies."""
    channels, filters = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 2))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))

    def draw(*shape: int) -> Array:
        return rng.integers(-4, 5, shape).astype(float)

    runs = copies or 1
    x, w = draw(runs * image[0], *image[1:], channels * groups), draw(*kernel, channels, filters * groups)
    if copies is not None:
        w = draw(copies, *w.shape)
    spread = (stride, dilation, before)

    def loops(x: Array, w: Array) -> Array:
        pairs = zip(np.split(x, runs), w.reshape(runs, *w.shape[-4:]), strict=True)
        return np.concatenate([by_loops(a, b, size, spread, groups) for a, b in pairs])

    wanted = loops(x, w)
    g = draw(*wanted.shape)
    blocks = window_helpers.window_blocks
    scope = window_helpers.__dict__
    scope["window_blocks"] = lambda images, rows, row, _: blocks(images, rows, row, limit)
    try:
        for xp in (np, cupy):
            a, b, c = (xp.asarray(v) for v in (x, w, g))

            def run(op: Any, *arrays: Any, size: Any, xp: Any = xp, **more: Any) -> Array:
                found = apply(op, xp, arrays, {"size": size, "spread": spread, "groups": groups, **more})
                return np.asarray(found.get() if xp is cupy else found)

            np.testing.assert_array_equal(run(ops.conv, a, b, size=size), wanted)
            by_input = run(ops.conv_input, c, b, size=x.shape[1:3])
            by_weight = run(ops.conv_weight, a, c, size=kernel, copies=copies)
            assert by_input.shape == x.shape
            assert by_weight.shape == w.shape
            assert (by_input * x).sum() == (by_weight * w).sum() == (wanted * g).sum()
            for v, d in ((x, by_input), (w, by_weight)):  # an element of each
                at = tuple(int(n) for n in rng.integers(0, v.shape))
                moved = v.copy()
                moved[at] += 1
                other = loops(moved if v is x else x, moved if v is w else w)
                assert ((other - wanted) * g).sum() == d[at]
    finally:
        scope["window_blocks"] = blocks


@given(
    image=st.tuples(st.integers(1, 2), st.integers(1, 7), st.integers(1, 7), st.integers(1, 2)),
    kernel=pairs,
    stride=pairs,
    numbers=st.integers(0, 9),
)
def test_pooling(image: Any, kernel: Pair, stride: Pair, numbers: int) -> None:
    """Few different values, so that many are equal: the first of them, row by row, has the derivative."""
    before = tuple(k // 2 for k in kernel)
    size = tuple((n + 2 * p - k) // s + 1 for n, p, k, s in zip(image[1:3], before, kernel, stride))
    if min(size) < 1:
        return
    rng = np.random.default_rng(numbers)
    x, g = rng.integers(-1, 2, image).astype(float), rng.integers(1, 9, (image[0], *size, image[3])).astype(float)
    most, total, dmost = np.full(g.shape, -np.inf), np.zeros(g.shape), np.zeros(x.shape)
    for b, r, c, k in np.ndindex(*g.shape):
        places = [(b, r * stride[0] + i - before[0], c * stride[1] + j - before[1], k) for i, j in np.ndindex(*kernel)]
        places = [p for p in places if 0 <= p[1] < image[1] and 0 <= p[2] < image[2]]
        values = [x[p] for p in places]
        if values:
            most[b, r, c, k], total[b, r, c, k] = max(values), sum(values)
            dmost[places[int(np.argmax(values))]] += g[b, r, c, k]
    shape = {"kernel": kernel, "spread": (stride, (1, 1), before)}
    for xp in (np, cupy):
        a, u = xp.asarray(x), xp.asarray(g)
        y = apply(ops.window_max, xp, [a], {"size": size, **shape})
        first = apply(ops.window_first, xp, [a, y], shape)
        back = apply(ops.window_put, xp, [u, first], {"size": image[1:3], **shape})
        seen = apply(ops.window_take, xp, [a, first], shape)
        sums = apply(ops.window_sum, xp, [a], {"size": size, **shape})
        spread = apply(ops.window_spread, xp, [u], {"size": image[1:3], **shape})
        found = [np.asarray(v.get() if xp is cupy else v) for v in (y, back, seen, sums, spread)]
        inside = np.isfinite(most)
        np.testing.assert_array_equal(found[0], most)
        np.testing.assert_array_equal(found[1], dmost)
        np.testing.assert_array_equal(found[2][inside], most[inside])
        np.testing.assert_array_equal(found[3], total)
        assert (found[4] * x).sum() == (g * total).sum()


def test_a_large_image_is_taken_in_pieces_of_its_rows() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.integers(-3, 4, (2, 70, 60, 5)).astype(float), rng.integers(-3, 4, (5, 5, 5, 7)).astype(float)
    block, sizes = window_helpers.conv_scratch((2, 70, 60), 1, 5, (5, 5), 7, ((1, 1), (1, 1), (2, 2)))
    assert block == (1, 1, 17)
    assert max(sizes) <= 131072
    given = {"spread": ((1, 1), (1, 1), (2, 2)), "groups": 1}
    found = apply(ops.conv, np, [x, w], {"size": (70, 60), **given})
    np.testing.assert_array_equal(found, by_loops(x, w, (70, 60), ((1, 1), (1, 1), (2, 2)), 1))
    g = rng.integers(-3, 4, found.shape).astype(float)
    by_input = apply(ops.conv_input, np, [g, w], {"size": (70, 60), **given})
    by_weight = apply(ops.conv_weight, np, [x, g], {"size": (5, 5), "copies": None, **given})
    assert (by_input * x).sum() == (by_weight * w).sum() == (found * g).sum()


STEADY = (
    "conv(16, 3, pad = same) -> batchnorm -> relu -> maxpool(2) -> conv(16, 3) -> global_avgpool",
    "conv(8, 3, 2, pad = same) -> conv_transpose(8, 3, stride = 2, pad = same) -> avgpool(3, 2, pad = same)",
    "depthwise_conv(3) -> groupnorm(2) -> conv(8, 1) -> upsample(2) -> maxpool(3, 1) -> global_maxpool",
)


@pytest.mark.parametrize("layers", STEADY)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_step_allocates_next_to_nothing(layers: str, precision: str) -> None:
    """The arena holds everything: beyond it a step in the steady state takes less than 256 KiB."""
    ex = executor(
        f"input x: [24, 24, 8]\ntarget y: class(4)\noutput p = x -> {layers} -> flatten -> dense(4) -> softmax",
        "cross_entropy(p, y)",
        precision,
    )
    rng = np.random.default_rng(0)
    rows = {"x": rng.normal(size=(32, 24, 24, 8)), "y": rng.integers(0, 4, 32)}
    for _ in range(2):
        ex.train_step(rows)
    bound = ex._machine.bound("train", 32)
    for slot, values in zip(bound.feeds, rows.values(), strict=True):
        slot[...] = values
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        bound.step()
        assert tracemalloc.get_traced_memory()[1] - before < 256 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("input x: [5, 5, 2]\noutput p = x -> conv(4, 7)", "a window of 7 does not fit an axis of 5"),
        ("input x: [5, 5, 2]\noutput p = x -> conv(4, 3, dilation = 3)", "a window of 7 does not fit an axis of 5"),
        ("input x: [5, 5, 3]\noutput p = x -> conv(4, 3, groups = 2)", "2 groups do not divide 3 channels"),
        ("input x: [5, 5, 4]\noutput p = x -> conv(3, 3, groups = 2)", "2 groups do not divide 4 channels"),
        ("input x: [28]\noutput p = x -> conv(4, 3)", r"`conv` takes images .* but this is \[28\]"),
        ("input x: [2, 5, 5, 2]\noutput p = x -> maxpool(2)", "`maxpool` takes images"),
        ("input x: [5, 2]\noutput p = x -> conv(4, [3, 3])", "takes 1 spatial axes here, but `size` has 2 numbers"),
        ("input x: [5, 5, 2]\noutput p = x -> maxpool(2, pad = 2)", "sees windows without a value"),
        ("input x: [2, 2, 2]\noutput p = x -> conv_transpose(2, 1, pad = 1)", "`conv_transpose` leaves nothing"),
        ("input x: [5, 5, 2]\noutput p = x -> conv(4, 3, pad = sam)", "`pad` does not know `sam`"),
        ("input x: [5, 5, 2]\noutput p = x -> conv(4, 0)", "`size` must be at least 1"),
        ("input x: [8, 8, 1]\noutput p = x -> maxpool(100_000, 1, pad = same)", "10,000,000,000 places, over 4,096"),
        ("input x: [8, 8, 1]\noutput p = x -> conv(2, 3, dilation = 9_000, pad = same)", "pixels from end to end"),
        ("input x: [8, 1]\noutput p = x -> conv_transpose(2, 2, dilation = 9_000_000, pad = 4_500_000)", "end to end"),
        ("input x: [8, 8, 1]\noutput p = x -> upsample(1_000_000)", "elements for each example"),
        ("input x: [5, 5, 2]\noutput p = x -> upsample([2, 2, 2])", "`factor` has 3 numbers"),
    ],
)
def test_messages(line: str, message: str) -> None:
    lines = "\n".join(f"  {one}" for one in line.splitlines())
    with pytest.raises(gpubp.NetError, match=message):
        gpubp.loads(f"model {{\n{lines}\n}}\n")


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("conv(3, 3, pad = same)", (7, 5, 3)),
        ("conv(3, 3, stride = 2, pad = same)", (4, 3, 3)),
        ("conv(3, [1, 5])", (7, 1, 3)),
        ("conv(3, 3, pad = [1, 0])", (7, 3, 3)),
        ("maxpool(2)", (3, 2, 2)),
        ("maxpool(3, stride = 2, pad = same)", (4, 3, 2)),
        ("conv_transpose(4, 2, stride = 2)", (14, 10, 4)),
        ("conv_transpose(4, 3, stride = 2, pad = same)", (14, 10, 4)),
        ("upsample([1, 3])", (7, 15, 2)),
        ("depthwise_conv(3, multiplier = 3)", (5, 3, 6)),
        ("pad(2)", (11, 9, 2)),
    ],
)
def test_shapes(layer: str, shape: tuple[int, ...]) -> None:
    net = gpubp.loads(f"model {{\n  input x: [7, 5, 2]\n  output p = x -> {layer}\n}}\n")
    assert net.outputs == {"p": shape}


@pytest.mark.parametrize("value", ["0.1", "-1e9", "1e30"])
def test_padding_leaves_the_values_as_they_are(value: str) -> None:
    """To the bit, also beside a value that float32 cannot be added to without loss."""
    x = np.random.default_rng(0).normal(size=(2, 3, 1)).astype("float32")
    net = gpubp.loads(f"model {{\n  input x: [3, 1]\n  output p = x -> pad(2, value = {value})\n}}\n")
    padded = gpubp.Executor(net, device="cpu").predict(x)
    np.testing.assert_array_equal(padded[:, 2:-2], x)
    assert set(padded[:, [0, 1, -2, -1]].flat) == {np.float32(value)}
