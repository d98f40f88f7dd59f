"""Tables: missing cells, columns of text, parts by a column."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from dsl.graph import Static, Type, Word
from dsl.source import Source, Span
from gpubp.data import read_table
from gpubp.data.cell_arrays import CellQuery
from gpubp.data.cells import _fast, _precise, _spelt_out
from gpubp.data.layout import TextOptions, open_sheet
from gpubp.data.notation import MISSING
from gpubp.errors import DataError

from .worlds import REST, World, choice, csv

HOLES = "a,b,y\n1,10,0\n,20,1\n3,?,0\n5,30,1\nNA,null,0\n"


def missing(world: World, policy: str, text: str = HOLES, **options: Static) -> dict[str, list[object]]:
    world.write("a.csv", text)
    found = world.load(csv("x, y", target="y", missing=Word(policy), **options))
    return {name: column.tolist() for name, column in found.arrays.items()}


def test_rows_that_miss_a_cell_are_left_out(world: World) -> None:
    assert missing(world, "drop") == {"x": [[1, 10], [5, 30]], "y": [[0], [1]]}
    assert world.load(csv("x, y", target="y", missing=Word("drop"))).left_out == 3


@pytest.mark.parametrize(("policy", "a", "b"), [("mean", 3, 20), ("median", 3, 20)])
def test_numbers_that_are_missing_are_filled(world: World, policy: str, a: float, b: float) -> None:
    assert missing(world, policy)["x"] == [[1, 10], [a, 20], [3, b], [5, 30], [a, b]]


def test_only_training_rows_fill(world: World) -> None:
    """And what they say is kept: for cells that are missing in later tables, too."""
    world.write("a.csv", "a,b,y,part\n1,1,0,train\n,2,0,test\n3,3,0,train\n1000,4,0,test\n")
    split = choice("split", column="part")
    found = world.load(csv("x, y", target="y", missing=Word("mean"), scale=2, standardize=True), split=split)
    assert [field.fill for field in found.encoders["x"].fields] == [2, 2]
    assert found.encoders["x"].mean == (4, 4)
    np.testing.assert_array_equal(found.arrays["x"][:, 0], [-1, 0, 1, 998])


@pytest.mark.parametrize(
    ("policy", "text", "message"),
    [
        ("error", HOLES, "`a.csv`, line 3, column `a`: the cell is empty"),
        ("mean", "a,b,y\n1,2,\n1,2,\n", "`a.csv`: no cell of the column `y` contains a number"),
        ("mean", "a,b,y\n1,,3\n1,,3\n", "`a.csv`: no cell of the column `b` contains a number"),
        (
            "mean",
            "a,b,y\n1,2,\n1,,3\n",
            "`a.csv`: no cell of the column `b` contains a number, once rows without a word or a target are left out",
        ),
        ("drop", "a,b,y\n1,,3\n,2,3\n", "`a.csv`: no row is left, for each misses a cell"),
        ("mean", "a,b,y\n1,x,3\n1,2,3\n", "`a.csv`, line 2, column `b`: `x` is not a number"),
        ("drop", "a,b,y\n1,inf,3\n1,2,3\n", "`a.csv`, line 2, column `b`: `inf` is not a finite number"),
    ],
)
def test_missing_cells_that_nothing_can_stand_for(world: World, policy: str, text: str, message: str) -> None:
    world.write("a.csv", text)
    with pytest.raises(DataError) as caught:
        world.load(csv("x, y", target="y", missing=Word(policy)))
    assert caught.value.diagnostics[0].message == message


def test_a_label_that_is_missing(world: World) -> None:
    world.targets = {"y": Type((), 2)}
    text = "a,b,y\n1,2,no\n3,4,\n5,6,yes\n7,8,NA\n"
    assert missing(world, "drop", text) == {"x": [[1, 2], [5, 6]], "y": [0, 1]}
    assert missing(world, "mean", text.replace("5,6", "5,")) == {"x": [[1, 2], [5, 2]], "y": [0, 1]}


def test_messages_count_lines_although_rows_were_left_out(world: World) -> None:
    world.targets = {"y": Type((), 2)}
    world.write("a.csv", "a,b,y\n1,2,0\n,4,1\n5,6,1\n7,8,2\n")
    found = world.refused(csv("x, y", target="y", missing=Word("drop")))
    assert found.message == "`a.csv`, line 5, column `y`: label `2` is not below 2, the number of classes"


@given(
    rows=st.lists(st.tuples(*[st.sampled_from([*sorted(MISSING), "1", "-2.5", " 3 "])] * 3), min_size=1, max_size=6),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    delimiter=st.sampled_from([",", "\t", ";"]),
    blank=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_fast_way_finds_the_same_cells_missing(
    world: World, rows: list[tuple[str, str, str]], end: str, delimiter: str, blank: bool
) -> None:
    assume(any(map(any, rows)))
    text = end.join(delimiter.join(row) for row in [("a", "b", "c"), *rows]) + end * (1 + blank)
    world.write("a.csv", text)
    sheet = open_sheet(world.base, "a.csv", Span(Source("", ""), 0, 0), TextOptions(delimiter=delimiter, header=True))
    fast = _fast(_spelt_out(sheet, MISSING), CellQuery([0, 1, 2], [], MISSING))
    precise = _precise(sheet, CellQuery([0, 1, 2], [], MISSING))
    assert fast is not None
    assert fast.rows == precise.rows
    for i in range(3):
        np.testing.assert_array_equal(fast.numbers[i], precise.numbers[i])


@given(cells=st.lists(st.sampled_from([*sorted(MISSING), "no", "yes", "-", "--"]), min_size=1, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_fast_way_finds_the_same_labels_missing(world: World, cells: list[str]) -> None:
    """Beside other columns that miss none, too."""
    world.write("a.csv", "a,y\n1,no\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells)))
    sheet = open_sheet(world.base, "a.csv", Span(Source("", ""), 0, 0), TextOptions(header=True))
    for missing in (MISSING, MISSING - {"NA"}):
        fast, precise = _fast(sheet, CellQuery([0], [1], missing)), _precise(sheet, CellQuery([0], [1], missing))
        assert fast is not None
        assert fast.labels[1].words == precise.labels[1].words
        np.testing.assert_array_equal(fast.labels[1].values, precise.labels[1].values)


# Columns of text


TOWNS = "town,size,y\nRome,1,0\nBern,2,1\nRome,3,0\n"


def test_one_hot(world: World) -> None:
    world.inputs = {"x": Type((3,))}
    world.write("a.csv", TOWNS)
    world.write("b.csv", "size,y,town\n4,1,Bern\n")
    found = world.load(csv("x, y", target="y", onehot="town", scale=10, standardize=True, test="b.csv"))
    assert found.arrays["x"][:, :2].tolist() == [[0, 1], [1, 0], [0, 1], [1, 0]]
    assert found.encoders["x"].fields[0].words == ("Bern", "Rome")
    np.testing.assert_allclose(found.part("train")["x"].std(axis=0)[2], 1)  # type: ignore[index]
    world.write("b.csv", "town,size,y\nOslo,4,1\n")
    message = "`b.csv`, line 2, column `town`: class `Oslo` does not occur in `a.csv`"
    unknown = world.refused(csv("x, y", target="y", onehot="town", test="b.csv"))
    assert (unknown.message, unknown.help) == (message, ("the classes are `Bern`, `Rome`",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"onehot": ("town", "zip")}, "`a.csv` has no column `zip`"),
        ({"onehot": "y"}, "`onehot` is for columns of numbers that the net takes in; `y` is `y`"),
        ({}, "`a.csv`, line 2, column `town`: `Rome` is text, like the whole column, but numbers are needed"),
    ],
)
def test_columns_of_text_want_a_word(world: World, options: dict[str, Static], message: str) -> None:
    world.inputs = {"x": Type((3,))}
    world.write("a.csv", TOWNS)
    found = world.refused(csv("x, y", target="y", **options))
    assert found.message == message


# Parts by a column


def test_a_column_says_the_part(world: World) -> None:
    world.write("a.csv", "part,a,b,y\ntest,1,2,3\ntrain,4,5,6\n valid ,7,8,9\ntrain,1,1,1\n")
    found = world.load(csv("x, y", target="y"), split=choice("split", column=Word("part")))
    assert {part: rows.tolist() for part, rows in found.parts.items()} == {"train": [1, 3], "valid": [2], "test": [0]}
    assert found.arrays["x"].shape == (4, 2)


TWICE = "the test rows have a file of their own, and `part` says `test` too"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,b,y\n1,2,3\n", {}, "no table of `data` has a column `part`"),
        ("a,b,y,part\n1,2,3,test\n", {}, "`part` says `train` in no row: none is left for training"),
        ("a,b,y,part\n1,2,3,1\n", {}, "`a.csv`, line 2, column `part`: `1` is not a part of the data"),
        ("a,b,y,part\n1,2,3,train\n1,2,3,test\n", {"test": "a.csv"}, TWICE),
    ],
)
def test_a_column_that_does_not_say_it(world: World, text: str, options: dict[str, Static], message: str) -> None:
    world.write("a.csv", text)
    found = world.refused(csv("x, y", target="y", **options), split=choice("split", column="part"))
    assert (found.code, found.message) == ("E0421", message)


def test_rest_and_patterns_leave_the_column_of_parts_out(world: World) -> None:
    world.write("a.csv", "p_1,p_part,p_2,y\n1,train,2,3\n4,train,5,6\n")
    split = choice("split", column="p_part")
    for columns in ((REST, "y"), ("p_*", "y")):
        assert world.load(csv("x, y", columns=columns), split=split).arrays["x"].tolist() == [[1, 2], [4, 5]]


def test_a_column_that_is_there_is_not_another_misspelt(world: World) -> None:
    world.write("a.csv", "p_0,p_1\n1,2\n3,4\n")
    learnt = World(world.base, {"x": Type((2,))}).load(csv("x")).encoders
    world.write("new.csv", "p_0\n1\n")
    with pytest.raises(DataError) as caught:
        read_table(world.base / "new.csv", learnt)
    assert caught.value.diagnostics[0].help == ("its columns are `p_0`",)


def test_a_cell_may_be_missing_as_a_number_alone(world: World) -> None:
    """`-` is a word among labels: a column of both kinds misses it all the same."""
    world.inputs, world.targets = {"x": Type((1,))}, {"y": Type((), 2)}
    world.write("a.csv", "a\n0\n1\n-\n1\n")
    found = world.load(csv("x, y", columns=("a", "a"), missing=Word("drop")))
    assert found.arrays["x"].tolist() == [[0], [1], [1]]
    assert found.arrays["y"].tolist() == [0, 1, 1]
    assert found.left_out == 1
