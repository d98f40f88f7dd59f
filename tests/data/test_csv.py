"""The reader `csv`: what it reads."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
import pytest

from dsl.graph import Static, Type, Word
from gpubp.data import measure, read_table
from gpubp.errors import DataError

from .worlds import REST, World, csv, data

TABLE = "a,b,y\n1,2,3\n4,5,6\n"


def check(world: World, text: str | bytes, **options: Static) -> None:
    """The file holds the numbers of TABLE."""
    world.write("a.csv", text)
    found = world.load(csv("x, y", **options))
    assert found.columns["x"].tolist() == [[1, 2], [4, 5]]
    assert found.columns["y"].tolist() == [[3], [6]]


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        TABLE.rstrip(),
        TABLE.replace("\n", "\r\n"),
        TABLE.replace("\n", "\r"),
        TABLE.replace(",", ";"),
        TABLE.replace(",", "\t"),
        TABLE.replace(",", "|"),
        TABLE.replace(",", " , "),
        TABLE.replace("\n", "\n\n"),
        "\n" + TABLE,
        "\ufeff" + TABLE,
        '"a","b","y"\n1,"2",3\n"4",5,6\n',
        "y,a,b\n3,1,2.0\n6,+4,5e0\n",
        '"y","a","b, or\n""b"""\n3,1,2\n6,4,5\n',
    ],
)
def test_layouts(world: World, text: str) -> None:
    check(world, text, target="y")


def test_gzip_is_told_by_its_content(world: World) -> None:
    check(world, gzip.compress(TABLE.encode()), target="y")


def test_without_a_header(world: World) -> None:
    text = TABLE.partition("\n")[2]
    check(world, text, target="3")
    check(world, text, target="3", header=False)
    check(world, text, columns=(REST, "3"), header=Word("auto"))


def test_a_header_of_numbers_is_found_by_a_column_that_is_mentioned(world: World) -> None:
    check(world, TABLE.replace("a,b", "1990,1991"), target="y")


def test_a_header_of_numbers_alone_is_found_by_a_name_that_no_other_table_has(world: World) -> None:
    """Columns without a name are called "1", "2" and "3"."""
    text = TABLE.replace("a,b,y", "1990,1991,2")
    check(world, text, columns=(("1990", "1991"), "2"))
    found = world.load(csv("x, y", target="2", header=True))
    world.write("new.csv", "1991,1990\n2,1\n")
    assert read_table(world.base / "new.csv", {"x": found.encoders["x"]}).arrays["x"].tolist() == [[1, 2]]
    world.write("new.csv", "2,1\n")
    with pytest.raises(DataError, match="has no columns `1990`, `1991`") as caught:
        read_table(world.base / "new.csv", {"x": found.encoders["x"]})
    help = "its first row holds numbers: put a line with the names of the columns above it"
    assert caught.value.diagnostics[0].help == (help,)


def test_a_header_of_numbers_can_be_told(world: World) -> None:
    check(world, TABLE.replace("a,b,y", "0,1,2"), target="2", header=True)


def test_a_delimiter_can_be_told(world: World) -> None:
    check(world, TABLE.replace(",", "&"), target="y", delimiter="&")


@pytest.mark.parametrize(
    "columns",
    [
        (("a", "b"), "y"),
        (REST, "y"),
        (("a", "*b*"), "y"),
        (REST, ("y",)),
    ],
)
def test_columns(world: World, columns: Static) -> None:
    check(world, TABLE, columns=columns)


@pytest.mark.parametrize(
    "options",
    [
        {"target": "y", "without": ("id.n", "")},
        {"target": "y", "without": ("i*", "")},
        {"columns": (REST, "y"), "without": ("id.n", "")},
        {"columns": ("*.n", "y"), "without": "id*"},
    ],
)
def test_columns_that_no_name_takes(world: World, options: dict[str, Static]) -> None:
    """They may hold text, and have no name, or one that others have, too."""
    check(world, "id.n,a.n,,b.n,y,\nu,1,v,2,3,\nw,4,x,5,6,\n", **options)


def test_columns_that_are_left_out_and_taken(world: World) -> None:
    world.write("a.csv", TABLE)
    for options in ({"target": "y"}, {"columns": (REST, "y")}):
        found = world.refused(csv("x, y", without="y", **options))
        assert found.message == f"`without` leaves out `y`, which `{next(iter(options))}` gives `y`"
    found = world.refused(csv("x, y", target="y", without="c"))
    assert found.message == "`a.csv` has no column `c`"


def test_columns_that_are_not_chosen_may_hold_text(world: World) -> None:
    text = 'name,a,b,y\n"x, \n""y""",1,2,3\n,4,5,6\n'
    check(world, text, columns=(("a", "b"), "y"))


def test_several_targets(world: World) -> None:
    world.inputs, world.targets = {"image": Type((2,))}, {"digit": Type((), 7), "box": Type((2,))}
    world.write("a.csv", "p_0,digit,p_1,w,x,skipped\n1,2,3,4,5,-\n5,6,7,8,9,-\n")
    found = world.load(csv("image, digit, box", columns=("p_*", "digit", ("x", "w"))))
    assert found.columns["image"].tolist() == [[1, 3], [5, 7]]
    assert found.columns["digit"].tolist() == [2, 6]
    assert found.columns["box"].tolist() == [[5, 4], [9, 8]]


def test_scale_and_reshape_touch_the_inputs(world: World) -> None:
    world.inputs = {"x": Type((1, 2))}
    world.write("a.csv", TABLE)
    found = world.load(csv("x, y", target="y", scale=10, reshape=(1, 2)))
    assert found.columns["x"].tolist() == [[[10, 20]], [[40, 50]]]
    assert found.columns["y"].tolist() == [[3], [6]]


