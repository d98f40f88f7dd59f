"""The reader `images`: which images are read, in what order, as what numbers, and what is said of all others."""

from __future__ import annotations

import os
import sys
import zlib
from typing import Any

import numpy as np
import pytest

from dsl.graph import Static, Type
from gpubp.data import image_files, measure
from gpubp.errors import DataError

from .image_files import FOLDERS, LEVEL, Array, Image, drawn, flowers_of, images, save
from .worlds import World, data


@pytest.fixture
def flowers(world: World) -> dict[str, Array]:
    return flowers_of(world)


def test_folders_are_classes(world: World, flowers: dict[str, Array]) -> None:
    (world.base / "photos/rose/.thumbs").mkdir()
    for name in (".DS_Store", "Thumbs.db", "rose/desktop.ini"):
        (world.base / "photos" / name).write_bytes(b"?")
    found = world.load(images("x, y", labels=FOLDERS))
    order = ["aster/z.PNG", "lily/10.png", "lily/2.png", "rose/a.bmp", "rose/b.png"]
    np.testing.assert_array_equal(found.arrays["x"], np.stack([flowers[name] for name in order]) * LEVEL)
    assert found.arrays["y"].tolist() == [0, 1, 1, 2, 2]
    assert found.classes == {"y": ("aster", "lily", "rose")}
    assert [found.place(row) for row in range(5)] == [(f"photos/{name}", None) for name in order]


