"""The reader `csv`: what it reads."""

from __future__ import annotations

import csv as standard
import gzip
import io
import re
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from dsl.graph import Static, Type, Word
from dsl.source import Source, Span
from gpubp.data import measure
from gpubp.data.cell_arrays import Cells
from gpubp.data.cells import _fast, _precise, read_cells
from gpubp.data.notation import Notation
from gpubp.data.opening import open_sheet

from .worlds import REST, World, csv, data

TABLE = "a,b,y\n1,2,3\n4,5,6\n"


def check(world: World, text: str | bytes, **options: Static) -> None:
    """The file holds the numbers of TABLE."""
    world.write("a.csv", text)
    found = world.load(csv("x, y", **options))
    assert found.columns["x"].tolist() == [[1, 2], [4, 5]]
    assert found.columns["y"].tolist() == [[3], [6]]


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        TABLE.rstrip(),
        TABLE.replace("\n", "\r\n"),
        TABLE.replace("\n", "\r"),
        TABLE.replace(",", ";"),
        TABLE.replace(",", "\t"),
        TABLE.replace(",", "|"),
        TABLE.replace(",", " , "),
        TABLE.replace("\n", "\n\n"),
        "\n" + TABLE,
        "\ufeff" + TABLE,
        '"a","b","y"\n1,"2",3\n"4",5,6\n',
        "y,a,b\n3,1,2.0\n6,+4,5e0\n",
        '"y","a","b, or\n""b"""\n3,1,2\n6,4,5\n',
    ],
)
def test_layouts(world: World, text: str) -> None:
    check(world, text, target="y")


def test_gzip_is_told_by_its_content(world: World) -> None:
    check(world, gzip.compress(TABLE.encode()), target="y")


def test_without_a_header(world: World) -> None:
    text = TABLE.partition("\n")[2]
    check(world, text, target="3")
    check(world, text, target="3", header=False)
    check(world, text, columns=(REST, "3"), header=Word("auto"))


def test_a_header_of_numbers_is_found_by_a_column_that_is_mentioned(world: World) -> None:
    check(world, TABLE.replace("a,b", "1990,1991"), target="y")


def test_a_header_of_numbers_can_be_told(world: World) -> None:
    check(world, TABLE.replace("a,b,y", "0,1,2"), target="2", header=True)


def test_a_delimiter_can_be_told(world: World) -> None:
    check(world, TABLE.replace(",", "&"), target="y", delimiter="&")


@pytest.mark.parametrize(
    "columns",
    [
        (("a", "b"), "y"),
        (REST, "y"),
        (("a", "*b*"), "y"),
        (REST, ("y",)),
    ],
)
def test_columns(world: World, columns: Static) -> None:
    check(world, TABLE, columns=columns)


def test_columns_that_are_not_chosen_may_hold_text(world: World) -> None:
    text = 'name,a,b,y\n"x, \n""y""",1,2,3\n,4,5,6\n'
    check(world, text, columns=(("a", "b"), "y"))


def test_several_targets(world: World) -> None:
    world.inputs, world.targets = {"image": Type((2,))}, {"digit": Type((), 7), "box": Type((2,))}
    world.write("a.csv", "p_0,digit,p_1,w,x,skipped\n1,2,3,4,5,-\n5,6,7,8,9,-\n")
    found = world.load(csv("image, digit, box", columns=("p_*", "digit", ("x", "w"))))
    assert found.columns["image"].tolist() == [[1, 3], [5, 7]]
    assert found.columns["digit"].tolist() == [2, 6]
    assert found.columns["box"].tolist() == [[5, 4], [9, 8]]


def test_scale_and_reshape_touch_the_inputs(world: World) -> None:
    world.inputs = {"x": Type((1, 2))}
    world.write("a.csv", TABLE)
    found = world.load(csv("x, y", target="y", scale=10, reshape=(1, 2)))
    assert found.columns["x"].tolist() == [[[10, 20]], [[40, 50]]]
    assert found.columns["y"].tolist() == [[3], [6]]


def test_standardize(world: World) -> None:
    """Both columns vary; one that is constant but for rounding is only shifted."""
    world.inputs = {"x": Type((3,))}
    world.write("a.csv", "a,b,c,y\n" + "".join(f"{i},{i * i},0.1,{i}\n" for i in range(10)))
    found = world.load(csv("x, y", target="y", standardize=True))
    x = found.columns["x"]
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(x.std(axis=0)[:2], 1)
    assert abs(x[:, 2]).max() < 1e-15
    assert found.columns["y"].ravel().tolist() == list(range(10))


