"""Tables in a notation of their own, rewritten for numpy's reader, give what their cells give one by one."""

from __future__ import annotations

import csv as standard
import io
from typing import Literal

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.diagnostics import DiagnosticError
from dsl.graph import Type
from gpubp.data.cell_arrays import CellQuery
from gpubp.data.cells import _by_rewriting, _precise
from gpubp.data.layout import TextOptions, open_sheet
from gpubp.data.notation import MISSING, Notation

from .worlds import World, csv


@given(
    cells=st.lists(
        st.text("01.,'()-$k%eE+NA\"\n \N{NO-BREAK SPACE}\N{MINUS SIGN}", max_size=9), min_size=1, max_size=4
    ),
    notation=st.builds(
        Notation,
        st.sampled_from(".,"),
        st.sampled_from(["", " ", "'", ","]),
        st.sampled_from([(), ("$",), ("k", "%"), ("$", "k"), ("e",)]),
        st.booleans(),
    ).filter(lambda notation: notation.decimal != notation.thousands),
    missing=st.sampled_from([frozenset[str](), MISSING]),
    delimiter=st.sampled_from("\t,; -"),
    quoting=st.sampled_from([standard.QUOTE_MINIMAL, standard.QUOTE_ALL]),
    raw=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_whole_columns_are_read_as_single_cells(
    world: World,
    cells: list[str],
    notation: Notation,
    missing: frozenset[str],
    delimiter: str,
    quoting: Literal[0, 1],
    raw: bool,
) -> None:
    text = io.StringIO()
    writer = standard.writer(text, delimiter=delimiter, lineterminator="\n", quoting=quoting)
    writer.writerows([("a", "k"), ("1", "u"), *([] if raw else zip(cells, cells))])
    text.write("".join(f"{cell}{delimiter}u\n" for cell in cells) * raw)
    world.write("a.csv", text.getvalue())
    sheet = open_sheet(world.base, "a.csv", None, TextOptions(delimiter=delimiter, header=True, notation=notation))
    try:
        fast = _by_rewriting(sheet, CellQuery([0], [1], missing))
    except DiagnosticError:
        with pytest.raises(DiagnosticError):
            _precise(sheet, CellQuery([0], [1], missing))
        return
    if fast is not None:
        slow = _precise(sheet, CellQuery([0], [1], missing))
        assert fast.rows == slow.rows
        assert fast.numbers[0].tobytes() == slow.numbers[0].tobytes()
        assert fast.labels[1].words == slow.labels[1].words
        np.testing.assert_array_equal(fast.labels[1].values, slow.labels[1].values)


def test_the_usual_spellings_are_read_by_rewriting(world: World) -> None:
    world.write("a.csv", "$1,234.5\t45%\n($12)\t5 %\n-$3\t\n$-4\tNA\n")
    notation = Notation(thousands=",", units=("$", "%"), accounting=True)
    sheet = open_sheet(world.base, "a.csv", None, TextOptions(delimiter="\t", header=False, notation=notation))
    found = _by_rewriting(sheet, CellQuery([0, 1], [], MISSING))
    assert found is not None
    assert found.numbers[0].tolist() == [1234.5, -12, -3, -4]
    np.testing.assert_array_equal(found.numbers[1], [0.45, 0.05, np.nan, np.nan])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("numeric", [[], [0]])
def test_rows_are_counted_whatever_ends_them(world: World, numeric: list[int], end: str) -> None:
    world.write("a.csv", end.join(["1,5;u", '2,5;"v\nw"', "3,5;u", ""]))
    sheet = open_sheet(world.base, "a.csv", None, TextOptions(delimiter=";", header=False, notation=Notation(",")))
    found = _by_rewriting(sheet, CellQuery(numeric, [1], MISSING))
    assert found is not None
    assert (found.rows, len(found.labels[1].values)) == (3, 3)


def test_a_line_break_in_a_cell_is_no_second_number(world: World) -> None:
    """Rows would be shifted, or numbers of other rows taken."""
    world.inputs, world.targets = {"x": Type((1,))}, {}
    world.write("a.csv", 'a;b\n"5,1\n6,2";1\n7,5;2\n')
    message = world.refused(csv("x", columns=("a",), decimal=",")).message
    assert message == "`a.csv`, line 2, column `a`: `5,1\N{REPLACEMENT CHARACTER}6,2` is not a number"


CELLS = st.sampled_from(["1", "-2,5", "0,125e3", "+1234,5", "1.234,5", "1.234", "1 234,5", "2.5", ",5", "5,", "x", ""])
WORDS = st.sampled_from(["1", "1,5", "1.5", "a, b", "a.b", "a"])


@given(rows=st.lists(st.tuples(CELLS, CELLS, WORDS), min_size=1, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_decimal_commas_are_read_fast_or_as_they_are(world: World, rows: list[tuple[str, str, str]]) -> None:
    world.write("v.csv", "a;b;k\n" + "".join(f"{';'.join(row)}\n" for row in rows))
    sheet = open_sheet(world.base, "v.csv", None, TextOptions(delimiter=";", header=True, notation=Notation(",")))
    fast = _by_rewriting(sheet, CellQuery([0, 1], [2], ()))
    assert (fast is not None) == all(sheet.notation.number(cell) for row in rows for cell in row[:2])
    if fast is not None:
        precise = _precise(sheet, CellQuery([0, 1], [2]))
        for i in (0, 1):
            assert fast.numbers[i].tobytes() == precise.numbers[i].tobytes()
        assert fast.labels[2].words == precise.labels[2].words
        np.testing.assert_array_equal(fast.labels[2].values, precise.labels[2].values)
