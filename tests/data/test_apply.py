"""Later rows encoded as the training rows were, by what was saved."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from dsl.graph import Static, Type, Word
from gpubp.data import Dataset, Encoder, from_json, read_table, to_json
from gpubp.data.encoders import Field, FileFormat
from gpubp.data.notation import PLAIN, Notation
from gpubp.errors import DataError
from tests.golden.damaged import array, idx, npz

from .worlds import REST, World, choice, csv, entry

TABLE = "name,town,size,rooms,sort\nA,Rome,10,1,old\nB,Bern,20,,new\nC,Rome,60,3,old\nD,Oslo,30,4,new\n"
OPTIONS: dict[str, Static] = {
    "columns": (("town", "size", "rooms"), "sort"),
    "onehot": "town",
    "missing": Word("mean"),
    "scale": 0.1,
    "standardize": True,
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    return World(tmp_path, {"x": Type((5,))}, {"y": Type((), 2)})


CUT = "`a` is cut short: its header says float64 of shape [1, 4], 32 bytes, but 31 follow"
SECOND = "`new.csv`, line 2, column `{}`: {}"


def saved(data: Dataset, *, targets: bool = True) -> dict[str, Encoder]:
    """The encoders after a way through a file."""
    found = from_json(json.loads(json.dumps(to_json(data.encoders))))
    assert found == data.encoders
    return {name: one for name, one in found.items() if targets or one.feature}


def houses(world: World) -> Dataset:
    world.write("a.csv", TABLE)
    return world.load(csv("x, y", **OPTIONS))


def refused(path: str, encoders: dict[str, Encoder]) -> tuple[str, str]:
    with pytest.raises(DataError) as caught:
        read_table(path, encoders)
    found = caught.value.diagnostics[0]
    assert found.span is not None
    assert found.span.text == path
    return found.code, found.message


def test_the_training_table_gives_the_training_rows(world: World) -> None:
    data = houses(world)
    again = read_table("a.csv", saved(data)).arrays
    for name, column in data.arrays.items():
        assert again[name].tobytes() == column.tobytes()
        assert again[name].dtype == column.dtype
    assert data.classes == {"y": ("new", "old")}
    assert [data.encoders["y"].word(i) for i in (0, 1)] == ["new", "old"]
    with pytest.raises(IndexError, match="2 is none of 2 labels"):
        data.encoders["y"].word(2)


def test_columns_are_found_by_name_in_any_order(world: World) -> None:
    data = houses(world)
    world.write("new.csv", "rooms;size;town\n;20;Bern\n3;60;Rome\n")
    found = read_table(world.base / "new.csv", saved(data, targets=False)).arrays
    np.testing.assert_array_equal(found["x"], data.arrays["x"][[1, 2]])
    assert set(found) == {"x"}


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("town,size\nRome,1\n", "E0415", "`new.csv` has no column `rooms`, which `x` is made of"),
        ("town,size,Rooms\nRome,1,2\n", "E0415", "`new.csv` has no column `rooms`, which `x` is made of"),
        ("town,size,rooms\nParis,1,2\n", "E0414", "`new.csv`: no row can be used"),
        ("town,size,rooms\nRome,x,2\nRome,1,2\n", "E0416", SECOND.format("size", "`x` is not a number")),
        ("town,size,rooms\n,1,2\n", "E0414", "`new.csv`: no row can be used"),
        ("town,size,rooms\nRome,1\n", "E0417", "`new.csv`, line 2: 2 cells, where the header has 3"),
        ("", "E0414", "`new.csv` is empty"),
    ],
)
def test_tables_that_do_not_fit(world: World, text: str, code: str, message: str) -> None:
    encoders = saved(houses(world), targets=False)
    world.write("new.csv", text)
    assert refused("new.csv", encoders) == (code, message)


def test_columns_of_the_training_table_may_be_left_in(world: World) -> None:
    encoders = saved(houses(world), targets=False)
    world.write("new.csv", "sort,name,town,size,rooms\n?,E,Rome,10,1\n")
    assert read_table("new.csv", encoders).arrays["x"].shape == (1, 5)
    assert read_table("new.csv", encoders).unused == ()


def test_other_columns_are_named_and_may_be_kept(world: World) -> None:
    encoders = saved(houses(world), targets=False)
    world.write("new.csv", 'rooms,id,town,size,when,\n1, 007 ,Rome,10,"a, b",0\n2,x,Bern,20,,1\n')
    found = read_table("new.csv", encoders, keep=("when", "id", "rooms"))
    assert found.unused == ("id", "when")
    assert found.kept == {"when": ["a, b", ""], "id": [" 007 ", "x"], "rooms": ["1", "2"]}
    with pytest.raises(DataError) as caught:
        read_table("new.csv", encoders, keep=("wen",))
    (wrong,) = caught.value.diagnostics
    assert (wrong.code, wrong.message, wrong.help) == (
        "E0415",
        "`new.csv` has no column `wen`",
        ("did you mean `when`?",),
    )


def test_arrays_have_no_columns_to_keep(world: World) -> None:
    np.save(world.base / "x.npy", np.zeros((2, 2)))
    with pytest.raises(DataError, match="has no columns with names, so none can be kept"):
        read_table("x.npy", {"x": Encoder((2,))}, keep=("a",))


def test_a_cell_that_is_missing_where_none_was(world: World) -> None:
    world.inputs = {"x": Type((2,))}
    world.write("a.csv", "a,b,y\n1,2,u\n3,4,v\n")
    encoders = saved(world.load(csv("x, y", target="y")), targets=False)
    world.write("new.csv", "a,b\n1,\n2,7\n")
    found = read_table("new.csv", encoders)
    assert (found.arrays["x"].tolist(), found.gaps, found.count) == ([[2, 7]], (0,), 2)
    assert found.why == ("1 row misses a cell: line 2, column `b`",)


def test_tables_without_a_header(world: World) -> None:
    """All columns of the training file, or those alone that the net takes in."""
    world.inputs = {"x": Type((2,))}
    world.write("a.csv", "u,1,2\nv,3,4\nu,5,6\n")
    encoders = saved(world.load(csv("x, y", columns=(REST, "1"))), targets=False)
    world.write("all.csv", "u,7,8\n")
    world.write("some.csv", "7,8\n")
    world.write("few.csv", "7\n")
    assert read_table("all.csv", encoders).arrays["x"].tolist() == [[7, 8]]
    assert read_table("some.csv", encoders).arrays["x"].tolist() == [[7, 8]]
    assert refused("few.csv", encoders) == ("E0415", "`few.csv` has 1 column, but 2 or 3 are needed")


def test_rows_that_stood_in_the_file_itself(world: World) -> None:
    world.inputs, world.targets = {"x": Type((2,))}, {"y": Type((1,))}
    data = world.load(entry("x", ((0, 0), (0, 1))), entry("y", ((0,), (1,))))
    world.write("new.csv", "0,1\n1,1\n")
    assert read_table("new.csv", saved(data, targets=False)).arrays["x"].tolist() == [[0, 1], [1, 1]]
    message = "`new.csv` has 2 columns, but `x` takes 2"
    assert refused("new.csv", saved(data)) == ("E0415", message)


def test_names_that_had_no_columns_are_found_by_name(world: World) -> None:
    world.inputs, world.targets = {"x": Type((1,)), "z": Type((1,))}, {"y": Type((1,))}
    data = world.load(*(entry(name, ((k,), (k + 1,))) for k, name in enumerate("xzy")))
    world.write("new.csv", "z,other,x\n1,2,3\n4,5,6\n")
    found = read_table("new.csv", saved(data, targets=False))
    assert {name: rows.tolist() for name, rows in found.arrays.items()} == {"x": [[3], [6]], "z": [[1], [4]]}
    assert found.unused == ()
    assert refused("new.csv", saved(data)) == ("E0415", "`new.csv` has 3 columns, but `y` takes 1")


def test_a_notation_holds_for_the_whole_table(world: World) -> None:
    encoders = {
        name: Encoder((1,), fields=(Field(name),), file=FileFormat(("a", "b"), notation=notation))
        for name, notation in (("a", PLAIN), ("b", Notation(",")))
    }
    world.write("new.csv", "b;a\n1,5;2,5\n")
    found = read_table("new.csv", encoders).arrays
    assert (found["a"].item(), found["b"].item()) == (2.5, 1.5)


def test_what_each_of_several_files_tells_holds_for_the_whole_table(world: World) -> None:
    encoders = {
        "a": Encoder((1,), fields=(Field("a"),), file=FileFormat(("a",), encoding="cp1252")),
        "b": Encoder((1,), fields=(Field("b"),), file=FileFormat(("b",), notation=Notation(","), delimiter=";")),
    }
    (world.base / "new.csv").write_bytes("b;a;größe\n1,5;2,5;1\n".encode("cp1252"))
    found = read_table("new.csv", encoders).arrays
    assert (found["a"].item(), found["b"].item()) == (2.5, 1.5)


def test_numbers_as_labels(world: World) -> None:
    world.inputs, world.targets = {"x": Type((1,))}, {"y": Type((), 3)}
    for numbers in ((0, 2, 1), (1, 3, 2)):
        world.write("a.csv", "a,y\n" + "".join(f"{i},{n}\n" for i, n in enumerate(numbers)))
        data = world.load(csv("x, y", target="y"))
        assert read_table("a.csv", saved(data)).arrays["y"].tolist() == data.arrays["y"].tolist()
    world.write("new.csv", "a,y\n1,0\n")
    message = "`new.csv`, line 2, column `y`: class `0` does not occur in the data that was learned from"
    assert refused("new.csv", saved(data)) == ("E0419", message)


# Arrays and text


def images(world: World) -> Dataset:
    world.inputs, world.targets = {"x": Type((2, 2, 1))}, {"y": Type((), 3)}
    rng = np.random.default_rng(0)
    world.write("x.idx", idx((5, 2, 2), rng.integers(0, 256, 20, dtype=np.uint8).tobytes()))
    np.save(world.base / "y.npy", np.array([5, 7, 9, 5, 7]))
    options: dict[str, Static] = {"scale": 1 / 255, "reshape": (2, 2, 1), "standardize": True}
    return world.load(entry("x", choice("idx", path="x.idx", **options)), entry("y", choice("npy", path="y.npy")))


def test_arrays(world: World) -> None:
    data = images(world)
    inputs = saved(data, targets=False)
    raw = np.frombuffer((world.base / "x.idx").read_bytes()[16:], dtype=np.uint8).reshape(5, 2, 2)
    np.save(world.base / "x.npy", raw)
    np.savez(world.base / "d.npz", x=raw, y=np.array([5, 7, 9, 5, 7]))
    world.write("x.gz", gzip.compress((world.base / "x.idx").read_bytes()))
    world.write("x.csv", "".join(",".join(map(str, row)) + "\n" for row in raw.reshape(5, 4).tolist()))
    for path in ("x.idx", "x.gz", "x.npy", "d.npz", "x.csv"):
        np.testing.assert_array_equal(read_table(path, inputs).arrays["x"], data.arrays["x"], err_msg=path)
    assert read_table("d.npz", saved(data)).arrays["y"].tolist() == [0, 1, 2, 0, 1]


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (array([[1, 2, 3]]), "E0418", "`a`: a row has shape [3], but `x` is [2, 2, 1]"),
        (array(np.zeros((0, 2, 2))), "E0414", "`a` has no rows: rows are the first axis of its array"),
        (array([[1, 2, 3, float("inf")]]), "E0416", "`a`, row 1, element 4: `inf` is not a finite number"),
        (array([[1, 2, 3, 4]])[:-1], "E0422", CUT),
        (npz(z=array([[1, 2, 3, 4]])), "E0422", "`a` has no array `x`"),
    ],
)
def test_arrays_that_do_not_fit(world: World, content: bytes, code: str, message: str) -> None:
    encoders = saved(images(world), targets=False)
    world.write("a", content)
    assert refused("a", encoders) == (code, message)


def test_labels_that_do_not_fit(world: World) -> None:
    data = images(world)
    np.savez(world.base / "d.npz", x=np.zeros((2, 4)), y=np.array([5, 6]))
    assert refused("d.npz", saved(data)) == ("E0419", "`d.npz`, array `y`, row 2: `6` is no label of `y`")
    np.savez(world.base / "d.npz", x=np.zeros((2, 4)), y=np.array([5]))
    assert refused("d.npz", saved(data)) == ("E0420", "the arrays of `d.npz` differ in their rows: 2 in `x`, 1 in `y`")


def test_text(world: World) -> None:
    world.inputs, world.targets = {"text": Type((3,), 4)}, {"next": Type((3,), 4)}
    world.write("a.txt", "abcd" * 5)
    data = world.load(entry("text, next", choice("text", path="a.txt", window=3)))
    world.write("new.txt", "dcbaabc")
    for targets in (False, True):
        found = read_table("new.txt", saved(data, targets=targets)).arrays
        assert found["text"].tolist() == [[3, 2, 1], [0, 0, 1]]
    assert found["next"].tolist() == [[2, 1, 0], [0, 1, 2]]
    world.write("new.txt", "dcbx")
    message = "`new.txt`, token 4: `{}` does not occur in the text that was learned from"
    assert refused("new.txt", saved(data)) == ("E0419", message.format("x"))
    world.write("new.txt", "dcb\r\na")
    assert refused("new.txt", saved(data)) == ("E0419", message.format(r"\r"))


def test_a_header_that_is_missing_is_not_guessed(world: World) -> None:
    world.inputs = {"x": Type((2,))}
    world.write("a.csv", "a,b,y\n1,2,u\n3,4,v\n")
    encoders = saved(world.load(csv("x, y", target="y")), targets=False)
    world.write("new.csv", "1,2\n")
    assert refused("new.csv", encoders) == ("E0415", "`new.csv` has no columns `a`, `b`, which `x` is made of")
