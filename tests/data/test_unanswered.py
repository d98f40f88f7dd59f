"""Rows of new tables that a net cannot answer: which they are, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dsl.graph import Type
from gpubp.data import read_table
from gpubp.errors import DataError

from .test_apply import houses, saved
from .worlds import World, choice, csv, entry


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    return World(tmp_path, {"x": Type((5,))}, {"y": Type((), 2)})


def test_words_that_nobody_learned(world: World) -> None:
    """Each is told once, where it first stands; a slip of one that is known is told with it."""
    encoders = saved(houses(world), targets=False)
    towns = ["Paris", "Rome", "rome", "Paris", "", "Bern", "Lima", "Kyiv", "Riga", "Baku"]
    world.write("new.csv", "town,size,rooms\n" + "".join(f"{town},10,1\n" for town in towns))
    found = read_table("new.csv", encoders)
    assert found.gaps == (0, 2, 3, 4, 6, 7, 8, 9)
    missed, unknown = found.why
    assert missed == "1 row misses a cell: line 6, column `town`"
    assert unknown == (
        "7 rows hold a category that training never saw: `Paris` in line 2, column `town` and 1 other row; "
        "`rome` in line 4, column `town` (did you mean `Rome`?); `Lima` in line 8, column `town`; "
        "`Kyiv` in line 9, column `town`; and 2 more"
    )
    world.write("whole.csv", "town,size,rooms\nRome,10,1\nBern,10,1\n")
    np.testing.assert_array_equal(found.arrays["x"], read_table("whole.csv", encoders).arrays["x"])


def test_what_looks_like_a_gap_and_was_learned_is_a_word(world: World) -> None:
    """Namibia's code, and a column of numbers that misses a cell beside it."""
    world.inputs = {"x": Type((1,)), "land": Type((), 3)}
    world.targets = {}
    world.write("a.csv", "a,land\n1,NA\n2,DE\n3,FR\n")
    encoders = saved(world.load(csv("x, land", columns=("a", "land"))))
    assert encoders["land"].words == ("DE", "FR", "NA")
    world.write("new.csv", "a,land\n1,NA\n,DE\nNA,FR\n4,n/a\n5,DE\n")
    found = read_table("new.csv", encoders)
    assert (found.arrays["land"].tolist(), found.arrays["x"].tolist()) == ([2, 0], [[1], [5]])
    assert found.gaps == (1, 2, 3)
    assert found.why == ("3 rows miss a cell: line 3, column `a`; line 4, column `a`; line 5, column `land`",)


def test_numbers_that_are_classes_of_an_input(world: World) -> None:
    world.inputs, world.targets = {"k": Type((), 3)}, {}
    world.write("a.csv", "k\n1\n2\n4\n")
    encoders = saved(world.load(csv("k")))
    world.write("new.csv", "k\n4\n3\n1\nNA\n")
    found = read_table("new.csv", encoders)
    assert (found.arrays["k"].tolist(), found.gaps) == ([2, 0], (1, 3))
    assert found.why[1] == "1 row holds a category that training never saw: `3` in line 3, column `k`"


def test_of_a_series_the_windows_are_left_out_that_hold_it(world: World) -> None:
    world.inputs, world.targets = {"past": Type((2,), 2)}, {}
    world.write("a.csv", "kind\nu\nv\nu\nv\n")
    encoders = saved(world.load(entry("past", choice("series", path="a.csv", window=2))))
    world.write("new.csv", "kind\nu\nv\nw\nv\nu\n")
    found = read_table("new.csv", encoders)
    assert (found.arrays["past"].tolist(), found.gaps, found.count) == ([[0, 1], [1, 0]], (1, 2), 4)
    assert found.why == ("1 row holds a category that training never saw: `w` in line 4, column `kind`",)
    world.write("new.csv", "kind\nw\nv\nw\n")
    with pytest.raises(DataError, match=r"no window can be used"):
        read_table("new.csv", encoders)
