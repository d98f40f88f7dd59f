"""Cells and labels of a table that cannot be used: one clear diagnostic each, with file, row and column."""

from __future__ import annotations

import pytest

import gpubp
from dsl.graph import Static, Type, Word
from gpubp.data import load, read_table
from gpubp.errors import DataError, NetError

from .test_bad_input import GOOD, refused
from .worlds import World, csv, entry

# Cells


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("7,abc,9", "`abc` is not a number"),
        ("7,1_0,9", "`1_0` is not a number"),
        ("7,٣,9", "`٣` is not a number"),
        ("7,0x10,9", "`0x10` is not a number"),
        ("7,'8',9", "`'8'` is not a number: it is in single quotes"),
        ("7,,9", "the cell is empty"),
        ('7,"",9', "the cell is empty"),
        ("7,nan,9", "`nan` is not a finite number"),
        ("7,-inf,9", "`-inf` is not a finite number"),
        ("7,1e999,9", "`1e999` is not a finite number"),
    ],
)
def test_cells(world: World, cells: str, message: str) -> None:
    refused(world, GOOD + cells + "\n", "E0416", f"`a.csv`, line 4, column `b`: {message}")
    refused(world, "a,b,y\n\n" + cells + "\n1,2,3\n", "E0416", f"`a.csv`, line 3, column `b`: {message}")


def test_a_row_that_follows_a_line_break_in_quotes(world: World) -> None:
    text = 'name,a,b,y\n"two\nlines",1,2,3\nplain,4,?,6\n'
    refused(world, text, "E0416", "`a.csv`, line 4, column `b`: `?` is not a number", columns=(("a", "b"), "y"))


def test_an_empty_cell_of_the_only_column(world: World) -> None:
    world.inputs, world.targets = {"x": Type((1,))}, {}
    world.write("a.csv", "a\n1\n\n2\n\n\n")
    assert world.refused(csv("x")).message == "`a.csv`, line 3, column `a`: the cell is empty"
    world.write("a.csv", "a\n1\n2\n\n\n")
    assert world.load(csv("x")).columns["x"].tolist() == [[1], [2]]


def test_a_few_places_and_the_count(world: World) -> None:
    world.write("a.csv", GOOD + "?,2,3\n" * 1000)
    found = world.refused(csv("x, y", target="y"))
    assert found.message == "`a.csv`, line 4, column `a`: `?` is not a number"
    (note,) = found.notes
    assert note.startswith("there are 1,000 cells that are not numbers; the next: `a.csv`, line 5, column `a`: `?`")
    assert note.count("line") == 3


def test_a_column_of_text(world: World) -> None:
    message = "`a.csv`, line 2, column `b`: `no` is text, like the whole column, but numbers are needed"
    refused(world, "a,b,y\n1,no,3\n4,yes,6\n", "E0416", message, "leaves the column out")


def test_numbers_in_single_quotes(world: World) -> None:
    world.write("a.csv", "a,b,y\n'1','2.5',3\n'2','4',3\n")
    found = world.refused(csv("x, y", target="y"))
    assert found.message == "`a.csv`, line 2, column `a`: `'1'` is not a number: it is in single quotes"
    assert found.help == ("delete them, or write double quotes",)


def test_ragged_rows(world: World) -> None:
    refused(world, GOOD + "7,8\n", "E0417", "`a.csv`, line 4: 2 cells, where the header has 3")
    refused(world, GOOD + "7,8,9,\n", "E0417", "`a.csv`, line 4: 4 cells, where the header has 3")
    refused(world, "1,2,3\n4\n", "E0417", "`a.csv`, line 2: 1 cell, where the first row has 3", target="3")


def test_a_short_row_where_units_are_compared(world: World) -> None:
    """Measuring compares the units of rows that nobody has judged yet."""
    world.write("a.csv", "a,b,y\n1,2kg,3\n1\n1,2kg,3\n")
    reader = 'csv("a.csv", target = "y", units = ["$", "kg"])'
    text = f"data {{ x, y = {reader} }}\nmodel {{\n  input x: [?]\n  target y: [1]\n  output p = x -> dense(1)\n}}"
    net = gpubp.loads(text, base=world.base)
    with pytest.raises(DataError, match="line 3: 1 cell, where the header has 3"):
        load(net.graph, net.base, 0)


def test_several_kinds_at_once(world: World) -> None:
    world.write("a.csv", GOOD + "7,8\n,?,9\nnan,1,2\n")
    with pytest.raises(DataError) as caught:
        world.load(csv("x, y", target="y"), entry("z", ((1,),)))
    assert isinstance(caught.value, NetError)
    assert [found.code for found in caught.value.diagnostics] == ["E0410", "E0417", "E0416", "E0416", "E0416"]


def test_shapes(world: World) -> None:
    refused(world, "a,y\n1,2\n", "E0418", "`x` has shape [1] in the data, its type is [2]", "`x: [1]`, or `x: [?]`")
    world.inputs = {"x": Type((1, 2))}
    refused(world, GOOD, "E0418", "`x` has shape [2] in the data, its type is [1, 2]", "`reshape = [1, 2]`")
    message = "no name has the 4 elements that `reshape` wants (`x: [2]`, `y: [1]`)"
    refused(world, GOOD, "E0418", message, target="y", reshape=(2, 2))


