"""The reader `cifar`: what it reads, and what it refuses."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from dsl.graph import DataEntry, Static, Type
from gpubp.data import measure, read_table

from .cifar_files import TEN, cifar_10, cifar_100
from .worlds import World, choice, data, entry

WORDS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
IMAGE = Type((32, 32, 3))


def reads(names: str = "image, label", **options: Static) -> DataEntry:
    return entry(names, choice("cifar", **{"path": "set", **options}))


@pytest.fixture
def ten(world: World) -> World:
    world.inputs, world.targets = {"image": IMAGE}, {"label": Type((), 10)}
    return world


def test_cifar_10(ten: World) -> None:
    pixels, labels = cifar_10(ten.base / "set", 4)
    ten.write("set/batches.meta.txt", "\n".join(WORDS) + "\n\n")
    found = ten.load(reads())
    np.testing.assert_array_equal(found.arrays["image"], pixels * (1 / 255))
    np.testing.assert_array_equal(found.arrays["label"], labels)
    assert found.classes == {"label": WORDS}
    assert {part: len(rows) for part, rows in found.parts.items()} == {"train": 20, "test": 4}
    assert found.parts["test"].tolist() == [20, 21, 22, 23]


def test_red_is_the_first_channel_and_a_row_goes_to_the_right(ten: World) -> None:
    cifar_10(ten.base / "set", 1)
    planes = np.zeros((3, 32, 32), dtype=np.uint8)
    planes[0, 2, 5], planes[2, 31, 0] = 255, 51
    ten.write("set/data_batch_1.bin", b"\7" + planes.tobytes())
    first = ten.load(reads()).arrays["image"][0]
    assert (first[2, 5].tolist(), first[31, 0].tolist()) == ([1, 0, 0], [0, 0, pytest.approx(0.2)])
    assert np.count_nonzero(first) == 2


@pytest.mark.parametrize(("labels", "classes"), [(None, 100), ("fine", 100), ("coarse", 20)])
def test_cifar_100(world: World, labels: str | None, classes: int) -> None:
    pixels, fine = cifar_100(world.base / "set", [99, 0, 4, 5])
    world.inputs, world.targets = {"image": IMAGE}, {"label": Type((), classes)}
    world.write("set/fine_label_names.txt", "\n".join(f"fine_{i}" for i in range(100)))
    found = world.load(reads() if labels is None else reads(labels=labels))
    np.testing.assert_array_equal(found.arrays["image"], pixels * (1 / 255))
    assert found.arrays["label"].tolist() == [label // (5 if labels == "coarse" else 1) for label in fine]
    # Where no file names the classes, they have numbers.
    assert found.classes == ({} if labels == "coarse" else {"label": tuple(f"fine_{i}" for i in range(100))})


def test_files_may_be_packed(ten: World) -> None:
    pixels, _ = cifar_10(ten.base / "set", 1)
    for name in TEN:
        ten.write(f"set/{name}", gzip.compress((ten.base / "set" / name).read_bytes(), mtime=0))
    np.testing.assert_array_equal(ten.load(reads(path="set/")).arrays["image"], pixels * (1 / 255))


def test_new_images_are_files_of_any_kind(ten: World) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels, _ = cifar_10(ten.base / "set", 1)
    known = ten.load(reads()).encoders["image"]
    (ten.base / "new").mkdir()
    image.fromarray(pixels[0]).save(ten.base / "new/a.png")
    np.testing.assert_array_equal(
        read_table(ten.base / "new", {"image": known}).arrays["image"], pixels[:1] * (1 / 255)
    )


def test_measuring_finds_the_types(world: World) -> None:
    cifar_100(world.base / "set", [3])
    wants = {"image": "float", "label": "class"}
    assert measure(data(reads()), wants, world.base) == {"image": IMAGE, "label": Type((), 100)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entry", "code", "message", "help"),
    [
        (reads(path="other"), "E0412", "`other/data_batch_1.bin` does not exist", None),
        (reads(path="other", source=("fetch", "draw")), "E0412", "`other/data_batch_1.bin` does not exist", "fetch"),
        (reads(path="set/test_batch.bin"), "E0412", "`set/test_batch.bin/data_batch_1.bin` cannot be read", None),
        (reads(path="a\0b"), "E0412", "`a\N{REPLACEMENT CHARACTER}b/data_batch_1.bin` is no path of a file", None),
        (reads("image"), "E0411", "`cifar` gives images and their classes, for two names, not 1: `image`", None),
        (reads(labels="coarse"), "E0411", "`labels` chooses between those of CIFAR-100", "it lacks `train.bin`"),
    ],
)
def test_what_cannot_be_found(ten: World, entry: DataEntry, code: str, message: str, help: str | None) -> None:
    cifar_10(ten.base / "set", 1)
    if entry.names == ("image",):
        ten.targets = {}
    found = ten.refused(entry)
    assert (found.code, found.message[: len(message)]) == (code, message)
    assert help is None or found.help[0].startswith(help)


@pytest.mark.parametrize(
    ("name", "content", "code", "message"),
    [
        ("data_batch_3.bin", b"", "E0414", "`set/data_batch_3.bin` is empty"),
        (
            *("test_batch.bin", b"\0" * 3072, "E0422"),
            "`set/test_batch.bin` is no file of CIFAR-10, or is cut short: its 3,072 bytes are not records of 3,073",
        ),
        (
            *("data_batch_2.bin", (b"\0" + bytes(3072)) * 2 + b"\12" + bytes(3072), "E0419"),
            "`set/data_batch_2.bin`, row 3: label `10` is not below 10, the number of classes",
        ),
        ("batches.meta.txt", "cat dog cat", "E0422", "`set/batches.meta.txt` has 2 different words for 10 classes"),
        (
            "batches.meta.txt",
            "a b c d e f g h i a",
            "E0422",
            "`set/batches.meta.txt` has 9 different words for 10 classes",
        ),
        ("batches.meta.txt", b"\0", "E0413", "`set/batches.meta.txt` is not text: line 1 contains a zero byte"),
        ("data_batch_1.bin", b"\x1f\x8b", "E0413", "`set/data_batch_1.bin` is cut short: its gzip data ends too early"),
    ],
)
def test_damaged_files(ten: World, name: str, content: str | bytes, code: str, message: str) -> None:
    cifar_10(ten.base / "set", 1)
    ten.write(f"set/{name}", content)
    found = ten.refused(reads())
    assert (found.code, found.message) == (code, message)


def test_types_that_do_not_fit(ten: World) -> None:
    cifar_10(ten.base / "set", 1)
    ten.targets = {"label": Type((), 20)}
    found = ten.refused(reads())
    assert (found.code, found.message) == ("E0419", "the data has 10 classes, and the type of `label` is class(20)")
    assert found.help == ("`label: class(10)`, or `class(?)`",)
    ten.targets = {"label": Type((1,))}
    assert ten.refused(reads()).message == "the data has 10 classes, and `label` takes numbers"
    ten.inputs, ten.targets = {"image": Type((), 10)}, {"label": Type((), 10)}
    assert ten.refused(reads()).message == "`image` is a class label, and the images are numbers"
    ten.inputs = {"image": Type((3, 32, 32))}
    assert ten.refused(reads()).message == "`image` has shape [32, 32, 3] in the data, its type is [3, 32, 32]"
