"""Data that cannot be used: one clear diagnostic each, with file, row and column."""

from __future__ import annotations

import contextlib
import gzip
import os
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.diagnostics import DiagnosticError
from dsl.graph import Static, Type, Word
from gpubp.data import measure
from gpubp.errors import DataError
from gpubp.registry import ENTRIES

from .worlds import REST, World, choice, csv, data, entry

GOOD = "a,b,y\n1,2,3\n4,5,6\n"


def refused(world: World, text: str | bytes, code: str, message: str, help: Static = "", **options: Static) -> None:
    world.write("a.csv", text)
    found = world.refused(csv("x, y", **(options or {"target": "y"})))
    assert (found.code, found.message) == (code, message)
    assert str(help) in "".join((*found.help, *found.notes))


# Files


def test_no_file(world: World) -> None:
    world.write("iris.csv", GOOD)
    found = world.refused(csv("x, y", "Irs.csv", target="y"))
    assert (found.code, found.message) == ("E0412", "`Irs.csv` does not exist")
    assert found.help == ("did you mean `iris.csv`?",)
    assert found.span is not None
    assert found.span.text == "'Irs.csv'"
    far = world.refused(csv("x, y", "data/other.txt", target="y"))
    assert far.help == ("paths start in the folder of the `.net` file",)


def test_paths_have_slashes(world: World) -> None:
    (world.base / "d").mkdir()
    world.write("d/a.csv", GOOD)
    assert world.load(csv("x, y", "d/a.csv", target="y")).columns["x"].shape == (2, 2)
    found = world.refused(csv("x, y", "d\\a.csv", target="y"))
    assert found.help == ('paths are written with `/`: "d/a.csv"',)


def test_a_directory(world: World) -> None:
    (world.base / "d").mkdir()
    assert world.refused(csv("x, y", "d", target="y")).message == "`d` is a directory, not a file"
    assert world.refused(csv("x, y", "", target="y")).message == "`` is no path of a file"


def test_what_might_never_end(world: World) -> None:
    os.mkfifo(world.base / "pipe")
    assert world.refused(csv("x, y", "pipe", target="y")).message == "`pipe` is not a regular file"