@pytest.mark.parametrize(
    ("labels", "classes", "numbers", "words"),
    [
        (("0", "2", "1"), 3, [0, 2, 1], None),
        (("0", "2.0", "1e0"), 3, [0, 2, 1], None),
        (("1", "1", "0"), 5, [1, 1, 0], None),
        (("1", "3", "2"), 3, [0, 2, 1], ("1", "2", "3")),
        (("-1", "1", "-1"), 2, [0, 1, 0], ("-1", "1")),
        (("100", "20", "3"), 3, [2, 1, 0], ("3", "20", "100")),
        (("no", " yes", "no"), 2, [0, 1, 0], ("no", "yes")),
        (("10", "b", "9"), 3, [1, 2, 0], ("9", "10", "b")),
        (("b", "10", "9"), 3, [2, 1, 0], ("9", "10", "b")),
        (("é", "ß", "é"), 2, [1, 0, 1], ("ß", "é")),
    ],
)
def test_labels(
    world: World, labels: tuple[str, ...], classes: int, numbers: list[int], words: tuple[str, ...] | None
) -> None:
    world.targets = {"y": Type((), classes)}
    world.write("a.csv", "a,b,y\n" + "".join(f"1,2,{label}\n" for label in labels))
    found = world.load(csv("x, y", target="y"))
    assert found.columns["y"].tolist() == numbers
    assert found.columns["y"].dtype == np.int64
    assert found.classes.get("y") == words
    measured = measure(data(csv("x, y", target="y")), {"y": "class"}, world.base)["y"]
    assert measured == Type((), classes if classes != 5 else 2)
    world.targets = {"y": measured}
    assert world.load(csv("x, y", target="y")).columns["y"].tolist() == numbers


def test_labels_of_the_test_file_follow_the_first(world: World) -> None:
    world.targets = {"y": Type((), 2)}
    world.write("a.csv", "a,b,y\n1,2,no\n3,4,yes\n")
    world.write("b.csv", "a,b,y\n1,2,yes\n")
    found = world.load(csv("x, y", target="y", test="b.csv"))
    assert found.columns["y"].tolist() == [0, 1, 1]
    assert found.part("test")["y"].tolist() == [1]


def test_sequences_share_their_words(world: World) -> None:
    world.inputs = {"x": Type((2,), 3)}
    world.write("a.csv", "a,b,y\nred,green,1\nblue,red,2\n")
    found = world.load(csv("x, y", target="y"))
    assert found.columns["x"].tolist() == [[2, 1], [0, 2]]
    assert found.classes == {"x": ("blue", "green", "red")}


numbers = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    lambda word: bool(word.strip()) and not word.replace("_", "").strip().isdigit()
)


@given(
    rows=st.lists(st.tuples(numbers, numbers, words, words), min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([standard.QUOTE_MINIMAL, standard.QUOTE_ALL, standard.QUOTE_NONNUMERIC]),
    header=st.booleans(),
)
@settings(max_examples=60)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[float, float, str, str]],
    delimiter: str,
    end: str,
    quoting: int,
    header: bool,
) -> None:
    """What the standard library writes is read back to the bit, by the fast way and by the precise one."""
    base = _folder(tmp_path_factory)
    with (base / "t.csv").open("w", encoding="utf-8", newline="") as file:
        writer = standard.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
        if header:
            writer.writerow(["a", "b", "word", "skipped"])
        writer.writerows(rows)
    span = Span(Source("", ""), 0, 0)
    sheet = open_sheet(base, "t.csv", span, delimiter=delimiter, header=header)
    results = [read_cells(sheet, [0, 1], [2]), _precise(sheet, [0, 1], [2])]
    fast = _fast(sheet, [0, 1], [2], ())
    for cells in [*results, *([fast] if fast else [])]:
        assert cells.rows == len(rows)
        for i in (0, 1):
            assert cells.numbers[i].tobytes() == np.array([row[i] for row in rows]).tobytes()
        assert _texts(cells, 2) == [row[2].strip() for row in rows] or cells.labels[2].words is None


def _folder(factory: pytest.TempPathFactory) -> Path:
    base = factory.getbasetemp() / "round_trip"
    base.mkdir(exist_ok=True)
    return base


