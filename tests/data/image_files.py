"""Images for the tests of the reader `images`, drawn with a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dsl.graph import DataEntry, Static, Type, Word

from .worlds import World, choice, entry

Image = pytest.importorskip("PIL.Image")
Array = np.ndarray[Any, Any]
FOLDERS = Word("folders")
LEVEL = 1 / 255


def images(names: str, path: Static = "photos", **options: Static) -> DataEntry:
    return entry(names, choice("images", path=path, **options))


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def save(world: World, name: str, pixels: Array, **options: Any) -> Array:
    place = world.base / name
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(place, **options)
    return pixels


def flowers_of(world: World) -> dict[str, Array]:
    """Five images of 4 by 6 pixels in the folders of three classes, made in another order than that of the names."""
    world.inputs, world.targets = {"x": Type((4, 6, 3))}, {"y": Type((), 3)}
    names = ("rose/b.png", "lily/2.png", "aster/z.PNG", "rose/a.bmp", "lily/10.png")
    return {name: save(world, f"photos/{name}", drawn(4, 6, 3, seed=i)) for i, name in enumerate(names)}
