"""The reader `excel`: a sheet of a workbook is read as the table that it holds."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zipfile
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpubp
from dsl.graph import DataEntry, Static, Type, Word
from gpubp.data import read_table
from gpubp.data.layout import TextOptions
from gpubp.data.workbook import workbook_text
from gpubp.errors import DataError

from . import worlds
from .workbooks import Fault, protected, write_workbook
from .worlds import World, choice, entry

pytest.importorskip("python_calamine")

HEAD = ["length", "width", "species"]
ROWS = [[5.1, 3, "setosa"], [4.75, None, "virginica"], [1e-20, -2.5, "setosa"], [123456789.25, 0, "virginica"]]

NET = """
data { x, y = csv("a.csv", target = "species", decimal = ",") }
model {
  input x: [2]
  target y: class(?)
  output p = x -> dense(2) -> softmax
}
train {
  loss = cross_entropy(p, y)
  optimizer = sgd(lr = 0.1)
  epochs = 1
}
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"x": Type((2,))}, {"y": Type((), 2)})


def excel(names: str = "x, y", path: str = "a.xlsx", **options: Static) -> DataEntry:
    return entry(names, choice("excel", path=path, **options))


def as_csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def read_text(path: Path, **options: Any) -> list[list[str]]:
    return list(
        csv.reader(workbook_text(path.parent, path.name, None, TextOptions(), **options)[0].decode().splitlines())
    )