def test_no_permission(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("a.csv", GOOD)

    def deny(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", deny)
    assert world.refused(csv("x, y", target="y")).message == "`a.csv` may not be read: permission denied"


def test_no_text(world: World) -> None:
    packed = gzip.compress(GOOD.encode() * 100)
    refused(world, b"a,b,y\n1,\0,3\n", "E0413", "`a.csv` is not text: line 2 contains a zero byte")
    refused(
        world,
        b"a,b,y\n1,\xe9,3\n",
        "E0413",
        "`a.csv` is not UTF-8 text: line 2, character 3 is the byte 0xe9, which is `é` in `cp1252`",
        '`encoding = "cp1252"`',
    )
    refused(
        world, GOOD.encode("utf-16"), "E0413", "`a.csv` is UTF-16 text, not UTF-8", '`encoding = "utf-16"` reads it; or'
    )
    refused(
        world,
        GOOD.encode("utf-16-le"),
        "E0413",
        "`a.csv` is UTF-16 text, not UTF-8",
        '`encoding = "utf-16-le"` reads it',
    )
    refused(world, GOOD.encode("utf-32"), "E0413", "`a.csv` is UTF-32 text, not UTF-8", "save it again")
    refused(world, packed[:-10], "E0413", "`a.csv` is cut short: its gzip data ends too early")
    refused(world, gzip.compress(packed), "E0413", "`a.csv` is packed by gzip twice, not text", "unpack it once")
    refused(world, packed[:10] + b"\xff" * 20, "E0413", "`a.csv` is damaged: its gzip data cannot be unpacked")
    refused(world, packed[:-6] + b"\0" * 6, "E0413", "`a.csv` is damaged: its gzip data cannot be unpacked")


def test_no_rows(world: World) -> None:
    refused(world, "", "E0414", "`a.csv` is empty")
    refused(world, " \n\n", "E0414", "`a.csv` is empty")
    refused(world, gzip.compress(b""), "E0414", "`a.csv` is empty")
    refused(world, "a,b,y\n", "E0414", "`a.csv` has a header, but no rows")


def test_broken_quotes(world: World) -> None:
    refused(world, GOOD + '7,"8,9\n', "E0413", "`a.csv`, line 4: a quote opens here and never closes")
    refused(world, GOOD + '7,"8"8,9\n', "E0413", "`a.csv`, line 4: a closing quote is followed by more text")


# Columns


def test_missing_columns(world: World) -> None:
    refused(world, GOOD, "E0415", "`a.csv` has no column `Y`", "did you mean `y`?", target="Y")
    refused(world, GOOD, "E0415", "`a.csv` has no column `price`", "its columns are `a`, `b`, `y`", target="price")
    refused(world, "1,2,3\n", "E0415", "`a.csv` has no column `y`", 'its columns are "1" to "3"')
    refused(world, GOOD, "E0415", "no column of `a.csv` matches `p_*`", "`a`, `b`, `y`", columns=(REST, "p_*"))
    refused(world, GOOD, "E0415", "`a.csv` has no columns left for `x`", columns=(REST, ("a", "b", "y")))


def test_missing_columns_of_the_test_file(world: World) -> None:
    world.write("b.csv", "a,c,y\n1,2,3\n")
    refused(world, GOOD, "E0415", "`b.csv` has no column `b`", target="y", test="b.csv")
    world.write("b.csv", "1,2\n")
    message = "`b.csv` has 2 columns, `a.csv` has 3"
    refused(world, GOOD.partition("\n")[2], "E0415", message, target="3", test="b.csv")


def test_names_of_columns(world: World) -> None:
    refused(world, "a,a,y\n1,2,3\n", "E0415", "`a.csv`: more than one column is named `a`")
    refused(world, ",b,y\n1,2,3\n", "E0415", "`a.csv`: column 1 has no name in the header")


def test_options_that_do_not_go_together(world: World) -> None:
    both = "`target` and `columns` both say which columns to take"
    refused(world, GOOD, "E0411", both, target="y", columns=(REST, "y"))
    refused(world, GOOD, "E0411", "`columns` has 1 entry for 2 names", "one entry per name", columns=(REST,))
    refused(world, GOOD, "E0411", "`columns` has 3 entries for 2 names", '[["a", "b"]]', columns=("a", "b", "y"))
    refused(world, GOOD, "E0411", "nothing says which columns are `x`, `y`", "target", scale=2)
    refused(world, GOOD, "E0411", "`rest` stands for one name only, but `x`, `y` have it", columns=(REST, REST))
    refused(world, GOOD, "E0411", "`b` is not a column's name here", '"b"', columns=(REST, Word("b")))
    refused(world, GOOD, "E0411", "`columns` gives `x` the column `a` twice", columns=(("a", "*"), "y"))
    refused(world, GOOD, "E0411", "`scale` is 0; a finite number other than 0 is wanted", target="y", scale=0)
    refused(world, GOOD, "E0411", "`delimiter` is not a single character that can part cells", delimiter='"')


def test_target_is_for_two_names(world: World) -> None:
    world.write("a.csv", GOOD)
    found = world.refused(csv("x", target="y"), entry("y", ((1,), (2,))))
    assert found.message == "`target` splits a table between two names, and there is one"


# The rest


@given(
    text=st.text(st.sampled_from('01.-,"\n\r;a \té\ufeff'), max_size=60),
    kinds=st.sampled_from([((2,), None), ((), 2), ((1,), None)]),
    options=st.sampled_from([{"target": "a"}, {"target": "2"}, {"columns": (REST, "1")}, {"columns": ("*", "*")}]),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_diagnostics_escape(
    world: World, text: str, kinds: tuple[tuple[int, ...], int | None], options: dict[str, Static]
) -> None:
    world.targets = {"y": Type(*kinds)}
    for content in (text, "a,b\n" + text, gzip.compress(text.encode())[:50]):
        world.write("a.csv", content)
        with contextlib.suppress(DataError):
            found = world.load(csv("x, y", **options))
            assert np.isfinite(found.columns["x"]).all()


def test_names_have_as_many_rows(world: World) -> None:
    world.inputs = {"x": Type((2,))}
    world.write("a.csv", "a,b\n1,2\n3,4\n")
    found = world.refused(csv("x"), entry("y", ((1,),)))
    assert (found.code, found.message) == ("E0420", "`y` has 1 row, `x` has 2")
    world.write("b.csv", "a,b\n1,2\n")
    found = world.refused(csv("x", test="b.csv"), entry("y", ((1,), (2,))))
    assert found.message == "`y` has 0 test rows, `x` has 1"


def test_rows_that_were_left_out_are_those_of_all_names(world: World) -> None:
    """As many are left of each, and none of the examples was written by anybody."""
    world.inputs = {"x": Type((1,))}
    world.write("a.csv", "a,k\n1,0\n,0\n3,0\n")
    world.write("b.csv", "b,k\n10,0\n20,0\n,0\n")
    drop = Word("drop")
    found = world.refused(csv("x", columns=("a",), missing=drop), csv("y", path="b.csv", columns=("b",), missing=drop))
    assert (found.code, found.message) == ("E0420", "`x` and `y` leave out different rows, which miss a cell")
    world.write("b.csv", "b,k\n10,0\n,0\n30,0\n")
    rows = world.load(csv("x", columns=("a",), missing=drop), csv("y", path="b.csv", columns=("b",), missing=drop))
    assert (rows.arrays["x"].tolist(), rows.arrays["y"].tolist()) == ([[1], [3]], [[10], [30]])
    drawn = choice("normal", rows=2, shape=(1,))
    assert world.load(csv("x", columns=("a",), missing=drop), entry("y", drawn)).left_out == 1


def test_measuring_finds_the_same(world: World) -> None:
    with pytest.raises(DiagnosticError, match="does not exist"):
        measure(data(csv("x, y", target="y")), {"x": "float"}, world.base)


def test_no_data_section(world: World) -> None:
    assert ("reader", "csv") in ENTRIES
    assert world.refused(entry("x, y", choice("cvs", path="a"))).message == "there is no reader `cvs`"


@pytest.mark.parametrize("where", ["gpubp.data.files.Path.read_bytes", "gpubp.data.feed.suspicions"])
def test_too_little_memory(world: World, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    world.write("a.csv", GOOD)

    def fail(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(where, fail)
    found = world.refused(csv("x, y", target="y"))
    assert found.code == "E0425"
    assert found.message.endswith("the data does not fit into memory")
