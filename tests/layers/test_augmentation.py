"""Random flips, shifts and crops: what they do to each image, and when."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import gpubp
from gpubp.ops.helpers import shift
from tests.peers.nets import Array, executor

IMAGE = np.arange(1.0, 41.0).reshape(1, 4, 5, 2)


def moved(image: Array, dy: int, dx: int) -> Array:
    """By the definition, pixel by pixel."""
    out = np.zeros_like(image)
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            if 0 <= i + dy < image.shape[0] and 0 <= j + dx < image.shape[1]:
                out[i, j] = image[i + dy, j + dx]
    return out


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 2)])
def test_shift_by_its_definition(shape: tuple[int, ...]) -> None:
    offsets = np.array([(dy, dx) for dy in range(-6, 7) for dx in range(-6, 7)])
    x = np.random.default_rng(0).normal(size=(len(offsets), *shape))
    found = shift(np, x, offsets)
    for k, (dy, dx) in enumerate(offsets):
        np.testing.assert_array_equal(found[k], moved(x[k], dy, dx))


def net(layer: str, shape: str = "[4, 5, 2]", precision: str = "float64") -> gpubp.Executor:
    body = f"""input x: {shape}
            target u: [1]
            output p = x -> {layer} -> flatten -> dense(1, init = ones, bias = false)"""
    return executor(body, "sum(p * u)", precision)


def seen(ex: gpubp.Executor, count: int, shape: tuple[int, ...] = IMAGE.shape[1:]) -> list[Array]:
    """What training sees of the image at so many steps: the gradient of the sum by the weights that it multiplies."""
    batch = {"x": IMAGE, "u": np.ones((1, 1))}
    found = []
    for _ in range(count):
        found.append(np.array(ex.gradients(batch)[1]["p.dense.weight"]).reshape(shape))
        ex.train_step(batch)
    return found


@pytest.mark.parametrize(
    ("axis", "turned"), [("", IMAGE[0, :, ::-1]), ("axis = 0", IMAGE[0, ::-1]), ("-1", IMAGE[0, ..., ::-1])]
)
def test_half_of_the_images_are_turned_round(axis: str, turned: Array) -> None:
    found = seen(net(f"random_flip({axis})"), 200)
    straight = sum(np.array_equal(one, IMAGE[0]) for one in found)
    assert straight + sum(np.array_equal(one, turned) for one in found) == 200
    assert 65 < straight < 135


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_every_shift_comes_as_often_as_any_other(precision: str) -> None:
    ways = {moved(IMAGE[0], dy, dx).tobytes(): (dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
    counts = Counter(
        ways[one.astype("float64").tobytes()] for one in seen(net("random_shift(1)", precision=precision), 360)
    )
    assert set(counts) == set(ways.values())
    assert max(counts.values()) < 80  # 40 each, and 6.0 their deviation


def test_every_piece_comes_as_often_as_any_other() -> None:
    """Pieces of 3 by 3 of an image of 4 by 5: 2 by 3 places, in training; in evaluation the middle one."""
    ex = net("random_crop(3)")
    assert float(ex.predict(IMAGE)[0, 0]) == IMAGE[0, 0:3, 1:4].sum()
    ways = {IMAGE[0, i : i + 3, j : j + 3].tobytes(): (i, j) for i in range(2) for j in range(3)}
    counts = Counter(ways[one.tobytes()] for one in seen(ex, 360, (3, 3, 2)))
    assert set(counts) == set(ways.values())
    assert max(counts.values()) < 95  # 60 each, and 7.1 their deviation


@pytest.mark.parametrize(("size", "shape"), [("[4, 5]", (4, 5, 2)), ("[1, 5]", (1, 5, 2)), ("[4, 1]", (4, 1, 2))])
def test_pieces_of_other_sizes(size: str, shape: tuple[int, ...]) -> None:
    for one in seen(net(f"random_crop({size})"), 5, shape):
        i, j = int(one[0, 0, 0] - 1) // 10, int(one[0, 0, 0] - 1) % 10 // 2
        np.testing.assert_array_equal(one, IMAGE[0, i : i + shape[0], j : j + shape[1]])
    plain = net(f"random_crop({size})", "[4, 5]")
    assert plain.predict(IMAGE[..., 0]).shape == (1, 1)


def test_rows_of_a_batch_move_on_their_own() -> None:
    ex = net("random_flip -> random_shift(2) -> random_crop([3, 4])")
    many = {"x": np.repeat(IMAGE, 64, axis=0), "u": np.ones((64, 1))}
    losses = {round(ex.gradients({"x": many["x"][:n], "u": many["u"][:n]})[0], 6) for n in (1, 2, 4, 8, 16, 32, 64)}
    assert len(losses) == 7


def test_nothing_happens_in_evaluation() -> None:
    ex = net("random_flip -> random_shift(3)")
    assert float(ex.predict(IMAGE)[0, 0]) == IMAGE.sum()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        ("random_shift(1)", "[5]", r"`random_shift` moves images, but this is \[5\]"),
        ("random_crop(3)", "[5]", r"`random_crop` cuts images, but this is \[5\]"),
        ("random_crop(5)", "[4, 5, 2]", r"an image of 4 by 5 has no piece of 5 by 5"),
        ("random_crop([2, 6])", "[4, 5, 2]", r"an image of 4 by 5 has no piece of 2 by 6"),
        ("random_crop([2, 3, 2])", "[4, 5, 2]", r"`random_crop` takes 2 spatial axes here, but `size` has 3"),
        ("random_flip(3)", "[4, 5, 2]", r"there is no axis 3 in \[4, 5, 2\]"),
    ],
)
def test_values_that_are_no_images(layer: str, shape: str, message: str) -> None:
    with pytest.raises(gpubp.NetError, match=message):
        net(layer, shape)
