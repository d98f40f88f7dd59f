"""Rows written in the `.net` file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dsl.diagnostics import DiagnosticError
from dsl.graph import Static, Type, Word
from gpubp.data import measure

from .worlds import World, data, entry

X = entry("x", ((0, 0), (0, 1), (1, 0), (1, 1)))
Y = entry("y", ((0,), (1,), (1,), (0,)))


def test_xor(world: World) -> None:
    xor = world.load(X, Y)
    np.testing.assert_array_equal(xor.columns["x"], np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64))
    assert xor.columns["y"].shape == (4, 1)
    assert xor.columns["y"].dtype == np.float64


def test_types_are_measured_without_numpy() -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from gpubp.data import measure\n"
        "from tests.data.xor import XOR\n"
        "print(*measure(XOR, {'x': 'float', 'y': 'float'}, Path()).values())\n"
        "sys.exit('numpy' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[2] [1]\n"), done.stderr


def test_labels(world: World) -> None:
    world.targets = {"y": Type((), 3)}
    found = world.load(entry("x", ((0, 0),) * 3), entry("y", (2, 0, 2.0)))
    assert found.columns["y"].tolist() == [2, 0, 2]
    assert found.columns["y"].dtype == np.int64
    assert found.classes == {}


def test_words_are_labels_in_sorted_order(world: World) -> None:
    world.targets = {"y": Type((), 2)}
    found = world.load(entry("x", ((0, 0),) * 3), entry("y", (Word("no"), "yes", Word("no"))))
    assert found.columns["y"].tolist() == [0, 1, 0]
    assert found.classes == {"y": ("no", "yes")}


def test_sequences_of_labels(world: World) -> None:
    world.inputs = {"x": Type((3,), 5)}
    found = world.load(entry("x", ((1, 2, 4), (0, 0, 0))), entry("y", ((1,), (2,))))
    assert found.columns["x"].tolist() == [[1, 2, 4], [0, 0, 0]]


@pytest.mark.parametrize(
    ("rows", "kind", "type"),
    [
        (((1, 2, 3),), "float", Type((3,))),
        ((((1, 2), (3, 4)),), "float", Type((2, 2))),
        ((0, 3, 1), "class", Type((), 4)),
        ((0, 0), "class", Type((), 1)),
        ((Word("a"), Word("b"), Word("a")), "class", Type((), 2)),
        (((0, 3), (1, 1)), "class", Type((2,), 4)),
    ],
)
def test_measured(rows: tuple[Static, ...], kind: str, type: Type) -> None:
    assert measure(data(entry("x", rows)), {"x": kind}, Path()) == {"x": type}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("rows", "text", "code", "message", "place"),
    [
        ((), "[]", "E0414", "`x` has no rows", "[]"),
        (((1, 2), (3,)), "[[1, 2], [3]]", "E0417", "row 2 of `x` has 1 value, other rows have 2 values", "[3]"),
        (((1,), (2, 3)), "[[1], [2, 3]]", "E0417", "row 1 of `x` has 1 value, other rows have 2 values", "[1]"),
        (((1, 2), 3), "[[1, 2], 3]", "E0417", "row 2 of `x` has a single value, other rows have 2 values", "3"),
        (((1, (2,)),), "[[1, [2]]]", "E0417", "row 1 of `x` has uneven lists", "[1, [2]]"),
        (((1,), (2,)), "[[1], [2]]", "E0418", "the rows of `x` have shape [1], its type says [2]", "[1]"),
        (
            ((1, 2), (3, Word("a"))),
            '[[1, 2], # ]\n [3, a,],]',
            "E0416",
            "row 2 of `x`: `a` is not a number",
            "[3, a,]",
        ),
        (((1, 10**400),), "big", "E0416", "row 1 of `x`: a number is too large for a float", "big"),
        (((True, 0),), "[[true, 0]]", "E0416", "row 1 of `x`: `true` is not a number", "[true, 0]"),
    ],
)  # fmt: skip
def test_rows_that_do_not_fit(
    world: World, rows: tuple[Static, ...], text: str, code: str, message: str, place: str
) -> None:
    found = world.refused(entry("x", rows, text), Y)
    assert (found.code, found.message) == (code, message)
    assert found.span is not None
    assert found.span.text == place


def test_one_row_stands_in_brackets_too(world: World) -> None:
    found = world.refused(entry("x", (0.05, 0.1)), Y)
    assert found.message == "the rows of `x` are single values, its type says [2]"
    assert found.help == ("each row stands in brackets of its own: `x = [[...]]` is one row",)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((0, 1, 3), "row 3 of `y`: label `3` is not below 3, the number of classes"),
        ((0, -1, 1), "row 2 of `y`: label `-1` is negative"),
        ((0, 1.5, 1), "row 2 of `y`: label `1.5` is not whole"),
        ((0, float("inf"), 1), "row 2 of `y`: label `inf` is not whole"),
        ((0, Word("a"), 1), "row 1 of `y`: `0` stands among words"),
        ((Word("a"), Word("b"), 2), "row 3 of `y`: `2` stands among words"),
        ((0, True, 1), "row 2 of `y`: `true` is not a label"),
        ((Word("a"), Word("b")), "`y` has 2 different words (`a`, `b`), its type says class(3)"),
        (((0,), (1,)), "the rows of `y` have shape [1], its type says class(3)"),
    ],
)
def test_labels_that_do_not_fit(world: World, rows: tuple[Static, ...], message: str) -> None:
    world.targets = {"y": Type((), 3)}
    assert world.refused(X, entry("y", rows)).message == message


def test_a_few_places_and_the_count(world: World) -> None:
    found = world.refused(entry("x", ((Word("a"), 1),) * 10), Y)
    (note,) = found.notes
    assert note.startswith(
        "there are 10 values that are not numbers; the next: row 2 of `x`: `a` is not a number; row 3"
    )
    assert note.count("row") == 3


def test_names_have_as_many_rows(world: World) -> None:
    found = world.refused(X, entry("y", ((1,), (2,))))
    assert (found.code, found.message) == ("E0420", "`y` has 2 rows, `x` has 4")
    assert [label.text for label in found.labels] == ["4 rows"]


def test_brackets_are_suggested(world: World) -> None:
    assert world.refused(X, entry("y", (0, 1, 1, 0))).help == ("put each row in brackets: `y = [[...], [...]]`",)


def test_names_and_data_match(world: World) -> None:
    assert world.refused(X).message == "`data` has nothing for `y`"
    found = world.refused(X, Y, entry("x_2", ((1,),)))
    assert (found.code, found.message) == ("E0410", "`x_2` is neither an input nor a target")
    with pytest.raises(DiagnosticError, match="nothing for `z`"):
        measure(data(X), {"z": "float"}, Path())
