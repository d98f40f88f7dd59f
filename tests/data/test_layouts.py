"""What CSV files of the world look like: those that are read, and those that are answered with a remedy.

The cases are those of https://github.com/max-mapper/csv-spectrum, in tables of this project's own, and more.
"""

from __future__ import annotations

import csv as standard
import io

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.graph import Type
from gpubp.data.cells import read_cells
from gpubp.data.sheet import open_sheet

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
        (b'"1,234",5,6', "`1,234` is not a number: it has a decimal comma"),
        (b'"1,234,567",5,6', "`1,234,567` is not a number: it has signs between thousands"),
        (b'"1,5",2,3', "`1,5` is not a number: it has a decimal comma"),
        (b'"1.234,5",2,3', "`1.234,5` is not a number: it has a decimal comma"),
        (b"1 234.5,2,3", "`1 234.5` is not a number: it has signs between thousands"),
        (b"\x00,2,3", "`a.csv` is no text: line 3 holds a zero byte"),
        (b"\xe9,2,3", "`a.csv` is not UTF-8 text: line 3 holds the byte 0xe9"),
        (b'"' + b"x" * 200_000 + b'",2,3', LONG),
        (b'"4,5,6\n7,8,9', "`a.csv`, line 3: a quote opens here and never closes"),
        (b"#4,5,6", "`#4` is not a number"),
        ("\N{MINUS SIGN}4,5,6".encode(), "`\N{MINUS SIGN}4` is not a number"),
        (b"4$,5,6", "`4$` is not a number"),
        (b"50%,5,6", "`50%` is not a number"),
        (b"true,5,6", "`true` is not a number"),
        (b"2020-01-01,5,6", "`2020-01-01` is not a number"),
    ],
)
def test_torture(world: World, content: bytes, message: str) -> None:
    world.write("a.csv", b"a,b,y\n1,2,3\n" + content + b"\n")
    found = world.refused(csv("x, y", target="y"))
    assert found.message == (message if "a.csv" in message else f"`a.csv`, line 3, column `a`: {message}")


def test_decimal_commas_between_semicolons(world: World) -> None:
    world.write("a.csv", "a;b;y\n1,5;2;3\n")
    found = world.refused(csv("x, y", target="y"))
    assert found.message == "`a.csv`, line 2, column `a`: `1,5` is not a number: it has a decimal comma"
    assert found.help == ("numbers have a decimal point; save the table with points",)


cells = st.text(st.sampled_from("ab1.,;\"'\n\r\t é\ufeff|-"), max_size=5)


@given(rows=st.lists(st.tuples(cells, st.integers(-5, 5)), min_size=1, max_size=6), end=st.sampled_from(["\n", "\r\n"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_beside_numbers(world: World, rows: list[tuple[str, int]], end: str) -> None:
    """What the standard library writes is read as it reads it, line breaks and quotes included."""
    file = io.StringIO()
    standard.writer(file, lineterminator=end, quoting=standard.QUOTE_NONNUMERIC).writerows([("word", "a"), *rows])
    world.write("a.csv", file.getvalue())
    sheet = open_sheet(world.base, "a.csv", None, delimiter=",", header=True)
    found = read_cells(sheet, [1], [])
    assert found.numbers[1].tolist() == [number for _, number in rows]
