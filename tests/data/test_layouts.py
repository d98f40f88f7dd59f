"""What CSV files of the world look like: those that are read, and those that are answered with a remedy.

The cases are those of https://github.com/max-mapper/csv-spectrum, in tables of this project's own, and more.
"""

from __future__ import annotations

import csv as standard
import io
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.graph import Type, Word
from gpubp.data import from_json, read_table, to_json
from gpubp.data.cell_arrays import CellQuery
from gpubp.data.cells import read_cells
from gpubp.data.layout import TextOptions, open_sheet
from gpubp.data.misread import CORRECT

from .worlds import World, csv


@pytest.mark.parametrize(
    "content",
    [
        b'name,a,y\n"Oak, old",1,2\nElm,3,4\n',  # a delimiter in quotes
        b'name,a,y\n"",1,2\n"",3,4\n',  # empty cells, quoted
        b"name,a,y\n,1,2\n,3,4\n",  # empty cells
        b'name,a,y\n"the ""big"" oak",1,2\nElm,3,4\n',  # escaped quotes
        b'name,a,y\n"{""k"": 1, ""l"": [2]}",1,2\nElm,3,4\n',  # JSON in a cell
        b'name,a,y\n"first\nsecond",1,2\nElm,3,4\n',  # line breaks in quotes
        b'name,a,y\r\n"first\r\nsecond",1,2\r\nElm,3,4\r\n',  # the same with CRLF
        b'name,a,y\n"\n\n",1,2\n"\n",3,4\n',  # nothing but line breaks
        b'"name","a","y"\n"x","1","2"\n"z","3","4"\n',  # everything in quotes
        b'name,a,y\n"x ""quoted""\nand broken",1,2\nElm,3,4\n',  # quotes and line breaks
        b"name,a,y\nx,1,2\nz,3,4",  # no line break at the end
        "name,a,y\nübung \N{SNOWMAN},1,2\n\N{CJK UNIFIED IDEOGRAPH-6728},3,4\n".encode(),  # other scripts
        "\ufeffname,a,y\nx,1,2\nz,3,4\n".encode(),  # a byte order mark
        '\ufeff"name","a","y"\nx,1,2\nz,3,4\n'.encode(),  # and quotes behind it
        b"name;a;y\nx, y;1;2\nz;3;4\n",
        b"name\ta\ty\nx,y\t1\t2\nz\t3\t4\n",
        b"name|a|y\nx|1|2\nz|3|4\n",
        b"name,a,y\rx,1,2\rz,3,4\r",  # the line ends of old Macs
        b"name,a,y\nx,1,2\r\nz,3,4\n",  # mixed
        b"\n\nname,a,y\n\nx,1,2\n\n\nz,3,4\n\n",  # blank lines
        b"name,a,y\n" + b"x" * 100_000 + b",1,2\nz,3,4\n",  # a long cell
        b"name , a , y\nx , 1 , 2\nz , 3 , 4\n",
        b"name,a,y\nit's,1,2\n5\" pipe,3,4\n",  # quotes inside of a cell
    ],
)
def test_layouts_of_the_world(world: World, content: bytes) -> None:
    world.inputs = {"x": Type((1,))}
    world.write("a.csv", content)
    found = world.load(csv("x, y", columns=("a", "y")))
    assert found.arrays["x"].tolist() == [[1], [3]]
    assert found.arrays["y"].tolist() == [[2], [4]]


LONG = "`a.csv`, line 3: a cell is longer than 131,072 characters; perhaps a quote never closes"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1,234,5,6", "`a.csv`, line 3: 4 cells, where the header has 3"),
        (b'"1,234",5,6', "`1,234` is not a number: it has a comma"),
        (b'"1,234,567",5,6', "`1,234,567` is not a number: it has thousands separators"),
        (b'"1,5",2,3', "`1,5` is not a number: it has a decimal comma"),
        (b'"1.234,5",2,3', "`1.234,5` is not a number: it has a decimal comma"),
        (b"1 234.5,2,3", "`1 234.5` is not a number: it has thousands separators"),
        (b"\x00,2,3", "`a.csv` is not text: line 3 contains a zero byte"),
        (b"\xe9,2,3", "`a.csv` is not UTF-8 text: line 3, character 1 is the byte 0xe9, which is `é` in `cp1252`"),
        (b'"' + b"x" * 200_000 + b'",2,3', LONG),
        (b'"4,5,6\n7,8,9', "`a.csv`, line 3: a quote opens here and never closes"),
        (b"#4,5,6", "`#4` is not a number"),
        ("\N{MINUS SIGN}-4,5,6".encode(), "`\N{MINUS SIGN}-4` is not a number"),
        (b"4$,5,6", "`4$` is not a number: it has the unit `$`"),
        (b"4kg,5,6", "`4kg` is not a number"),
        (b"50%,5,6", "`50%` is not a number: it has the unit `%`"),
        (b"(5),5,6", "`(5)` is not a number: it is a negative number in accounting notation"),
        (b"true,5,6", "`true` is not a number"),
        (b"2020-01-01,5,6", "`2020-01-01` is not a number"),
    ],
)
def test_torture(world: World, content: bytes, message: str) -> None:
    world.write("a.csv", b"a,b,y\n1,2,3\n" + content + b"\n")
    found = world.refused(csv("x, y", target="y"))
    assert found.message == (message if "a.csv" in message else f"`a.csv`, line 3, column `a`: {message}")


