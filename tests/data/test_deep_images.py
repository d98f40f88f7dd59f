"""Images of more than 8 bits: depth maps, scans, microscopy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dsl.graph import Type
from gpubp.data import from_json, read_table, to_json
from gpubp.errors import DataError

from .image_files import Array, drawn, images, save
from .worlds import World

DEEP = np.arange(24, dtype=np.uint16).reshape(4, 6) * 2849  # 0 to 65527


def grey(world: World, shape: tuple[int, ...] = (4, 6)) -> None:
    world.inputs, world.targets = {"x": Type(shape)}, {}


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1)])
def test_grey_of_16_bits(world: World, ending: str, shape: tuple[int, ...]) -> None:
    grey(world, shape)
    save(world, f"photos/a.{ending}", DEEP)
    found = world.load(images("x"))
    np.testing.assert_array_equal(found.arrays["x"], DEEP.reshape(1, *shape) * (1 / 65535))
    saved = from_json(json.loads(json.dumps(to_json(found.encoders))))
    np.testing.assert_array_equal(read_table(world.base / "photos", saved).arrays["x"], found.arrays["x"])


def test_big_endian_tiff(world: World) -> None:
    from PIL import Image

    grey(world)
    (world.base / "photos").mkdir()
    Image.frombytes("I;16B", (6, 4), DEEP.astype(">u2").tobytes()).save(world.base / "photos/a.tif")
    np.testing.assert_array_equal(world.load(images("x")).arrays["x"][0], DEEP * (1 / 65535))


def test_floats_are_taken_as_they_stand(world: World) -> None:
    grey(world)
    depth = np.linspace(-3, 900, 24, dtype=np.float32).reshape(4, 6)
    save(world, "photos/a.tif", depth)
    np.testing.assert_array_equal(world.load(images("x")).arrays["x"][0], depth)
    standard = world.load(images("x", standardize=True, test="photos")).arrays["x"]
    assert abs(standard.mean()) < 1e-6
    depth[1, 2] = np.nan
    save(world, "photos/a.tif", depth)
    assert world.refused(images("x")).message == "`photos/a.tif` has pixels that are NaN or infinite"


def test_the_size_of_deep_images(world: World) -> None:
    """Means of four are whole numbers again, or stay floats; a mask takes the nearest pixel."""
    grey(world, (2, 3))
    save(world, "photos/a.png", DEEP)
    found = world.load(images("x", size=(2, 3))).arrays["x"][0] * 65535
    np.testing.assert_allclose(found, np.rint(found), atol=1e-6)
    assert found.min() > 0
    assert found.max() < DEEP.max()
    save(world, "floats/a.tif", DEEP.astype(np.float32) / 7)
    np.testing.assert_allclose(world.load(images("x", "floats", size=(2, 3))).arrays["x"][0] * 7, found, atol=0.6)
    world.targets = {"y": Type((2, 3))}
    save(world, "masks/a.png", DEEP)
    mask = world.load(images("x, y", masks="masks", size=(2, 3))).arrays["y"][0] * 65535
    assert {*np.rint(mask).astype(int).flat} < {*DEEP.flat}


def test_labels_beyond_255(world: World) -> None:
    world.inputs, world.targets = {"x": Type((4, 6))}, {"y": Type((4, 6), 300)}
    save(world, "photos/a.png", drawn(4, 6))
    labels = save(world, "masks/a.png", (DEEP % 300).astype(np.uint16))
    np.testing.assert_array_equal(world.load(images("x, y", masks="masks")).arrays["y"][0], labels)
    save(world, "masks/a.tif", DEEP.astype(np.float32))
    (world.base / "masks/a.png").unlink()
    assert (
        world.refused(images("x, y", masks="masks")).message == "`masks/a.tif` has float pixels, but labels are wanted"
    )


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("b.png", drawn(4, 6), "`photos/b.png` has 8-bit pixels, `photos/a.png` 16-bit pixels"),
        ("b.tif", DEEP.astype(np.float32), "`photos/b.tif` has float pixels, `photos/a.png` 16-bit pixels"),
        ("b.tif", DEEP.astype(np.int32), "`photos/b.tif` has 32-bit integers, which have no usual range"),
    ],
)
def test_images_of_one_kind(world: World, name: str, pixels: Array, message: str) -> None:
    grey(world)
    save(world, "photos/a.png", DEEP)
    save(world, f"photos/{name}", pixels)
    assert world.refused(images("x")).message == message


def test_deep_images_are_grey_and_new_ones_like_those_that_were_learned(world: World) -> None:
    grey(world, (4, 6, 3))
    save(world, "photos/a.png", DEEP)
    found = world.refused(images("x"))
    assert found.message == "`photos/a.png` is grey, with 16-bit pixels, but colours are wanted"
    grey(world)
    encoders = world.load(images("x")).encoders
    save(world, "new/a.png", drawn(4, 6))
    with pytest.raises(DataError) as caught:
        read_table(world.base / "new", encoders)
    message = caught.value.diagnostics[0].message
    name = Path(message.split("`")[1])
    assert (name.name, message.partition("` ")[2]) == (
        "a.png",
        "has 8-bit pixels, but the net was trained on 16-bit pixels",
    )
