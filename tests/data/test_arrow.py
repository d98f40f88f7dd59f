"""The readers `parquet` and `arrow`: the same tables as csv, by pyarrow."""

from __future__ import annotations

import gzip
import sys
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsl.graph import DataEntry, Static, Type, Word
from gpubp.data import Dataset, Encoder, measure, read_table
from gpubp.data.encoders import Field, FileFormat
from gpubp.errors import DataError

from .worlds import World, choice, csv, data, entry

pa = pytest.importorskip("pyarrow")
feather = pytest.importorskip("pyarrow.feather")
parquet = pytest.importorskip("pyarrow.parquet")
WHOLE = "`a.parquet`, row 1, column `{}`: the whole column is {}"
UNITS = ("s", "ms", "us", "ns")
SECOND = "`a.parquet`, row 2, column `{}`: {}"
ROWS = {
    "town": ["Rome", "Bern", "Rome", "Oslo"],
    "size": [1, 2, 3, 4],
    "rooms": [1.5, None, 2.5, 3.5],
    "y": [True, False, True, True],
}


def write(base: Path, name: str, columns: dict[str, Any]) -> str:

    table = pa.table(columns)
    path = base / name
    if name.endswith(".parquet"):
        parquet.write_table(table, path)
    elif name.endswith(".feather"):
        feather.write_feather(table, path)
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
    return name


def reads(path: str, **options: Static) -> DataEntry:
    return entry("x, y", choice("parquet" if path.endswith(".parquet") else "arrow", path=path, target="y", **options))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"x": Type((5,))}, {"y": Type((), 2)})


