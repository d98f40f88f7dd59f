"""What the columns of an unknown table seem to hold."""

from __future__ import annotations

import pytest

from gpubp.data import glance
from gpubp.data.glance import Kind

from .worlds import World

ROWS = range(12)
OTHERS = [(5 * i) % 12 + 3 for i in ROWS]
"""Whole numbers, each once, in no order."""


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("a", OTHERS, "numbers"),
        ("a", [number / 2 for number in OTHERS], "numbers"),
        ("a", ROWS, "identifiers"),
        ("a", range(1, 13), "identifiers"),
        ("a", range(2, 14), "numbers"),
        ("a", [*range(11), 12], "numbers"),
        ("a", range(9), "numbers"),
        ("customer_id", OTHERS, "identifiers"),
        ("customer_id", [*OTHERS[:-1], OTHERS[0]], "numbers"),
        ("customer_id", [number / 2 for number in OTHERS], "numbers"),
        ("a", [7] * 12, "constant"),
        ("a", [""] * 12, "empty"),
        ("a", [f"2024-03-{number:02}" for number in OTHERS], "dates"),
        ("a", ["u"] * 12, "constant"),
        ("a", ["u", "v"] * 6, "words"),
        ("a", ["1", "1", "2", "2", "2", "v"] * 2, "words"),
        ("a", [*"ABCDEF", *"ABCDEF"], "words"),
        ("a", [*"ABCDEFG", *"ABCDE"], "text"),
        ("row", [*"ABCDEFG", *"ABCDE"], "identifiers"),
        ("a", [f"A{number}" for number in OTHERS], "identifiers"),
        ("a", [f"a {number}" for number in OTHERS], "text"),
        ("a", [f"{word} a" if k else word for k, word in enumerate("ABCDEFGHIJKL")], "text"),
        ("a", [f"word {k % 50}" for k in range(120)], "words"),
        ("a", [f"word {k % 51}" for k in range(120)], "text"),
        ("a", [*OTHERS[:-1], "x"], "mixed"),
        ("", OTHERS, "nameless"),
        ("", [""] * 12, "empty"),
        ("other", OTHERS, "shared"),
    ],
)
def test_kinds(world: World, name: str, cells: list[object], kind: Kind) -> None:
    world.write("a.csv", f"{name},other\n" + "".join(f"{cell},{k * k}\n" for k, cell in enumerate(cells)))
    assert glance(world.base / "a.csv").columns[0].kind == kind


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ([3, 70_000, -999, 12, -999], (-999, 2)),
        (["-3.5", "21", "-99.00", "-99", "4"], (-99, 2)),
        ([3, 4, -999, 5], None),  # once: it may be so
        ([-5000, 400, -999, -999, 7], None),
        ([-800, 400, -999, -999, 7], None),
        ([3, 4, -1, -1, 5], None),
        ([-999, -999], None),
    ],
)
def test_a_number_that_stands_for_missing_cells(
    world: World, cells: list[object], found: tuple[float, int] | None
) -> None:
    world.write("a.csv", "a,b\n" + "".join(f"{cell},{k}\n" for k, cell in enumerate(cells)))
    assert glance(world.base / "a.csv").columns[0].stand_in == found


def test_what_is_missing_is_counted(world: World) -> None:
    world.write("a.csv", "a,b\n1,u\n,v\n-,u\n4,NA\n3,\n5,v\n")
    found = glance(world.base / "a.csv")
    numbers, words = found.columns
    assert (numbers.kind, numbers.missing, numbers.numbers()) == ("numbers", 2, [(1, 1), (4, 1), (3, 1), (5, 1)])
    assert (words.kind, words.missing, dict(words.values)) == ("words", 2, {"u": 2, "v": 2})
    assert (found.rows, found.complete, found.without_missing(found.columns)) == (6, True, 2)


def test_a_cell_that_is_no_number_is_told(world: World) -> None:
    world.write("a.csv", "a,b\n" + "".join(f"{'x' if k == 4 else k / 2},{k % 3}\n" for k in ROWS))
    odd, other = glance(world.base / "a.csv").columns
    assert (odd.kind, odd.odd, other.kind) == ("mixed", "line 6 holds `x`", "numbers")