def _texts(cells: Cells, column: int) -> list[str]:
    labels = cells.labels[column]
    return [] if labels.words is None else [labels.words[int(i)] for i in labels.values]


@given(text=st.text(st.sampled_from('01.,"\n\r ae-;_'), max_size=40), commas=st.booleans())
@settings(max_examples=400)
def test_the_fast_way_never_accepts_what_the_precise_one_refuses(
    tmp_path_factory: pytest.TempPathFactory, text: str, commas: bool
) -> None:
    base, delimiter = _folder(tmp_path_factory), ";" if commas else ","
    (base / "u.csv").write_text(f"a{delimiter}b\n1{delimiter}2\n{text}", newline="")
    span, notation = Span(Source("", ""), 0, 0), Notation("," if commas else ".")
    sheet = open_sheet(base, "u.csv", span, delimiter=delimiter, header=True, notation=notation)
    for numeric, labels in (([0, 1], []), ([0], [1]), ([1], [])):
        try:
            fast = _fast(sheet, numeric, labels, ())
        except Exception as error:
            with pytest.raises(type(error)):
                _precise(sheet, numeric, labels)
            continue
        if fast is not None:
            precise = _precise(sheet, numeric, labels)
            assert fast.rows == precise.rows
            for i in numeric:
                assert fast.numbers[i].tobytes() == precise.numbers[i].tobytes()
            for i in labels:
                np.testing.assert_array_equal(fast.labels[i].values, precise.labels[i].values)
                assert fast.labels[i].words == precise.labels[i].words


cells = st.sampled_from(["1", "-2,5", "0,125e3", "+1234,5", "1.234,5", "1.234", "1 234,5", "2.5", ",5", "5,", "x", ""])
words = st.sampled_from(["1", "1,5", "1.5", "a, b", "a.b", "a"])


@given(rows=st.lists(st.tuples(cells, cells, words), min_size=1, max_size=4))
@settings(max_examples=200)
def test_decimal_commas_are_read_fast_or_as_they_are(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    base = _folder(tmp_path_factory)
    (base / "v.csv").write_text("a;b;k\n" + "".join(f"{';'.join(row)}\n" for row in rows), newline="")
    span = Span(Source("", ""), 0, 0)
    sheet = open_sheet(base, "v.csv", span, delimiter=";", header=True, notation=Notation(","))
    fast = _fast(sheet, [0, 1], [2], ())
    plain = all(re.fullmatch(r"[-+]?\d+(,\d+)?(e\d)?", cell) for row in rows for cell in row[:2])
    assert (fast is not None) == (plain and not any(", " in row[2] for row in rows if row[2][0].isdigit()))
    if fast is not None:
        precise = _precise(sheet, [0, 1], [2])
        for i in (0, 1):
            assert fast.numbers[i].tobytes() == precise.numbers[i].tobytes()
        assert fast.labels[2].words == precise.labels[2].words
        np.testing.assert_array_equal(fast.labels[2].values, precise.labels[2].values)


def test_a_hundred_thousand_rows_are_read_fast(world: World) -> None:
    world.inputs = {"x": Type((9,))}
    rng = np.random.default_rng(0)
    table = rng.normal(size=(100_000, 10)).astype(np.float32)
    text = io.StringIO()
    text.write(",".join("abcdefghiy") + "\n")
    text.write("\n".join(map(",".join, [map(str, row) for row in table.tolist()])))
    world.write("a.csv", text.getvalue())
    found = world.load(csv("x, y", target="y"))
    np.testing.assert_array_equal(found.columns["x"], table[:, :9].astype(np.float64))


def test_to_count_classes_only_their_column_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is parsed whole once, when its rows are used: what is wrong with its numbers is said then."""
    world.write("a.csv", "a,b,y\n1,2,u\n3,4,v\n5,six,u\n")
    read, loadtxt = list[object](), np.loadtxt
    monkeypatch.setattr(np, "loadtxt", lambda *a, **k: (read.append(k["usecols"]), loadtxt(*a, **k))[1])
    one = csv("x, y", target="y")
    found = measure(data(one), {"x": "float", "y": "class"}, world.base)
    world.inputs, world.targets = {"x": Type((2,))}, {"y": Type((), 2)}
    assert (found, read) == (world.inputs | world.targets, [[2]])
    assert world.refused(one).message == "`a.csv`, line 4, column `b`: `six` is not a number"
    assert read == [[2], None]