def as_csv(world: World) -> Dataset:
    cells = zip(*ROWS.values(), strict=True)
    lines = [",".join("" if c is None else str(int(c) if isinstance(c, bool) else c) for c in row) for row in cells]
    world.write("a.csv", "\n".join([",".join(ROWS), *lines]))
    return world.load(csv("x, y", target="y", onehot="town", missing=Word("mean")))


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "a.arrows"])
def test_the_same_rows_as_from_csv(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(world.base, name, ROWS)
    found, expected = world.load(reads(name, onehot="town", missing=Word("mean"))), as_csv(world)
    for column, values in expected.arrays.items():
        np.testing.assert_array_equal(found.arrays[column], values)
    assert found.encoders == expected.encoders
    monkeypatch.chdir(world.base)
    np.testing.assert_array_equal(read_table(name, found.encoders).arrays["x"], expected.arrays["x"])
    np.testing.assert_array_equal(read_table("a.csv", found.encoders).arrays["x"], expected.arrays["x"])
    measured = measure(data(reads(name, onehot="town", missing=Word("mean"))), {"x": "float", "y": "class"}, world.base)
    assert measured == {"x": Type((5,)), "y": Type((), 2)}


def test_columns_are_kept_as_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    columns = {"x": [1.5, 2.0], "id": [7, None], "kind": pa.array(["u", "v"]).dictionary_encode(), "list": [[1], [2]]}
    write(tmp_path, "new.parquet", columns)
    encoders = {"x": Encoder((1,), fields=(Field("x"),), file=FileFormat(("x",)))}
    found = read_table("new.parquet", encoders, keep=("id", "kind", "x"))
    assert found.unused == ("id", "kind", "list")
    assert found.kept == {"id": ["7", ""], "kind": ["u", "v"], "x": ["1.5", "2"]}
    with pytest.raises(DataError, match=r"the column `list` holds list<.*int64>, which is no text"):
        read_table("new.parquet", encoders, keep=("list",))


def test_words_and_dictionaries_are_labels(world: World) -> None:
    world.inputs, world.targets = {"x": Type((1,))}, {"y": Type((), 3)}
    for column in (
        pa.array(ROWS["town"]),
        pa.array(ROWS["town"]).dictionary_encode(),
        pa.array(ROWS["town"], pa.large_string()),
        pa.array(ROWS["town"], pa.string_view()),
    ):
        found = world.load(reads(write(world.base, "a.parquet", {"size": ROWS["size"], "y": column})))
        assert found.arrays["y"].tolist() == [2, 0, 2, 1]
        assert found.classes == {"y": ("Bern", "Oslo", "Rome")}
    years = pa.array([2003, 2001, 2003, 2002]).dictionary_encode()
    found = world.load(reads(write(world.base, "a.parquet", {"size": ROWS["size"], "y": years})))
    assert found.arrays["y"].tolist() == [2, 0, 2, 1]
    assert found.classes == {"y": ("2001", "2002", "2003")}
    gone = {"size": ROWS["size"], "y": ["Rome", "Bern", None, "Oslo"]}
    found = world.load(reads(write(world.base, "a.parquet", gone), missing=Word("drop")))
    assert (found.arrays["x"].tolist(), found.arrays["y"].tolist()) == ([[1], [2], [4]], [2, 0, 1])


def test_dates_and_times_are_labels_as_in_text(world: World) -> None:
    """In the order of time, which is that of the alphabet."""
    world.inputs, world.targets = {"x": Type((1,))}, {"y": Type((), 3)}
    days = [date(2024, 3, 1), date(2023, 12, 31), date(2024, 3, 1), date(2024, 10, 2)]
    hours = [datetime.combine(day, time(9, 30), UTC) for day in days]
    for column, words in (
        (pa.array(days), ("2023-12-31", "2024-03-01", "2024-10-02")),
        (pa.array(days).dictionary_encode(), ("2023-12-31", "2024-03-01", "2024-10-02")),
        *((pa.array(hours, pa.timestamp(u)), tuple(f"{day} 09:30:00" for day in sorted({*days}))) for u in UNITS),
        (pa.array(hours), tuple(f"{day} 09:30:00Z" for day in sorted({*days}))),
        *(
            (pa.array(hours, pa.timestamp(u, "+02:00")), tuple(f"{day} 11:30:00+0200" for day in sorted({*days})))
            for u in UNITS
        ),
        (
            pa.array([time(9, 0, 0, 250000), time(8), time(9, 0, 0, 250000), time(10)]),
            ("08:00:00", "09:00:00.25", "10:00:00"),
        ),
    ):
        name = write(world.base, "a.parquet", {"size": ROWS["size"], "y": column})
        found = world.load(reads(name))
        assert found.arrays["y"].tolist() == [1, 0, 1, 2]
        assert found.classes == {"y": words}
        assert read_table(world.base / name, found.encoders).arrays["y"].tolist() == [1, 0, 1, 2]
    asked = world.refused(entry("x, y", choice("parquet", path="a.parquet", columns=("y", "size"))))
    assert asked.help[0].startswith('`onehot = ["y"]`'), "times of day have no parts"
    name = write(world.base, "a.parquet", {"size": ROWS["size"], "y": pa.array(days)})
    asked = world.refused(entry("x, y", choice("parquet", path=name, columns=("y", "size"))))
    assert asked.help == ('parts of it are numbers: `"y.days"`, `"y.month"` ... in `columns`',)


def test_a_table_may_be_packed_by_gzip(world: World) -> None:
    for name in ("a.parquet", "a.feather", "a.arrows"):
        plain = world.load(reads(write(world.base, name, ROWS), onehot="town", missing=Word("mean")))
        world.write(name, gzip.compress((world.base / name).read_bytes()))
        packed = world.load(reads(name, onehot="town", missing=Word("mean")))
        np.testing.assert_array_equal(packed.arrays["x"], plain.arrays["x"])


@pytest.mark.parametrize(
    ("columns", "code", "message"),
    [
        ({"a": [1.0, None], "y": [0, 1]}, "E0416", SECOND.format("a", "the cell is empty")),
        ({"a": [1.0, float("inf")], "y": [0, 1]}, "E0416", SECOND.format("a", "`inf` is not a finite number")),
        ({"a": ["u", "v"], "y": [0, 1]}, "E0416", WHOLE.format("a", "string, but numbers are needed")),
        ({"a": [[1], [2]], "y": [0, 1]}, "E0416", WHOLE.format("a", "list<element: int64>, but numbers are needed")),
        ({"a": [1, 2], "y": ["u", None]}, "E0419", SECOND.format("y", "the label is empty")),
        ({"a": [1, 2], "y": [[0], [1]]}, "E0419", WHOLE.format("y", "list<element: int64>, where labels are wanted")),
        ({"a": [1, 2], "y": [0, 7]}, "E0419", SECOND.format("y", "label `7` is not below 2, the number of classes")),
        ({"a": [1, 2], "z": [0, 1]}, "E0415", "`a.parquet` has no column `y`"),
        ({"a": pa.array([], pa.int64()), "y": pa.array([], pa.int64())}, "E0414", "`a.parquet` has no rows"),
    ],
)
def test_tables_that_do_not_fit(world: World, columns: dict[str, Any], code: str, message: str) -> None:
    world.inputs = {"x": Type((1,))}
    found = world.refused(reads(write(world.base, "a.parquet", columns)))
    assert (found.code, found.message) == (code, message)


def test_cells_that_are_no_numbers_are_counted(world: World) -> None:
    world.inputs = {"x": Type((1,))}
    write(world.base, "a.parquet", {"a": [1.0, *[float("inf")] * 5, *[None] * 6], "y": [0, 1] * 6})
    with pytest.raises(DataError) as caught:
        world.load(reads("a.parquet"))
    empty, infinite = caught.value.diagnostics
    assert empty.notes[0].startswith("there are 6 empty cells; the next: `a.parquet`, row 8, column `a`: the cell is ")
    assert infinite.notes[0].startswith("there are 5 numbers that are not finite; the next: `a.parquet`, row 3, ")
    assert infinite.notes[0].count("not a finite number") == 3
    assert "missing = drop" in empty.help[0]
    assert not infinite.help


def test_names_that_stand_twice(world: World) -> None:
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0]), pa.array([1])], ["a", "a", "y"])
    feather.write_feather(table, world.base / "a.feather")
    assert world.refused(reads("a.feather")).message == "`a.feather`: more than one column is named `a`"


def test_damage(world: World) -> None:
    for name in ("a.parquet", "a.feather", "a.arrows"):
        raw = (world.base / write(world.base, name, ROWS)).read_bytes()
        for cut in (0, 7, len(raw) // 2, len(raw) - 3):
            world.write(name, raw[:cut])
            found = world.refused(reads(name, missing=Word("drop"), onehot="town"))
            assert found.code in ("E0422", "E0414"), (name, cut, found.message)


def test_without_pyarrow(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    write(world.base, "a.parquet", ROWS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    found = world.refused(reads("a.parquet"))
    assert (found.code, found.message) == ("E0423", "`a.parquet` needs pyarrow, which is not installed")
    assert found.help == ("`pip install 'gpubp[tables]'` brings it; or save the table as csv",)
