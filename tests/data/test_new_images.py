"""Images in a folder for a net that was trained on images: the same size, colours, classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dsl.graph import DataEntry, Type
from gpubp.data import from_json, read_table, to_json
from gpubp.errors import DataError

from .image_files import FOLDERS, LEVEL, Array, Image, drawn, flowers_of, images, save
from .worlds import World


@pytest.fixture
def flowers(world: World) -> dict[str, Array]:
    return flowers_of(world)


def refused(path: Path, world: World, entry: DataEntry, names: str, keep: tuple[str, ...] = ()) -> str:
    encoders = world.load(entry).encoders
    with pytest.raises(DataError) as caught:
        read_table(path, {name: encoders[name] for name in names.split()}, keep)
    (found,) = caught.value.diagnostics
    return found.message


def test_new_images(world: World, flowers: dict[str, Array]) -> None:
    encoders = from_json(to_json(world.load(images("x, y", labels=FOLDERS, standardize=True)).encoders))
    shown = save(world, "new/rose/1.png", drawn(4, 6, 3, seed=7))
    rows = read_table(world.base / "new", encoders, ["file"])
    raw = np.stack(list(flowers.values())) * LEVEL
    np.testing.assert_allclose(rows.arrays["x"][0], (shown * LEVEL - raw.mean(0)) / raw.std(0), rtol=1e-6, atol=1e-6)
    assert rows.arrays["y"].tolist() == [2]
    assert rows.kept == {"file": [f"{world.base}/new/rose/1.png"]}
    alone = read_table(world.base / "new/rose", {"x": encoders["x"]})
    np.testing.assert_array_equal(alone.arrays["x"], rows.arrays["x"])


def test_new_images_that_do_not_fit(world: World, flowers: dict[str, Array]) -> None:
    exact = images("x, y", labels=FOLDERS)
    save(world, "new/tulip/1.png", drawn(5, 6, 3))
    new = world.base / "new"
    assert refused(new / "tulip", world, exact, "x y").endswith("is 5 by 6 pixels, but `x` is [4, 6, 3]")
    assert refused(new, world, exact, "x", ("name",)) == "a folder of images has no column `name`"
    resized = images("x, y", labels=FOLDERS, size=(4, 6))
    assert refused(new, world, resized, "x y") == f"`{new}/tulip` is the folder of no class"
    assert refused(new / "tulip", world, resized, "x y") == f"`{new}/tulip` has no folders"
    rows = read_table(new, {"x": world.load(resized).encoders["x"]})
    small = Image.fromarray(drawn(5, 6, 3)).resize((6, 4), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(rows.arrays["x"][0], np.asarray(small) * LEVEL)


def test_masks_of_new_images_have_no_place(world: World) -> None:
    world.inputs, world.targets = {"x": Type((4, 6))}, {"y": Type((4, 6))}
    save(world, "photos/a.png", drawn(4, 6))
    save(world, "masks/a.png", drawn(4, 6))
    masked = images("x, y", masks="masks")
    assert refused(world.base / "photos", world, masked, "x y").endswith("is a folder of images, and `y` is a mask")