# Labels


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("0,1,2,3", "`a.csv`, line 5, column `y`: label `3` is not below 3, the number of classes"),
        ("0,1,5", "`a.csv`, line 4, column `y`: label `5` is not below 3, the number of classes"),
        ("0,-1", "`a.csv`, line 3, column `y`: label `-1` is negative"),
        ("0,1,1.5", "`a.csv`, line 4, column `y`: label `1.5` is not a whole number"),
        ("0,nan", "`a.csv`, line 3, column `y`: label `nan` is not a whole number"),
        ("0,1e300", "`a.csv`, line 3, column `y`: label `1e+300` is too large to be told from others"),
        ("0, ,1", "`a.csv`, line 3, column `y`: the label is empty"),
        ("no,,yes", "`a.csv`, line 3, column `y`: the label is empty"),
        ("a,b", "`a.csv`: `y` holds 2 classes (`a`, `b`), but the type of `y` is class(3)"),
    ],
)
def test_labels(world: World, labels: str, message: str) -> None:
    world.targets = {"y": Type((), 3)}
    refused(world, "a,b,y\n" + "".join(f"1,2,{label}\n" for label in labels.split(",")), "E0419", message)


def test_a_word_that_is_probably_wrong(world: World) -> None:
    world.targets = {"y": Type((), 2)}
    text = "a,b,y\n" + "1,2,no\n1,2,yes\n" * 3 + "1,2,yse\n"
    message = "`a.csv`: `y` holds 3 classes (`no`, `yes`, `yse`), but the type of `y` is class(2)"
    refused(world, text, "E0419", message, "`yse` stands only in `a.csv`, line 8, column `y`")


def test_an_unknown_class_in_the_test_file(world: World) -> None:
    world.targets = {"y": Type((), 2)}
    world.write("b.csv", "a,b,y\n1,2,no\n1,2,Yes\n")
    message = "`b.csv`, line 3, column `y`: class `Yes` does not occur in `a.csv`"
    options: dict[str, Static] = {"target": "y", "test": "b.csv"}
    refused(world, "a,b,y\n1,2,no\n3,4,yes\n", "E0419", message, "did you mean `yes`?", **options)
    world.write("b.csv", "a,b,y\n1,2,3\n")
    message = "`b.csv`, line 2, column `y`: label `3` is not below 2, the number of classes"
    refused(world, "a,b,y\n1,2,0\n3,4,1\n", "E0419", message, **options)
    message = "`b.csv`, line 2, column `y`: class `3` does not occur in `a.csv`"
    refused(world, "a,b,y\n1,2,1\n3,4,2\n", "E0419", message, **options)


@pytest.mark.parametrize("target", ["kind", "town"])
def test_words_of_rows_that_are_left_out_are_none(world: World, target: str) -> None:
    """Neither classes to learn, nor unknown ones where a run reads new rows."""
    world.inputs, world.targets = {"x": Type((1,))}, {"y": Type((), 2)}
    rows = "size,kind,town\n1,a,R\n2,b,S\n,c,R\n4,a,T\n5,a,R\n"
    world.write("a.csv", rows.replace("4,a,T", ",a,T"))
    entry = csv("x, y", columns=("size", target), missing=Word("drop"))
    data = world.load(entry)
    assert data.classes["y"] == (("a", "b") if target == "kind" else ("R", "S"))
    assert data.columns["y"].tolist() == [0, 1, 0]
    world.write("new.csv", f"size,{target}\n,?!\n1,{data.classes['y'][1]}\n,NA\n")
    found = read_table(world.base / "new.csv", data.encoders)
    assert (found.arrays["y"].tolist(), list(found.gaps)) == ([1], [0, 2])
    world.write("new.csv", f"size,{target}\n1,?!\n,{data.classes['y'][0]}\n")
    with pytest.raises(DataError, match=rf"line 2, column `{target}`: class `\?!` does not occur"):
        read_table(world.base / "new.csv", data.encoders)


def test_what_cannot_be_filled_is_left_out(world: World) -> None:
    """A word, or a number that is to be learned; of new rows too, where nothing is learned any more."""
    world.inputs["kind"] = Type((), 2)
    world.write("a.csv", "a,b,kind,y\n1,,u,3\n2,5,,4\n3,6,v,\n,7,v,5\n")
    options: dict[str, Static] = {"columns": (("a", "b"), "kind", "y"), "missing": Word("median")}
    found = world.load(csv("x, kind, y", **options))
    assert found.left_out == 2
    assert {name: rows.tolist() for name, rows in found.part("train").items()} == {
        "x": [[1, 7], [1, 7]],
        "kind": [0, 1],
        "y": [[3], [5]],
    }
    inputs = {name: one for name, one in found.encoders.items() if one.feature}
    rows = read_table(str(world.base / "a.csv"), inputs)
    assert rows.gaps == (1,)
    assert rows.arrays["x"].tolist() == [[1, 7], [3, 6], [1, 7]]
    assert read_table(str(world.base / "a.csv"), found.encoders).gaps == (1, 2)