COMMAS = {
    "1,5": 1.5,
    "-0,25": -0.25,
    "1.234,5": 1234.5,
    "12 345": 12345.0,
    "+3": 3.0,
    "1,5e-2": 0.015,
    "1.000.000": 1e6,
    " 7,0 ": 7.0,
}


def test_decimal_commas_between_semicolons(world: World) -> None:
    world.write("a.csv", "a;b;y\n1,5;2;3\n")
    found = world.refused(csv("x, y", target="y"))
    assert found.message == "`a.csv`, line 2, column `a`: `1,5` is not a number: it has a decimal comma"
    assert found.help == ('`decimal = ","` reads such numbers',)


@pytest.mark.parametrize(
    ("text", "options", "numbers"),
    [
        (
            "a;b;y\n" + "".join(f"{cell};Süd, West;2\n" for cell in COMMAS),
            {"columns": ("a", "y")},
            list(COMMAS.values()),
        ),
        ("a;y\n1,5;\n;2,25\nNA;3,5\n2;1\n", {"target": "y", "missing": Word("drop")}, [2]),
        ('"a","y"\n"1,5","2"\n"2,5","3"\n', {"target": "y"}, [1.5, 2.5]),
        ("1,5;2\n2,5;3\n", {"target": "2"}, [1.5, 2.5]),
    ],
)
def test_numbers_with_decimal_commas(world: World, text: str, options: dict[str, Any], numbers: list[float]) -> None:
    world.inputs["x"] = Type((1,))
    world.write("a.csv", text)
    assert world.load(csv("x, y", decimal=",", **options)).part("train")["x"][:, 0].tolist() == numbers


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("1.5", "`1.5` is not a number: it has a decimal point, where the table has commas"),
        ("1.2345", "`1.2345` is not a number: it has a decimal point, where the table has commas"),
        ("1,2,3", "`1,2,3` is not a number"),
        ("1,234.5", "`1,234.5` is not a number"),
        ("1_0", "`1_0` is not a number"),
        ("inf", "`inf` is not a finite number"),
        ("", "the cell is empty"),
    ],
)
def test_what_is_no_number_with_a_decimal_comma(world: World, cell: str, message: str) -> None:
    world.write("a.csv", f"a;y\n1,5;2\n{cell};3\n")
    found = world.refused(csv("x, y", target="y", decimal=","))
    assert found.message == f"`a.csv`, line 3, column `a`: {message}"


cells = st.text(st.sampled_from("ab1.,;\"'\n\r\t é\ufeff|-"), max_size=5)