def test_standardize(world: World) -> None:
    """Both columns vary; one that is constant but for rounding is only shifted."""
    world.inputs = {"x": Type((3,))}
    world.write("a.csv", "a,b,c,y\n" + "".join(f"{i},{i * i},0.1,{i}\n" for i in range(10)))
    found = world.load(csv("x, y", target="y", standardize=True))
    x = found.columns["x"]
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(x.std(axis=0)[:2], 1)
    assert abs(x[:, 2]).max() < 1e-15
    assert found.columns["y"].ravel().tolist() == list(range(10))


@pytest.mark.parametrize(
    ("labels", "classes", "numbers", "words"),
    [
        (("0", "2", "1"), 3, [0, 2, 1], None),
        (("0", "2.0", "1e0"), 3, [0, 2, 1], None),
        (("1", "1", "0"), 5, [1, 1, 0], None),
        (("1", "3", "2"), 3, [0, 2, 1], ("1", "2", "3")),
        (("-1", "1", "-1"), 2, [0, 1, 0], ("-1", "1")),
        (("100", "20", "3"), 3, [2, 1, 0], ("3", "20", "100")),
        (("no", " yes", "no"), 2, [0, 1, 0], ("no", "yes")),
        (("10", "b", "9"), 3, [1, 2, 0], ("9", "10", "b")),
        (("b", "10", "9"), 3, [2, 1, 0], ("9", "10", "b")),
        (("é", "ß", "é"), 2, [1, 0, 1], ("ß", "é")),
    ],
)
def test_labels(
    world: World, labels: tuple[str, ...], classes: int, numbers: list[int], words: tuple[str, ...] | None
) -> None:
    world.targets = {"y": Type((), classes)}
    world.write("a.csv", "a,b,y\n" + "".join(f"1,2,{label}\n" for label in labels))
    found = world.load(csv("x, y", target="y"))
    assert found.columns["y"].tolist() == numbers
    assert found.columns["y"].dtype == np.int64
    assert found.classes.get("y") == words
    measured = measure(data(csv("x, y", target="y")), {"y": "class"}, world.base)["y"]
    assert measured == Type((), classes if classes != 5 else 2)
    world.targets = {"y": measured}
    assert world.load(csv("x, y", target="y")).columns["y"].tolist() == numbers


def test_labels_of_the_test_file_follow_the_first(world: World) -> None:
    world.targets = {"y": Type((), 2)}
    world.write("a.csv", "a,b,y\n1,2,no\n3,4,yes\n")
    world.write("b.csv", "a,b,y\n1,2,yes\n")
    found = world.load(csv("x, y", target="y", test="b.csv"))
    assert found.columns["y"].tolist() == [0, 1, 1]
    assert found.part("test")["y"].tolist() == [1]


def test_sequences_share_their_words(world: World) -> None:
    world.inputs = {"x": Type((2,), 3)}
    world.write("a.csv", "a,b,y\nred,green,1\nblue,red,2\n")
    found = world.load(csv("x, y", target="y"))
    assert found.columns["x"].tolist() == [[2, 1], [0, 2]]
    assert found.classes == {"x": ("blue", "green", "red")}


def test_single_precision_comes_back_to_the_bit(world: World) -> None:
    world.inputs = {"x": Type((9,))}
    table = np.random.default_rng(0).normal(size=(1000, 10)).astype(np.float32)
    lines = [",".join("abcdefghiy"), *(",".join(map(str, row)) for row in table.tolist())]
    world.write("a.csv", "\n".join(lines))
    found = world.load(csv("x, y", target="y"))
    np.testing.assert_array_equal(found.columns["x"], table[:, :9].astype(np.float64))


def test_to_count_classes_only_their_column_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is parsed whole once, when its rows are used: what is wrong with its numbers is said then."""
    world.write("a.csv", "a,b,y\n1,2,u\n3,4,v\n5,six,u\n")
    read, loadtxt = list[object](), np.loadtxt
    monkeypatch.setattr(np, "loadtxt", lambda *a, **k: (read.append(k["usecols"]), loadtxt(*a, **k))[1])
    one = csv("x, y", target="y")
    found = measure(data(one), {"x": "float", "y": "class"}, world.base)
    world.inputs, world.targets = {"x": Type((2,))}, {"y": Type((), 2)}
    assert (found, read) == (world.inputs | world.targets, [[2]])
    assert world.refused(one).message == "`a.csv`, line 4, column `b`: `six` is not a number"
    assert read == [[2], None]


def test_where_numbers_are_imputed_so_are_the_classes_of_rows_that_are_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the columns, those are read that say which rows are left out."""
    world.write("a.csv", "a,kind,y\n1,u,1\n,v,2\n3,w,NA\n4,?,3\n")
    read, loadtxt = list[object](), np.loadtxt
    monkeypatch.setattr(np, "loadtxt", lambda *a, **k: (read.append(k["usecols"]), loadtxt(*a, **k))[1])
    one = csv("a, kind, y", columns=("a", "kind", "y"), missing=Word("median"))
    kinds: dict[str, Any] = {"a": "float", "kind": "class", "y": "float"}
    types = {"a": Type((1,)), "kind": Type((), 2), "y": Type((1,))}
    assert measure(data(one), kinds, world.base, ("y",)) == types
    assert [0] not in read
    world.inputs, world.targets = {"a": types["a"], "kind": types["kind"]}, {"y": types["y"]}
    found = world.load(one)
    assert (found.arrays["a"].tolist(), found.classes["kind"]) == ([[1], [1]], ("u", "v"))
    read.clear()
    world.write("a.csv", "a,y\n1,1\n,2\n")
    assert measure(
        data(csv("a, y", target="y", missing=Word("mean"))), {"a": "float", "y": "float"}, world.base, ("y",)
    )
    assert not read
