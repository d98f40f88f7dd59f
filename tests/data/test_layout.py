"""How a text is laid out as a table: white space between cells, row names, lines above the header."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from dsl.graph import Type, Word
from gpubp.data import read_table
from gpubp.data.layout import TextOptions, open_sheet, sheet_of
from gpubp.errors import DataError

from .worlds import World, csv

ROWS = "1;2;3\n4;5;6\n"


@pytest.mark.parametrize(
    "content",
    [
        "a b y\n1 2 3\n4 5 6\n",
        "  a    b\ty\n  1 \t 2  3 \n 4 5 6",  # columns of a width, and tabs between them
        "a b y\r\n1 2 3\r\n\r\n4 5 6\r\n",
        '"a" "b" "y"\n1 2 3\n"4" 5 6\n',
    ],
)
def test_white_space_parts_cells(world: World, content: str) -> None:
    world.write("a.csv", content)
    for options in ({}, {"delimiter": " "}):
        found = world.load(csv("x, y", target="y", **options))
        assert (found.arrays["x"].tolist(), found.arrays["y"].tolist()) == ([[1, 2], [4, 5]], [[3], [6]])
    world.write("new.csv", "y,a,b\n3,1,2\n")
    assert read_table(world.base / "new.csv", found.encoders).arrays["x"].tolist() == [[1, 2]]
    world.write("a.csv", content.replace("5", "x"))
    line = 4 if "\r\n\r\n" in content else 3
    message = f"`a.csv`, line {line}, column `b`: `x` is not a number"
    assert world.refused(csv("x, y", target="y")).message == message


@pytest.mark.parametrize(
    "content", ["town\nNew York\nNew Orleans\n", "home town\nNew York\nSan Jose\n", "a\n1 2\n3 4 5\n"]
)
def test_white_space_parts_no_words(world: World, content: str) -> None:
    """Of one column, unless it parts all lines alike, header included, and no name that is known."""
    world.write("a.csv", content)
    name = content.partition("\n")[0]
    assert open_sheet(world.base, "a.csv", None, TextOptions(header=True, named=[name])).names == (name,)


def test_cells_with_spaces_are_quoted_where_white_space_parts_them(world: World) -> None:
    """As in the table of cars of the UCI repository, which has no header."""
    world.inputs, world.targets = {"x": Type((2,))}, {"y": Type((), 2)}
    world.write("a.data", '18.0   8   130.0\t"ford ""torino"""\n15.0   6   ?\t"buick"\n12.0   4   90.0\t"buick"\n')
    found = world.load(csv("x, y", path="a.data", columns=(("1", "3"), "4"), missing=Word("drop")))
    assert found.arrays["x"].tolist() == [[18, 130], [12, 90]]
    assert found.classes["y"] == ("buick", 'ford "torino"')


@pytest.mark.parametrize("content", ['"a" "y"\n"one" 1 3\n"two" 4 6\n', "a,y\nr1,1,3\nr2,4,6\n", "a;y\n1;3;\n4;6;\n"])
def test_row_names_and_delimiters_at_the_end_have_no_name(world: World, content: str) -> None:
    """As R writes tables."""
    world.inputs = {"x": Type((1,))}
    world.write("a.csv", content)
    found = world.load(csv("x, y", columns=("a", "y")))
    assert (found.arrays["x"].tolist(), found.arrays["y"].tolist()) == ([[1], [4]], [[3], [6]])
    assert "has no name in the header" in world.refused(csv("x, y", target="y")).message


ABOVE = {
    "Report 2026\n\n": 2,
    'Report,"of, this\nyear"\n': 2,
    "Report;;\n;;\n": 2,
    "sep=;\nReport\n": 2,
    "# station: 5\n# from, to: 1, 2\n": 2,
}


@pytest.mark.parametrize("content", ["a,b,y\n1,2,3,4\n", "a,b,y\n0.5,2,3,4\n0.7,5,6,7\n", "a,b,y\n9,2,3,4\n7,5,6,7\n"])
def test_a_number_that_no_name_stands_above_is_no_row_name(world: World, content: str) -> None:
    """Row names that R makes are ascending; a header that lacks a name would be read one column off."""
    world.write("a.csv", content)
    assert "4 cells, where the header has 3" in world.refused(csv("x, y", columns=(("a", "b"), "y"))).message