def test_it_is_the_same_table_as_csv(world: World) -> None:
    write_workbook(world.base / "a.xlsx", {"Data": [HEAD, *ROWS]})
    world.write("a.csv", as_csv([HEAD, *ROWS]))
    options: dict[str, Static] = {"target": "species", "missing": Word("mean")}
    one, other = world.load(excel(**options)), world.load(worlds.csv("x, y", **options))
    for name, values in one.arrays.items():
        np.testing.assert_array_equal(values, other.arrays[name])
    assert one.encoders["y"].words == other.encoders["y"].words == ("setosa", "virginica")


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=5)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, TEXTS), min_size=1, max_size=5))
def test_every_number_and_text_comes_through(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "every.xlsx"
    write_workbook(path, {"Data": rows})
    assert [(float(a), float(b), c) for a, b, c in read_text(path)] == [(float(a), float(b), c) for a, b, c in rows]


def test_a_workbook_may_be_packed_by_gzip(world: World) -> None:
    write_workbook(world.base / "a.xlsx", {"Data": [HEAD, *ROWS]})
    packed = world.base / "a.xlsx.gz"
    packed.write_bytes(gzip.compress((world.base / "a.xlsx").read_bytes()))
    assert gpubp.data.glance(packed) == replace(gpubp.data.glance(world.base / "a.xlsx"), path=str(packed))
    found = world.load(excel(path="a.xlsx.gz", target="species", missing=Word("drop")))
    assert read_table(packed, {"y": found.encoders["y"]}).arrays["y"].tolist() == [0, 1, 0, 1]


def test_cells_have_types(tmp_path: Path) -> None:
    row = [True, date(2024, 3, 1), datetime(2024, 3, 1, 12, 30, 15), time(18, 0), timedelta(hours=36), "a\nb", Fault()]
    write_workbook(tmp_path / "a.xlsx", {"Data": [["a", "b", "c", "d", "e", "f", "g"], row]})
    (_, cells) = read_text(tmp_path / "a.xlsx")
    assert cells == ["1", "2024-03-01", "2024-03-01 12:30:15", "0.75", "1.5", "a b", ""]


def test_a_message_counts_rows_as_the_workbook_does(world: World) -> None:
    rows: list[list[Any]] = [["A title\nof two lines"], [], HEAD, *ROWS]
    write_workbook(world.base / "a.xlsx", {"Data": rows})
    found = world.refused(excel(target="species", skip=2))
    assert (found.code, found.message) == ("E0416", "`a.xlsx`, row 5, column `width`: the cell is empty")
    assert world.refused(excel(target="species")).help == ("`skip = 2` leaves them out",)


def test_the_sheet_is_named_or_has_the_columns_or_is_the_largest(world: World) -> None:
    notes = [["one", "two", "three", "four"]] * 9
    sheets: dict[str, list[list[Any]]] = {"Notes": notes, "Data": [HEAD, *ROWS], "More": [HEAD, *ROWS[2:]]}
    write_workbook(world.base / "a.xlsx", {**sheets, "Old": notes * 2}, hidden=["Old"])
    options: dict[str, Static] = {"target": "species", "missing": Word("drop")}
    assert len(world.load(excel(**options)).arrays["x"]) == 3
    assert len(world.load(excel(**options, sheet="More")).arrays["x"]) == 2
    assert workbook_text(world.base, "a.xlsx", None, TextOptions())[1] == "Notes"
    assert read_text(world.base / "a.xlsx", wanted="Old") == notes * 2
    found = world.refused(excel(**options, sheet="data"))
    assert (found.code, found.message, found.help) == (
        "E0412",
        "`a.xlsx` has no sheet `data`",
        ("did you mean `Data`?",),
    )
    assert found.span is not None
    assert found.span.text == "'data'"
    help = world.refused(excel(**options, sheet="x")).help
    assert help == ("its sheets are `Notes`, `Data`, `More`, `Old`",)


def test_new_rows_of_a_workbook_are_those_of_csv_in_another_notation(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("length;width;species\n5,1;3;setosa\n4,75;1;virginica\n")
    (tmp_path / "a.net").write_text(NET)
    encoders = gpubp.train(gpubp.load(tmp_path / "a.net"), "cpu").dataset.encoders
    write_workbook(tmp_path / "new.xlsx", {"About": [["nothing"]], "New": [["when"], HEAD, *ROWS[:1]]})
    np.testing.assert_array_equal(read_table(tmp_path / "new.xlsx", encoders).arrays["x"], [[5.1, 3]])


def test_a_series_may_be_a_sheet(world: World) -> None:
    moments = [[float(i), 2.0 * i] for i in range(12)]
    write_workbook(world.base / "a.xlsx", {"Data": [["load", "heat"], *moments]})
    world.write("a.csv", as_csv([["load", "heat"], *moments]))
    made = []
    for path in ("a.xlsx", "a.csv"):
        world.inputs, world.targets = {"x": Type((3, 2))}, {"y": Type((1,))}
        made.append(world.load(entry("x, y", choice("series", path=path, target="heat", window=3))).arrays["x"])
    np.testing.assert_array_equal(*made)


@pytest.mark.parametrize(
    ("make", "message", "help"),
    [
        (lambda raw: raw[: len(raw) // 2], "not a valid workbook", "make, copy or download it again"),
        (lambda raw: b"\xd0\xcf\x11\xe0" + bytes(600), "not a valid workbook", "make, copy or download it again"),
        (lambda raw: protected(), "is protected by a password", "save it without a password, or the sheet as CSV"),
        (lambda raw: b"a,b\n1,2\n", "`a.xlsx` is not a workbook", "`csv` reads delimited text"),
        (lambda raw: b"", "`a.xlsx` is empty", ""),
    ],
)
def test_what_is_no_workbook_is_told(world: World, make: Any, message: str, help: str) -> None:
    write_workbook(world.base / "a.xlsx", {"Data": [HEAD, *ROWS]})
    world.write("a.xlsx", make((world.base / "a.xlsx").read_bytes()))
    found = world.refused(excel(target="species"))
    assert message in found.message
    assert "".join(found.help) == help


def test_other_readers_name_it(world: World) -> None:
    write_workbook(world.base / "a.xlsx", {"Data": [HEAD, *ROWS]})
    found = world.refused(worlds.csv("x, y", "a.xlsx", target="species"))
    assert found.message == "`a.xlsx` is an Excel workbook or another ZIP archive, not text"
    assert found.help == ("`excel(...)` in the `data` section of a file reads a sheet of a workbook",)


def test_one_that_grows_out_of_all_proportion_is_refused(world: World) -> None:
    with zipfile.ZipFile(world.base / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/workbook.xml", "")
        with file.open("xl/worksheets/sheet1.xml", "w") as large:
            for _ in range(300):
                large.write(bytes(1 << 20))
    assert "unpacks to more than" in world.refused(excel(target="species")).message


def test_the_package_is_optional(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    write_workbook(world.base / "a.xlsx", {"Data": [HEAD, *ROWS]})
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    found = world.refused(excel(target="species"))
    assert (found.code, found.message) == ("E0423", "`a.xlsx` needs python-calamine, which is not installed")
    assert found.help == ("`pip install 'gpubp[excel]'` brings it; or save the sheet as CSV",)
    with pytest.raises(DataError, match="needs python-calamine"):
        gpubp.data.glance(world.base / "a.xlsx")


def test_a_starter_file_names_the_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gpubp.cli import main

    monkeypatch.chdir(tmp_path)
    rows = [[i % 7 + 0.5, i % 5, "wide" if i % 3 else "narrow"] for i in range(40)]
    write_workbook(tmp_path / "a.xlsx", {"Notes": [["measured by me"]], "Data": [HEAD, *rows]})
    assert main(["init", "a.xlsx"]) == 0
    made = (tmp_path / "a.net").read_text()
    assert 'excel("a.xlsx", target = "species", sheet = "Data")' in made
    assert "# of several sheets this is `Data`; `sheet` in `excel` names another" in made
    assert main(["check", "a.net"]) == 0
