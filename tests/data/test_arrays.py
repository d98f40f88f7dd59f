"""The readers `npy`, `npz` and `idx`: what they read."""

from __future__ import annotations

import gzip
from pathlib import Path

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from dsl.graph import DataEntry, Static, Type
from gpubp.data import Encoder, Stored, measure, read_table
from gpubp.data.array_files import read_array
from gpubp.errors import DataError
from tests.golden.damaged import array, idx

from .worlds import World, choice, data, entry

X = np.arange(24, dtype=np.float64).reshape(4, 3, 2)


def reads(names: str, reader: str, path: str, **options: Static) -> DataEntry:
    return entry(names, choice(reader, path=path, **options))


@pytest.mark.parametrize("dtype", ["f8", "<f4", ">f4", "f2", "i1", "u1", "<i2", ">i4", "i8", "u8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_of_any_type_and_order(world: World, dtype: str, order: str) -> None:
    world.inputs, world.targets = {"x": Type((3, 2))}, {}
    np.save(world.base / "x.npy", np.asarray(X, dtype=dtype, order=order))
    found = world.load(reads("x", "npy", "x.npy")).arrays["x"]
    np.testing.assert_array_equal(found, X)
    assert found.dtype == np.float64


@given(
    values=hnp.arrays(
        st.sampled_from([np.dtype(d) for d in ("<f8", ">f4", "i2", "?", "u8")]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        elements={"allow_nan": False},
    )
)
def test_what_numpy_writes_is_read_to_the_bit(tmp_path_factory: pytest.TempPathFactory, values: np.ndarray) -> None:
    path = tmp_path_factory.getbasetemp() / "a.npy"
    np.save(path, values)
    found = read_array(path.read_bytes(), "a.npy", None)
    assert found.dtype == values.dtype
    assert found.shape == values.shape
    assert found.tobytes() == values.tobytes()


def test_two_files_and_two_for_testing(world: World) -> None:
    world.inputs, world.targets = {"x": Type((3, 2, 1))}, {"y": Type((), 3)}
    for name, values in {"x": X, "y": np.array([0, 2, 1, 0]), "xt": X[:2], "yt": np.array([[1], [2]])[:, 0]}.items():
        np.save(world.base / f"{name}.npy", values)
    options: dict[str, Static] = {"target": "y.npy", "test": ("xt.npy", "yt.npy"), "scale": 0.5, "reshape": (3, 2, 1)}
    found = world.load(reads("x, y", "npy", "x.npy", **options))
    np.testing.assert_array_equal(found.part("train")["x"], X[..., None] / 2)  # type: ignore[index]
    assert found.part("train")["y"].tolist() == [0, 2, 1, 0]  # type: ignore[index]
    assert found.part("test")["y"].tolist() == [1, 2]  # type: ignore[index]


def test_numbers_and_labels_of_one_element(world: World) -> None:
    """(n,) and (n, 1) are one for a file, and what the model says decides."""
    for values in (np.array([0, 1, 1]), np.array([[0], [1], [1]])):
        np.save(world.base / "a.npy", values)
        for type in (Type((1,)), Type(()), Type((), 2), Type((1,), 2)):
            world.inputs, world.targets = {"x": type}, {}
            assert world.load(reads("x", "npy", "a.npy")).arrays["x"].shape == (3, *type.shape)
        assert measure(data(reads("x", "npy", "a.npy")), {"x": "float"}, world.base) == {"x": Type((1,))}
        assert measure(data(reads("x", "npy", "a.npy")), {"x": "class"}, world.base) == {"x": Type((), 2)}


def test_labels_that_do_not_begin_at_0_are_kept(world: World) -> None:
    world.inputs, world.targets = {"x": Type((3, 2))}, {"y": Type((), 3)}
    np.save(world.base / "x.npy", X)
    np.save(world.base / "y.npy", np.array([3.0, 1.0, 7.0, 3.0]))
    found = world.load(reads("x, y", "npy", "x.npy", target="y.npy"))
    assert found.arrays["y"].tolist() == [1, 0, 2, 1]
    assert found.classes == {"y": ("1", "3", "7")}


def test_npz(world: World) -> None:
    world.inputs, world.targets = {"x": Type((3, 2))}, {"y": Type((1,))}
    y = np.arange(4.0)
    np.savez_compressed(world.base / "d.npz", x=X, y=y, left=X + 1, right=y + 1)
    np.savez(world.base / "t.npz", x=X[:1], y=y[:1])
    assert world.load(reads("x, y", "npz", "d.npz")).arrays["y"].ravel().tolist() == [0, 1, 2, 3]
    other = world.load(reads("x, y", "npz", "d.npz", columns=("left", "right"), test=("x", "y")))
    assert other.part("train")["x"][0, 0, 0] == 1  # type: ignore[index]
    assert other.part("test")["x"][0, 0, 0] == 0  # type: ignore[index]
    assert len(world.load(reads("x, y", "npz", "d.npz", test="t.npz")).parts["test"]) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_images_as_fashion_mnist_has_them(world: World, packed: bool) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (30, 28, 28), dtype=np.uint8), rng.integers(0, 10, 30, dtype=np.uint8)
    labels[0], labels[1] = 0, 9
    end = ".gz" if packed else ""
    for name, content in {"train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels}.items():
        raw = idx(content.shape, content.tobytes())
        world.write(name + end, gzip.compress(raw) if packed else raw)
    target = f"train-labels-idx1-ubyte{end}"
    read = reads("image, label", "idx", f"train-images-idx3-ubyte{end}", target=target, scale=1 / 255)
    assert measure(data(read), {"image": "float", "label": "class"}, world.base) == {
        "image": Type((28, 28)),
        "label": Type((), 10),
    }
    world.inputs, world.targets = {"image": Type((28, 28))}, {"label": Type((), 10)}
    found = world.load(read, split=choice("split", train=0.8, test=0.2, stratify="label"))
    np.testing.assert_array_equal(found.arrays["image"], images * (1 / 255))
    np.testing.assert_array_equal(found.arrays["label"], labels)
    assert len(found.parts["test"]) == 6


@pytest.mark.parametrize(("code", "dtype"), [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")])
def test_idx_of_every_type(world: World, code: int, dtype: str) -> None:
    world.inputs, world.targets = {"x": Type((3, 2))}, {}
    world.write("x", idx(X.shape, X.astype(dtype).tobytes(), code))
    np.testing.assert_array_equal(world.load(reads("x", "idx", "x")).arrays["x"], X)


@pytest.mark.parametrize(
    ("names", "reader", "options", "code", "message"),
    [
        ("x, y", "npy", {}, "E0411", "1 file for 2 names: `x`, `y`"),
        ("x", "npy", {"target": "a.npy"}, "E0411", "2 files for 1 name: `x`"),
        ("x", "npy", {"test": ("a.npy", "a.npy")}, "E0411", "`test` takes 1 file here, one for each of `x`"),
        ("x", "npy", {"scale": float("nan")}, "E0411", "`scale` is nan; a finite number other than 0 is wanted"),
        ("x", "npy", {"reshape": (5,)}, "E0418", "no name has the 5 elements that `reshape` wants (`x: [2]`)"),
        ("x", "npy", {"test": "b.npy"}, "E0418", "rows of `b.npy` have shape [3], of `a.npy` [2]"),
    ],
)
def test_options_that_do_not_fit(
    world: World, names: str, reader: str, options: dict[str, Static], code: str, message: str
) -> None:
    world.write("a.npy", array([[1, 2], [3, 4]]))
    world.write("b.npy", array([[1, 2, 3]]))
    world.inputs = {"x": Type((2,))}
    world.targets = {"y": Type((1,))} if "y" in names else {}
    found = world.refused(reads(names, reader, "a.npy", **options))
    assert (found.code, found.message) == (code, message)


def test_arrays_without_rows(world: World) -> None:
    world.inputs, world.targets = {"x": Type((2,))}, {}
    for values in (np.zeros((0, 2)), np.float64(3)):
        np.save(world.base / "a.npy", values)
        for stream in (False, True):
            found = world.refused(reads("x", "npy", "a.npy", stream=stream))
            assert (found.code, found.message) == ("E0414", "`a.npy` has no rows: rows are the first axis of its array")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, 1, 3], "label `3` is not below 3, the number of classes"),
        ([0, -1, 0], "label `-1` is negative"),
        ([0, 0.5, 1], "label `0.5` is not a whole number"),
        ([0, float("nan"), 1], "label `nan` is not a whole number"),
    ],
)
def test_labels_out_of_range(world: World, values: list[float], message: str, stream: bool) -> None:
    world.inputs, world.targets = {}, {"y": Type((), 3)}
    np.save(world.base / "y.npy", np.array(values))
    found = world.refused(reads("y", "npy", "y.npy", stream=stream))
    bad = next(i for i, v in enumerate(values) if v not in (0, 1, 2))
    assert found.code == "E0419"
    if stream:
        assert found.message == f"`y.npy`, row {bad + 1}: `{values[bad]:g}` is no label"
    else:
        assert found.message == f"`y.npy`, row {bad + 1}: {message}"


def test_numbers_that_are_not_finite(world: World) -> None:
    world.inputs, world.targets = {"x": Type((2,))}, {}
    values = np.zeros((50, 2))
    values[7, 1], values[9, 0], values[20:, 0] = np.inf, np.nan, -np.inf
    np.save(world.base / "a.npy", values)
    for stream in (False, True):
        found = world.refused(reads("x", "npy", "a.npy", stream=stream))
        assert found.message == "`a.npy`, row 8, element 2: `inf` is not a finite number"
        assert found.notes[0].startswith(
            "there are 32 numbers that are not finite; the next: `a.npy`, row 10, element 1"
        )


def test_large_files_stay_where_they_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.inputs, world.targets = {"x": Type((3, 2))}, {}
    np.save(world.base / "x.npy", X)
    assert not world.load(reads("x", "npy", "x.npy")).streamed
    monkeypatch.setattr("gpubp.data.arrays.LARGE", 100)
    found = world.load(reads("x", "npy", "x.npy"))
    assert found.streamed
    assert isinstance(found.columns["x"], Stored)
    np.save(world.base / "x.npy", np.asfortranarray(X))
    assert "Fortran order" in world.refused(reads("x", "npy", "x.npy")).message


def test_the_data_is_not_opened_twice_for_names_that_nobody_wants(world: World) -> None:
    """`measure` asks for one of two names: the file of the other need not be there."""
    np.save(world.base / "x.npy", X)
    read = reads("x, y", "npy", "x.npy", target="missing.npy")
    assert measure(data(read), {"x": "float"}, world.base) == {"x": Type((3, 2))}


def test_paths(tmp_path: Path) -> None:
    world = World(tmp_path, {"x": Type((2,))}, {})
    for reader in ("npy", "npz", "idx", "text", "excel", "parquet", "arrow"):
        options: dict[str, Static] = {"window": 2} if reader == "text" else {}
        world.inputs = {"x": Type((2,), 3)} if reader == "text" else {"x": Type((2,))}
        found = world.refused(reads("x", reader, "nowhere", **options))
        assert (found.code, found.message) == ("E0412", "`nowhere` does not exist"), reader


def test_one_array_for_several_names_is_told_how_to_save_both(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "x.npy", {"image": Encoder((3, 2)), "kind": Encoder((), 2)})
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == (
        "E0411",
        ("an npz file holds several: `numpy.savez(path, image = ..., kind = ...)`",),
    )