@pytest.mark.parametrize("above", ABOVE)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_above_the_table(world: World, above: str, end: str) -> None:
    world.write("a.csv", f"{above}a;b;y\n{ROWS}".replace("\n", end))
    skip = ABOVE[above]
    assert sheet_of("a.csv", (world.base / "a.csv").read_bytes(), None, TextOptions(skip=None)).above == skip
    found = world.load(csv("x, y", target="y", skip=skip))
    assert (found.arrays["x"].tolist(), found.arrays["y"].tolist()) == ([[1, 2], [4, 5]], [[3], [6]])
    for lines in ("", above, "Other\ntitle\nof words\n"):
        world.write("new.csv", f"{lines}a;b\n{ROWS.replace(';3', '').replace(';6', '')}")
        inputs = {"x": found.encoders["x"]}
        assert read_table(world.base / "new.csv", inputs).arrays["x"].tolist() == [[1, 2], [4, 5]]
    world.write("a.csv", f"{above}a;b;y\n{ROWS}7;x;9\n".replace("\n", end))
    assert world.refused(csv("x, y", target="y", skip=skip)).message.startswith(f"`a.csv`, line {skip + 4}, column `b`")
    for wrong in (skip + 4, 1000):
        message = world.refused(csv("x, y", target="y", skip=wrong)).message
        assert message == f"`a.csv` has {skip + 4} lines, and `skip = {wrong}` leaves none"


def test_lines_above_a_table_without_names(world: World) -> None:
    world.inputs, world.targets = {"x": Type((3,))}, {}
    rows = "".join(f"{i},{i + 1},{i % 3}\n" for i in range(9))
    world.write("a.csv", f"150\n{rows}")
    found = world.refused(csv("x", header=False))
    assert found.help == ("`skip = 1` leaves out 1 line above the table, such as a title",)
    encoders = world.load(csv("x", header=False, skip=1)).encoders
    with pytest.raises(DataError) as caught:
        read_table(world.base / "a.csv", encoders)
    assert caught.value.diagnostics[0].help == ("delete the line above the table",)


@given(rows=st.lists(st.tuples(*[st.sampled_from(["1", "-2.5", "word", "", "two words"])] * 3), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_nothing_stands_above_a_table_of_even_rows(rows: list[tuple[str, str, str]]) -> None:
    assume(any(cell for row in rows for cell in row))
    text = "\n".join([";".join(row) for row in [("a", "b", "c"), *rows]])
    sheet = sheet_of("a.csv", text.encode(), None, TextOptions(skip=None))
    assert (sheet.above, sheet.delimiter, sheet.names) == (0, ";", ("a", "b", "c"))


@pytest.mark.parametrize(
    ("content", "header"),
    [
        ("country,1990,1991,1992,1993\nMali,3,2,9,8\nPeru,4,1,8,7\n", True),
        ("sample;400.1;400.2;400.3;400.4;class\na;5;6;7;8;u\nb;5;6;7;8;v\n", False),  # the numbers of all rows count up
        ("sample;400.1;400.2;400.3;400.4;class\na;5;3;7;9;u\nb;5;6;1;0;v\n", True),
        (",0,1,2,3\n0,0.3,0.1,0.2,0.4\n1,0.1,0.7,0.2,0\n", True),  # of pandas
        ("label,0,1,2,3\n5,0,0,0,0\n4,0,0,3,1\n", True),
        ("2019,2020,2021\n3,1,2\n", False),  # no text
        ("age,2019,y\n5,3,u\nNA,4,v\n", True),
        ("age,2019,y\n5,3,u\nx,4,v\n", False),
        (">100,3,7\n5,3,1\n", False),
        ("?,3,u\n5,3,v\n", False),
        ('"1,000",u\n934,v\n', True),
        ('"1,000",3\n934,3\n', False),
        ("5.1,3.5,u\n4.9,3.0,v\n", False),
        ("1,2,3,u\n5,1,2,v\n", False),
        ("3,2,3,4,u\n5,1,2,0,v\n", False),
        ("a,1,2,3,4\n", False),
        ("country,1990,1991\nMali,3,2\nPeru,4,1\n", True),
        ("country,1990,2000,2020\nMali,1000.5,2400,2\nPeru,4,1,5\n", True),
        ("Ann,1950,1991\nBob,1948,2000\n", False),
        ("Ann,1950,1991\nBob,3,2000\n", False),
        ("Ann,1991,1950\nBob,3,7\n", False),
        ("name,2020\nBob,3\n", False),
        ("b,5,6,7,8\na,3,3,3,2\nb,2,1,7,0\n", False),  # its label occurs below
        ("none known,3.1,yes\n1,2,no\n2,5,yes\n", False),
        (",0,1,2,3\n,0.3,0.1,0.2,0.4\n", True),
    ],
)
def test_a_header_with_numbers(content: str, header: bool) -> None:
    assert sheet_of("a.csv", content.encode(), None, TextOptions()).header == header