def test_the_order_is_not_that_of_the_disk(
    world: World, flowers: dict[str, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = world.load(images("x, y", labels=FOLDERS))
    scan = os.scandir

    class Backwards:
        def __init__(self, path: Any) -> None:
            with scan(path) as entries:
                self.entries = sorted(entries, key=lambda e: e.name, reverse=True)

        def __enter__(self) -> Any:
            return iter(self.entries)

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("gpubp.data.image_files.os.scandir", Backwards)
    turned = world.load(images("x, y", labels=FOLDERS))
    np.testing.assert_array_equal(turned.arrays["x"], straight.arrays["x"])


def test_folders_of_another_number_of_classes(world: World, flowers: dict[str, Array]) -> None:
    world.targets = {"y": Type((), 4)}
    found = world.refused(images("x, y", labels=FOLDERS))
    assert found.code == "E0419"
    assert found.message == "`photos` has 3 folders (`aster`, `lily`, `rose`), the type of `y` is class(4)"
    world.targets = {"y": Type((1,))}
    assert world.refused(images("x, y", labels=FOLDERS)).message.endswith("are classes, but `y` takes numbers")


@pytest.mark.parametrize(("shape", "mode"), [((4, 6), "L"), ((4, 6, 1), "L"), ((4, 6, 3), "RGB"), ((4, 6, 4), "RGBA")])
@pytest.mark.parametrize("kind", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_the_type_says_what_is_read(world: World, shape: tuple[int, ...], mode: str, kind: str) -> None:
    image = Image.fromarray(drawn(4, 6, 3)).convert("RGBA" if kind == "LA" else "RGB").convert(kind)
    (world.base / "photos").mkdir()
    image.save(world.base / f"photos/a.{'tif' if kind == 'CMYK' else 'png'}")
    world.inputs, world.targets = {"x": Type(shape)}, {}
    found = world.load(images("x")).arrays["x"]
    np.testing.assert_array_equal(found, np.asarray(image.convert(mode)).reshape(1, *shape) * LEVEL)


@pytest.mark.parametrize(("kind", "channels"), [("L", 1), ("1", 1), ("RGB", 3), ("P", 3)])
def test_an_unknown_type_is_that_of_the_images(world: World, kind: str, channels: int) -> None:
    (world.base / "photos/a").mkdir(parents=True)
    Image.fromarray(drawn(4, 6, 3)).convert(kind).save(world.base / "photos/a/1.png")
    wanted = {"x": "float", "y": "class"}
    found = measure(data(images("x, y", labels=FOLDERS)), wanted, world.base)  # type: ignore[arg-type]
    assert found == {"x": Type((4, 6, channels)), "y": Type((), 1)}
    found = measure(data(images("x, y", labels=FOLDERS, size=3)), wanted, world.base)  # type: ignore[arg-type]
    assert found["x"] == Type((3, 3, channels))


def test_a_camera_that_was_held_upright(world: World) -> None:
    pixels = drawn(4, 6, 3)
    turned = Image.fromarray(pixels)
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    (world.base / "photos").mkdir()
    turned.save(world.base / "photos/a.png", exif=exif)
    world.inputs, world.targets = {"x": Type((6, 4, 3))}, {}
    np.testing.assert_array_equal(world.load(images("x")).arrays["x"][0], np.rot90(pixels, -1) * LEVEL)


def test_sizes(world: World) -> None:
    world.inputs, world.targets = {"x": Type((4, 6))}, {}
    save(world, "photos/a.png", drawn(4, 6))
    save(world, "photos/b.png", drawn(5, 7))
    found = world.refused(images("x"))
    assert (found.code, found.message) == ("E0418", "`photos/b.png` is 5 by 7 pixels large, `photos/a.png` 4 by 6")
    assert found.help == ("`size = [4, 6]` brings all to one size",)
    both = world.load(images("x", size=(4, 6))).arrays["x"]
    np.testing.assert_array_equal(both[0], drawn(4, 6) * LEVEL)
    shrunk = Image.fromarray(drawn(5, 7)).resize((6, 4), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(both[1], np.asarray(shrunk) * LEVEL)
    found = world.refused(images("x", size=4))
    assert (found.code, found.message) == ("E0418", "`size` is [4, 4], but the type of `x` is [4, 6]")
    world.inputs = {"x": Type((9, 9))}
    found = world.refused(images("x"))
    assert found.message == "`photos/a.png` is 4 by 6 pixels, but the type of `x` is [9, 9]"
    assert found.help == ("`size = [9, 9]` brings all images to this size",)
    assert world.refused(images("x", size=(4, 6, 3))).message == "`size` has 3 numbers, and images have two"
    assert world.refused(images("x", size=10_000)).message.endswith(
        "100,000,000 pixels for each image, over 67,108,864"
    )


@pytest.mark.parametrize("shape", [(24,), (4, 6, 2), (4, 6, 3, 1), ()])
def test_types_that_are_no_images(world: World, shape: tuple[int, ...]) -> None:
    world.inputs, world.targets = {"x": Type(shape)}, {}
    save(world, "photos/a.png", drawn(4, 6))
    assert world.refused(images("x")).code == "E0418"
    world.inputs = {"x": Type((), 4)}
    assert world.refused(images("x")).message == "`x` is a class label, and images are numbers"


def test_masks_as_numbers(world: World) -> None:
    """Beside the image of the same name, whatever the ending; resized without new levels."""
    world.inputs, world.targets = {"x": Type((4, 6, 3))}, {"y": Type((4, 6, 1))}
    for i, name in enumerate("abc"):
        save(world, f"photos/{name}.png", drawn(4, 6, 3, seed=i))
        save(world, f"masks/{name}.bmp", 255 * (drawn(4, 6, seed=9 + i) > 127).astype(np.uint8))
    found = world.load(images("x, y", masks="masks"))
    wanted = [(drawn(4, 6, seed=9 + i) > 127)[..., None] for i in range(3)]
    np.testing.assert_array_equal(found.arrays["y"], wanted)
    world.inputs, world.targets = {"x": Type((7, 5, 3))}, {"y": Type((7, 5))}
    small = world.load(images("x, y", masks="masks", size=(7, 5))).arrays
    assert set(np.unique(small["y"])) == {0, 1}
    assert len(np.unique(small["x"])) > 100


def test_masks_as_labels(world: World) -> None:
    world.inputs, world.targets = {"x": Type((4, 6))}, {"y": Type((4, 6), 5)}
    labels = drawn(2, 4, 6) % 5
    labels[0] = labels[0].clip(max=3)
    for i, kind in enumerate(("L", "P")):
        save(world, f"photos/{i}.png", drawn(4, 6))
        mask = Image.fromarray(labels[i])
        if kind == "P":
            mask.putpalette(drawn(15).tolist())
            assert mask.mode == "P"
        (world.base / "masks").mkdir(exist_ok=True)
        mask.save(world.base / f"masks/{i}.png")
    np.testing.assert_array_equal(world.load(images("x, y", masks="masks")).arrays["y"], labels)
    wanted = {"x": "float", "y": "class"}
    assert measure(data(images("x, y", masks="masks")), wanted, world.base)["y"] == Type((4, 6), 5)  # type: ignore[arg-type]
    world.targets = {"y": Type((4, 5), 5)}
    found = world.refused(images("x, y", masks="masks"))
    assert found.message == "`masks/0.png` is 4 by 6 pixels, but the type of `y` is class(5)[4, 5]"
    world.targets = {"y": Type((4, 6), 4)}
    found = world.refused(images("x, y", masks="masks"))
    assert found.message == "`masks/1.png` has pixels of 4, but the labels of `y` are 0 to 3"
    save(world, "masks/0.png", drawn(4, 6, 3))
    assert "is of the kind `RGB`" in world.refused(images("x, y", masks="masks")).message


def test_masks_without_images_and_images_without_masks(world: World) -> None:
    world.inputs, world.targets = {"x": Type((4, 6))}, {"y": Type((4, 6))}
    for name in ("photos/a.png", "photos/b.png", "masks/a.png"):
        save(world, name, drawn(4, 6))
    found = world.refused(images("x, y", masks="masks"))
    assert (found.code, found.message) == ("E0420", "`masks` has no mask for `photos/b.png`")
    save(world, "masks/c.png", drawn(4, 6))
    found = world.refused(images("x, y", masks="masks"))
    assert found.message == "`masks/c.png` has the name of no image in `photos`"
    (world.base / "masks/c.png").rename(world.base / "masks/a.bmp")
    assert "has the name of `masks/a.bmp`" in world.refused(images("x, y", masks="masks")).message


def test_folders_for_testing(world: World, flowers: dict[str, Array]) -> None:
    shown = save(world, "others/lily/1.png", drawn(4, 6, 3, seed=7))
    found = world.load(images("x, y", labels=FOLDERS, test="others"))
    np.testing.assert_array_equal(found.part("test")["x"], shown[None] * LEVEL)  # type: ignore[index]
    assert found.part("test")["y"].tolist() == [1]  # type: ignore[index]
    save(world, "others/lilly/1.png", drawn(4, 6, 3))
    found_wrong = world.refused(images("x, y", labels=FOLDERS, test="others"))
    assert found_wrong.message == "`others/lilly`: there is no such folder in `photos`"
    assert found_wrong.help == ("did you mean `lily`?",)


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        ("x", {"labels": FOLDERS}, "`images` gives images and their classes here, for 2 names, not 1: `x`"),
        ("x, y", {}, "`images` gives images alone here, for 1 name, not 2: `x`, `y`"),
        ("x, y", {"labels": FOLDERS, "masks": "masks"}, "`images` takes classes by `labels`, or masks, not both"),
        ("x, y", {"labels": FOLDERS, "test": ("a", "b")}, "`test` takes one folder here"),
        ("x, y", {"labels": FOLDERS, "path": "photo"}, "the folder `photo` does not exist"),
        ("x, y", {"labels": FOLDERS, "path": "photos/rose/a.bmp"}, "`photos/rose/a.bmp` is a file, not a folder"),
        ("x, y", {"labels": FOLDERS, "path": "photos/rose"}, "`photos/rose/a.bmp` stands in no folder of a class"),
        ("x, y", {"labels": FOLDERS, "path": "a\0b"}, "is not a path of a folder"),
    ],
)
def test_options_that_do_not_fit(
    world: World, flowers: dict[str, Array], names: str, options: dict[str, Static], message: str
) -> None:
    if "y" not in names:
        world.targets = {}
    assert message in world.refused(images(names, **options)).message


def test_what_is_no_image(world: World, flowers: dict[str, Array]) -> None:
    (world.base / "photos/rose/notes.txt").write_text("pink")
    (world.base / "photos/rose/table.csv").write_text("pink")
    found = world.refused(images("x, y", labels=FOLDERS))
    assert (found.code, found.message) == ("E0413", "`photos/rose/notes.txt` is no image")
    assert found.notes == ("and 1 other: `table.csv`",)
    (world.base / "photos/rose/table.csv").unlink()
    (world.base / "photos/rose/notes.txt").rename(world.base / "photos/rose/c.png")
    found = world.refused(images("x, y", labels=FOLDERS))
    assert (found.code, found.message) == ("E0422", "`photos/rose/c.png` cannot be read as an image")
    assert found.help == ("make, copy or download it again",)
    world.inputs, world.targets = {"x": Type((4, 6))}, {}
    assert "holds the folder `aster`" in world.refused(images("x")).message
    (world.base / "none").mkdir()
    assert world.refused(images("x", "none")).message == "`none` has no images"


@pytest.mark.parametrize("name", [b"\xff.png", b"red\x1b[31m.png", b"two\nlines.png"])
def test_names_that_cannot_be_printed(world: World, flowers: dict[str, Array], name: bytes) -> None:
    os.rename(world.base / "photos/rose/a.bmp", os.fsencode(world.base / "photos/rose") + b"/" + name)
    found = world.refused(images("x, y", labels=FOLDERS))
    assert found.code == "E0413"
    assert found.message.endswith(".png` has signs in its name that cannot be printed")
    assert found.message.isprintable()
    found.message.encode()


def test_damaged_images_are_told_never_thrown(world: World) -> None:
    """Cut anywhere, and with any byte changed; what is whole after all is read."""
    world.inputs, world.targets = {"x": Type((4, 6, 3))}, {}
    rng = np.random.default_rng(0)
    for ending in ("png", "jpg", "gif", "bmp", "tif", "webp"):
        save(world, f"photos/a.{ending}", drawn(4, 6, 3))
        place = world.base / f"photos/a.{ending}"
        whole = place.read_bytes()
        for k in range(24):
            broken = bytearray(whole[: rng.integers(0, len(whole))] if k % 2 else whole)
            for at in rng.integers(0, max(len(broken), 1), 3 if broken else 0):
                broken[at] = rng.integers(256)
            place.write_bytes(broken)
            codes: set[str] = set()
            try:
                world.load(images("x"))
            except DataError as error:
                codes = {d.code for d in error.diagnostics}
            assert codes <= {"E0418", "E0422"}
        place.unlink()


def test_an_image_that_grows_too_large(world: World) -> None:
    """A small file that says it has 20,000 by 20,000 pixels is refused before they are made."""
    head = (20_000).to_bytes(4, "big") * 2 + b"\x08\0\0\0\0"
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(20_001))), (b"IEND", b"")]
    raw = b"".join(len(b).to_bytes(4, "big") + k + b + zlib.crc32(k + b).to_bytes(4, "big") for k, b in parts)
    (world.base / "photos").mkdir()
    world.write("photos/a.png", b"\x89PNG\r\n\x1a\n" + raw)
    world.inputs, world.targets = {"x": Type((8, 8))}, {}
    assert world.refused(images("x", size=8)).code == "E0422"


def test_without_pillow(world: World, flowers: dict[str, Array], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setattr(image_files, "_pillow", image_files._pillow.__wrapped__)
    found = world.refused(images("x, y", labels=FOLDERS))
    assert (found.code, found.message) == ("E0423", "`photos/aster/z.PNG` needs Pillow, which is not installed")
    assert found.help[0].startswith("`pip install 'gpubp[images]'` brings it")
