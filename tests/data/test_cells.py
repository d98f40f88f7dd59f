"""The ways in which cells are read: the fastest that can is taken, and all give the same to the bit."""

from __future__ import annotations

import csv as standard
from contextlib import suppress
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from dsl.diagnostics import DiagnosticError
from dsl.source import Source, Span
from gpubp.data.cell_arrays import CellQuery, Cells
from gpubp.data.cells import _by_rewriting, _fast, _precise, read_cells
from gpubp.data.layout import TextOptions, open_sheet
from gpubp.data.notation import MISSING, Notation
from gpubp.data.sheet import Sheet

from .worlds import World

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
    sheet = open_sheet(base, "t.csv", span, TextOptions(delimiter=delimiter, header=header))
    results = [read_cells(sheet, CellQuery([0, 1], [2])), _precise(sheet, CellQuery([0, 1], [2]))]
    fast = _fast(sheet, CellQuery([0, 1], [2], ()))
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
    sheet = open_sheet(base, "u.csv", span, TextOptions(delimiter=delimiter, header=True, notation=notation))
    for numeric, labels in (([0, 1], []), ([0], [1]), ([1], [])):
        try:
            fast = (_by_rewriting if commas else _fast)(sheet, CellQuery(numeric, labels))
        except Exception as error:
            with pytest.raises(type(error)):
                _precise(sheet, CellQuery(numeric, labels))
            continue
        if fast is not None:
            precise = _precise(sheet, CellQuery(numeric, labels))
            assert fast.rows == precise.rows
            for i in numeric:
                assert fast.numbers[i].tobytes() == precise.numbers[i].tobytes()
            for i in labels:
                np.testing.assert_array_equal(fast.labels[i].values, precise.labels[i].values)
                assert fast.labels[i].words == precise.labels[i].words
    with suppress(DiagnosticError):
        rows = [cells for _, cells in sheet.rows()]
        if all(len(cells) == 2 for cells in rows):
            assert [sheet.column(i) for i in (0, 1)] == [[cells[i] for cells in rows] for i in (0, 1)]


@pytest.mark.parametrize(
    ("text", "notation"),
    [
        ("1,u,2,k\n3,v,4,k\n", Notation()),
        ('1,"u, v",2,k\n3,"v",4,k\n', Notation()),
        ("1,u,NA,k\n,,4,m\n?,v,,\n", Notation()),
        ("1,5;u;2;k\n3;v;4,5;k\n", Notation(",")),
        ("1.000,5;u;2;k\n3;v;4,5;m\n", Notation(",", thousands=".")),
        ("1.000,5;u;NA;k\n;;4,5;m\n?;v;6;\n", Notation(",", thousands=".")),
    ],
)
def test_the_fastest_way_is_taken(world: World, monkeypatch: pytest.MonkeyPatch, text: str, notation: Notation) -> None:
    sheet, missing = opened(world, text, notation), MISSING if "NA" in text else ()
    expected = _precise(sheet, CellQuery([0, 2], [1, 3], missing))
    monkeypatch.setattr("gpubp.data.cells._precise", refuse)
    found = read_cells(sheet, CellQuery([0, 2], [1, 3], missing))
    assert found.rows == expected.rows
    for i in (0, 2):
        np.testing.assert_array_equal(found.numbers[i], expected.numbers[i])
    for i in (1, 3):
        np.testing.assert_array_equal(found.labels[i].values, expected.labels[i].values)
        assert found.labels[i].words == expected.labels[i].words


@pytest.mark.parametrize("row", ["nan;u;2;k", "1;;2;k", "1;u;2", "1;u;x;k"])
def test_a_fast_way_judges_nothing(world: World, row: str) -> None:
    for notation in (Notation(), Notation(","), Notation(",", thousands=".")):
        with pytest.raises(DiagnosticError):
            read_cells(opened(world, f"1;u;2;k\n{row}\n", notation), CellQuery([0, 2], [1, 3]))


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("a slower way is taken")


def opened(world: World, text: str, notation: Notation) -> Sheet:
    delimiter = ";" if ";" in text else ","
    world.write("a.csv", delimiter.join("abcd") + "\n" + text)
    span = Span(Source("", ""), 0, 0)
    return open_sheet(world.base, "a.csv", span, TextOptions(delimiter=delimiter, header=True, notation=notation))