@given(rows=st.lists(st.tuples(cells, st.integers(-5, 5)), min_size=1, max_size=6), end=st.sampled_from(["\n", "\r\n"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_beside_numbers(world: World, rows: list[tuple[str, int]], end: str) -> None:
    """What the standard library writes is read as it reads it, line breaks and quotes included."""
    file = io.StringIO()
    standard.writer(file, lineterminator=end, quoting=standard.QUOTE_NONNUMERIC).writerows([("word", "a"), *rows])
    world.write("a.csv", file.getvalue())
    sheet = open_sheet(world.base, "a.csv", None, TextOptions(delimiter=",", header=True))
    found = read_cells(sheet, CellQuery([1], []))
    assert found.numbers[1].tolist() == [number for _, number in rows]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("empty", ["", "{d}{d}", " {d} {d}"])
def test_empty_lines_behind_the_last_row_are_none(world: World, end: str, delimiter: str, empty: str) -> None:
    """Not so a last cell that is empty, or an empty line between others."""
    world.inputs, world.targets = {"x": Type((3,))}, {}
    lines = delimiter.join("abc"), delimiter.join("123"), *[empty.format(d=delimiter)] * 3
    for text in (end.join(lines), end.join(lines) + end):
        world.write("a.csv", text)
        assert world.load(csv("x", delimiter=delimiter)).arrays["x"].tolist() == [[1, 2, 3]]
    world.write("a.csv", end.join((delimiter.join("abc"), delimiter * 2, delimiter.join(("4", "5", "")))) + end)
    found = world.refused(csv("x", delimiter=delimiter))
    assert found.message == "`a.csv`, line 2, column `a`: the cell is empty"
    assert any(
        "line 3, column `c`" in note for note in world.refused(csv("x", columns=("c",), delimiter=delimiter)).notes
    )


ROWS = "1;2;3\n4;5;6\n"


@pytest.mark.parametrize(
    ("content", "message", "help"),
    [
        (
            f"Results 2026\n\na;b;y\n{ROWS}",
            "2 lines stand above line 3, which names the ",
            "`skip = 2` leaves them out",
        ),
        (f"Results;2026\na;b;y\n{ROWS}", "1 line stands above line 2, which names the ", "`skip = 1` leaves it out"),
        (f"Results;;\n\na;b;y\n{ROWS}", "2 lines stand above line 3, which names the ", "`skip = 2` leaves them out"),
        (f"x\na;y\n{ROWS}", "`a.csv` has no column `y`", 'its columns are `x`; `delimiter = "..."` parts them'),
        (
            f"a;y\n{ROWS}1;5;6\n",
            "line 2: 3 cells, where the header has 2",
            "the header has one name too few: add it",
        ),
        (
            f"a;b;y\n{ROWS}Source\n",
            "line 4: 1 cell, where the header has 3",
            "delete lines below the table, such as ",
        ),
        (
            "a,b,y\n1,'2,3',2\n1,2,2\n",
            "line 2: 4 cells, where the header has 3",
            "cells that contain the delimiter are in single quotes, which do not quote: write double quotes",
        ),
        (f"a;b;y\n1;2\n{ROWS}", "line 2: 2 cells, where the header has 3", "every row needs a cell for each column"),
        (
            f"a;b;y\n1;2;3;4\n{ROWS}",
            "line 2: 4 cells, where the header has 3",
            "quote cells that contain the delimiter",
        ),
        (
            f"a;b;y\nkg;2;3\n{ROWS}",
            "line 2, column `a`: `kg` is not a number",
            f"{CORRECT}; if this line contains units",
        ),
        (f"a;b;y\n{ROWS}sum;7;9\n", "line 4, column `a`: `sum` is not a number", f"{CORRECT}; if this line is a note"),
        (f"a;b;y\n1;2;3\nx;2;3\n{ROWS}", "line 3, column `a`: `x` is not a number", CORRECT),
        (f"a;a;y\n{ROWS}", "more than one column is named `a`", "rename one; "),
    ],
)
def test_lines_that_belong_to_no_table(world: World, content: str, message: str, help: str) -> None:
    world.write("a.csv", content)
    found = world.refused(csv("x, y", target="y"))
    assert message in found.message
    assert found.help[0].startswith(help)


@pytest.mark.parametrize(
    ("first", "delimiter"), [("sep=;", ";"), ('"sep=|"', "|"), ("SEP=\t", "\t"), ("sep=:", ":"), ("sep=,,", ",")]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_that_tells_spreadsheets_the_delimiter(world: World, first: str, delimiter: str, end: str) -> None:
    lines = [first, delimiter.join("aby"), delimiter.join("123"), delimiter.join("45x")]
    for encoding in ("utf-8-sig", "utf-16"):
        world.write("a.csv", end.join(lines[:3]).encode(encoding))
        found = world.load(csv("x, y", target="y", encoding=encoding))
        assert (found.arrays["x"].tolist(), found.arrays["y"].tolist()) == ([[1, 2]], [[3]])
        assert read_table(world.base / "a.csv", found.encoders).arrays["y"].tolist() == [[3]]
    world.write("a.csv", end.join(lines))
    message = "`a.csv`, line 4, column `y`: `x` is not a number"
    assert world.refused(csv("x, y", target="y")).message == message, "it counts as a line"


def test_new_rows_may_have_the_delimiter_that_was_told_or_another(world: World) -> None:
    world.write("a.csv", "a:b:y\n1:2:3\n")
    encoders = from_json(to_json(world.load(csv("x, y", target="y", delimiter=":")).encoders))
    for text in ("y:b:a\n3:2:1\n", "a,b,y\n1,2,3\n"):
        world.write("new.csv", text)
        assert read_table(world.base / "new.csv", encoders).arrays["x"].tolist() == [[1, 2]]


def test_signs_that_look_like_those_of_ascii(world: World) -> None:
    """A minus sign, and spaces that do not break, as pages of the web have them."""
    world.inputs["x"] = Type((2,))
    world.write("a.csv", "a,b,y\n1,2,3\n\N{MINUS SIGN}4.5,\N{NO-BREAK SPACE}5\N{NARROW NO-BREAK SPACE},6\n")
    assert world.load(csv("x, y", target="y")).arrays["x"].tolist() == [[1, 2], [-4.5, 5]]


def test_quotes_after_spaces(world: World) -> None:
    """As many programs write them: `"a", "b"`."""
    world.inputs, world.targets = {"x": Type((2,))}, {"y": Type((), 2)}
    world.write("a.csv", '"a, m", "b", "y"\n"1.5", "2", "u, v"\n "3", 4 , "w"\n')
    found = world.load(csv("x, y", target="y"))
    assert found.arrays["x"].tolist() == [[1.5, 2], [3, 4]]
    assert found.classes["y"] == ("u, v", "w")
    assert found.encoders["x"].file.known == ("a, m", "b", "y")
