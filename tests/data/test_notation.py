"""Numbers as people write them: those of the plain table bit for bit, and what is refused with which remedy."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.graph import Static, Type, Word
from gpubp.data import from_json, read_table, to_json
from gpubp.data.cell_arrays import CellQuery
from gpubp.data.cells import _by_rewriting
from gpubp.data.layout import TextOptions, open_sheet
from gpubp.data.notation import SPACES, Notation
from gpubp.data.spelling import notation_for
from gpubp.errors import CheckpointError, DataError

from .worlds import World, choice, csv, entry

NUMBERS = st.decimals(-(10**12), 10**12, places=3, allow_nan=False) | st.decimals(-2000, 2000, places=1)
BETWEEN = {",": ",", ".": ".", "'": "'’", " ": SPACES}


@st.composite
def notations(draw: st.DrawFn) -> Notation:
    decimal = draw(st.sampled_from(".,"))
    thousands = draw(st.sampled_from(["", *(sign for sign in BETWEEN if sign != decimal)]))
    units = draw(st.sampled_from([(), ("$",), ("€",), ("kg", "%"), ("m²",), ("Mio. €",), ("%",)]))
    return Notation(decimal, thousands, units, draw(st.booleans()))


def written(number: Any, notation: Notation, draw: Any) -> tuple[str, str]:
    """A number as a table writes it, and in Python's way."""
    plain, digits = str(number), f"{abs(number):,f}"
    mark = draw(st.sampled_from(BETWEEN.get(notation.thousands, "_")))
    digits = digits.replace(".", "#").replace(",", "" if mark == "_" else mark).replace("#", notation.decimal)
    unit = draw(st.sampled_from(("", *notation.units[-1:])))
    space = draw(st.sampled_from(["", " ", "\N{NO-BREAK SPACE}"]))
    ways = [f"-{digits}", f"\N{MINUS SIGN}{digits}"] if number.is_signed() else [digits, f"+{digits}"]
    if unit:
        plain = f"{number}e-2" if unit == "%" else plain
        ways = [*(f"{way}{space}{unit}" for way in ways), *(f"{unit}{space}{way}" for way in ways)]
    if notation.accounting and number.is_signed():
        ways = [f"({digits})", f"{digits}-", f"- {digits}", f"{unit}{space}({digits})", f"{unit}- {digits}"]
        plain = str(number) if draw(st.just(unit)) != "%" else plain
        ways = ways if not unit else ways[3:]
    return draw(st.sampled_from(ways)), plain


@given(data=st.data(), notation=notations())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_a_table_in_any_notation_is_the_plain_one(world: World, data: st.DataObject, notation: Notation) -> None:
    """In training, and, from the saved encoders, in new rows."""
    world.inputs, world.targets = {"x": Type((2,))}, {}
    rows = data.draw(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=4))
    cells = [[written(number, notation, data.draw) for number in row] for row in rows]
    delimiter = data.draw(st.sampled_from("\t|;"))
    world.write(
        "a.csv", "".join(delimiter.join(line) + "\n" for line in (("a", "b"), *([c for c, _ in row] for row in cells)))
    )
    options: dict[str, Static] = {
        "decimal": notation.decimal,
        "units": notation.units,
        "accounting": notation.accounting,
    }
    if notation.thousands:
        options["thousands"] = notation.thousands
    found = world.load(csv("x", delimiter=delimiter, **options))
    expected = np.array([[float(plain) for _, plain in row] for row in cells])
    assert found.columns["x"].tobytes() == expected.tobytes()
    saved = from_json(json.loads(json.dumps(to_json(found.encoders))))
    assert read_table(world.base / "a.csv", saved).arrays["x"].tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("notation", "cell", "number"),
    [
        (Notation(thousands=","), "12,34,567", "1234567"),
        (Notation(thousands=","), "1234.5", "1234.5"),
        (Notation(thousands=","), "1,5", None),
        (Notation(thousands=","), "1,2345", None),
        (Notation(thousands=","), "1234,567", None),
        (Notation(thousands=","), "0,125", None),
        (Notation(thousands=","), "nan", None),
        (Notation(thousands=","), "1,,234", None),
        (Notation(","), "0.125", None),
        (Notation(","), ",5", ".5"),
        (Notation(","), "12\N{NARROW NO-BREAK SPACE}345,5", "12345.5"),
        (Notation(",", "'"), "1.234,5", None),
        (Notation(","), "1.234 567", None),
        (Notation(units=("$",)), "$-5", "-5"),
        (Notation(units=("$",)), "-$-5", None),
        (Notation(units=("$",)), "$5$", None),
        (Notation(units=("$", "%")), "$5%", None),
        (Notation(units=("$", "%"), accounting=True), "$(5)%", None),
        (Notation(units=("$", "%"), accounting=True), "(5$)%", None),
        (Notation(units=("$", "%"), accounting=True), "(5%)", "-5e-2"),
        (Notation(units=("%",)), f"1e{'9' * 5000}%", None),
        (Notation(units=("$",)), "5 €", None),
        (Notation(units=("$",)), "(5)", None),
        (Notation(units=("m2",)), "5 m2", "5"),
        (Notation(units=("m2",)), "m25", None),
        (Notation(units=("%",)), "45.3 %", "45.3e-2"),
        (Notation(units=("%",)), "1e3%", "1e1"),
        (Notation(units=("‰",)), "8‰", "8e-3"),
        (Notation(), "- 5", None),
        (Notation(accounting=True), "- 5", "-5"),
        (Notation(accounting=True), "- - 5", None),
        (Notation(",", units=("€",), accounting=True), "-  1.234,50 €", "-1234.50"),
        (Notation(",", units=("€",), accounting=True), "€ - 5", "-5"),
        (Notation(units=("€",)), "- 5 €", None),
        (Notation(accounting=True), "(-5)", None),
        (Notation(accounting=True), "-5-", None),
        (Notation(accounting=True), "(5", None),
    ],
)
def test_what_is_a_number(world: World, notation: Notation, cell: str, number: str | None) -> None:
    assert notation.number(cell) == number
    world.write("a.csv", f'a;b\n"{cell}";x\n')
    sheet = open_sheet(world.base, "a.csv", None, TextOptions(delimiter=";", header=True, notation=notation))
    found = _by_rewriting(sheet, CellQuery([0], [], ()))
    if found is not None:  # others are judged one by one
        assert repr(found.numbers[0].tolist()) == repr([float(number or "nan")])


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("thousands", "x", "`x` is not a thousands separator"),
        ("thousands", ".", "`.` cannot be both thousands separator and decimal sign"),
        ("units", ("5",), "`5` is not a unit: it could be part of a number"),
        ("units", ("kg", " g"), "` g` is not a unit: it could be part of a number"),
        ("units", "", "`` is not a unit: it could be part of a number"),
    ],
)
def test_signs_that_no_number_has(world: World, option: str, value: Static, message: str) -> None:
    world.write("a.csv", "a,y\n1,2\n")
    found = world.refused(csv("x, y", target="y", **{option: value}))
    assert (found.code, found.message) == ("E0411", message)


BOTH = '`thousands = ","` reads it as a thousands separator, `decimal = ","` as a decimal comma'
BOTH += "; the column does not say which"


@pytest.mark.parametrize(
    ("cells", "odd", "help"),
    [
        (['"1,234"', '"1,234,567"'], "it has thousands separators", '`thousands = ","` reads such numbers'),
        (['"1,234"', "0.5"], "it has thousands separators", '`thousands = ","` reads such numbers'),
        (['"1,234"', '"2,5"'], "it has a decimal comma", '`decimal = ","` reads such numbers'),
        (['"1,234"', "5"], "it has a comma", BOTH),
        (['"$1,200.50"'], "it has the unit `$`", '`thousands = ",", units = ["$"]` reads such numbers'),
        (["5 kg", "6 kg"], "it has the unit `kg`", '`units = ["kg"]` reads such numbers'),
        (["5 kg", "6", "7", "8"], "", "correct it in the table"),
        (["45%"], "it has the unit `%`", '`units = ["%"]` reads such numbers'),
        (["- 5", "7"], "it is a negative number in accounting notation", "`accounting = true` reads such numbers"),
        (["(5)", "7"], "it is a negative number in accounting notation", "`accounting = true` reads such numbers"),
    ],
)
def test_the_remedy_is_what_to_write(world: World, cells: list[str], odd: str, help: str) -> None:
    world.write("a.csv", "a,y\n" + "".join(f"{cell},1\n" for cell in cells))
    found = world.refused(csv("x, y", target="y"))
    first = cells[0].strip('"')
    assert found.message == f"`a.csv`, line 2, column `a`: `{first}` is not a number{f': {odd}' if odd else ''}"
    assert found.help == (help,)


def test_a_column_has_one_unit(world: World) -> None:
    world.inputs["x"] = Type((2,))
    world.write("a.csv", "a,b,y\n$1,1 kg,1\n2,2 kg,1\n$3,3 kg,1\n")
    assert world.load(csv("x, y", target="y", units=("$", "kg"))).arrays["x"].tolist() == [[1, 1], [2, 2], [3, 3]]
    world.write("a.csv", "a,b,y\n$1,1 kg,1\n2 kg,2 kg,1\n$3,3 kg,1\n")
    found = world.refused(csv("x, y", target="y", units=("$", "kg")))
    message = "`a.csv`, line 3, column `a`: `2 kg` is not a number: its unit differs from that of the cells above"
    assert found.message == message


def test_series_and_their_new_rows(world: World) -> None:
    world.inputs, world.targets = {"past": Type((2, 1))}, {}
    world.write("a.csv", "a;b\n1.000 €;x\n2.000,50 €;y\n3.000 €;z\n")
    use = choice("series", path="a.csv", window=2, columns=("a",), decimal=",", units=("€",))
    found = world.load(entry("past", use))
    assert found.arrays["past"].tolist() == [[[1000], [2000.5]], [[2000.5], [3000]]]
    assert read_table(world.base / "a.csv", found.encoders).arrays["past"].tolist() == found.arrays["past"].tolist()


def test_new_rows_have_the_units_of_those_that_were_learned(world: World) -> None:
    """Where several are told, a column in another of them would be read as if it were in its own."""
    world.inputs["x"] = Type((2,))
    world.write("a.csv", "a,b,y\n1,,1\n$2,1 kg,1\n3,2 kg,1\n")
    use = csv("x, y", target="y", units=("$", "kg", "%"), missing=Word("mean"), test="t.csv")
    world.write("t.csv", "y,b,a\n1,2,$3\n")
    encoders = from_json(json.loads(json.dumps(to_json(world.load(use).encoders))))
    assert [field.unit for field in encoders["x"].fields] == ["$", "kg"]
    world.write("new.csv", "b,a\n5%,$5\n3 kg,6\n")
    inputs = {"x": encoders["x"]}
    assert read_table(world.base / "new.csv", inputs).arrays["x"].tolist() == [[5, 0.05], [6, 3]]
    said = "column `b`: its numbers are in `$`, those of {} in `kg`"
    world.write("new.csv", "b,a\n3,5\n$3,5\n")
    with pytest.raises(DataError) as caught:
        read_table(world.base / "new.csv", inputs)
    assert caught.value.diagnostics[0].message.endswith(said.format("the data that was learned from"))
    world.write("t.csv", "y,b,a\n1,$2,$3\n")
    assert world.refused(use).message == f"`t.csv`, {said.format('`a.csv`')}"
    series = choice("series", path="a.csv", window=1, columns=("a", "b"), units=("$", "kg"), missing=Word("drop"))
    world.inputs, world.targets = {"past": Type((1, 2))}, {}
    encoders = world.load(entry("past", series)).encoders
    assert [field.unit for field in encoders["past"].fields] == ["$", "kg"]
    with pytest.raises(DataError, match="its numbers are in"):
        read_table(world.base / "new.csv", encoders)


def test_a_series_of_numbers_with_units(world: World) -> None:
    """They are no text that `columns` would leave out."""
    world.inputs, world.targets = {"past": Type((2, 1))}, {}
    world.write("a.csv", "a\n5 kg\n6 kg\n7 kg\n")
    found = world.refused(entry("past", choice("series", path="a.csv", window=2)))
    assert found.help == ('`units = ["kg"]` reads such numbers',)
    world.write("a.csv", "a;b\n5 kg;$5\n6 kg;$6\n")
    found = world.refused(entry("past", choice("series", path="a.csv", window=2, units="kg")))
    assert found.help == ('`units = ["kg", "$"]` reads such numbers',)


def test_a_saved_notation_is_read_or_refused(world: World) -> None:
    world.inputs["x"] = Type((1,))
    world.write("a.csv", "a;y\n1,5;1\n")
    saved = to_json(world.load(csv("x, y", target="y", decimal=",")).encoders)
    assert saved["x"]["notation"]["decimal"] == ","
    assert read_table(world.base / "a.csv", from_json(saved)).arrays["x"].tolist() == [[1.5]]
    for notation in ({"decimal": ";"}, {"units": [5]}, {"accounting": 1}, {"dates": "dym"}, {"colour": "red"}, "x"):
        broken = {name: {**part, "notation": notation} for name, part in saved.items()}
        with pytest.raises(CheckpointError, match="the saved encoder of `x` is damaged"):
            from_json(broken)


def test_new_rows_in_another_notation(world: World) -> None:
    world.inputs["x"] = Type((1,))
    world.write("a.csv", "a;y\n$5;1\n")
    encoders = world.load(csv("x, y", target="y", units=("$",))).encoders
    world.write("new.csv", "a;y\n1,5;1\n")
    with pytest.raises(DataError) as caught:
        read_table(world.base / "new.csv", encoders)
    help = "the net was trained on a table without decimal commas: write numbers as that table does"
    assert caught.value.diagnostics[0].help == (help,)


def test_words_beside_such_numbers_stay_as_they_are(world: World) -> None:
    world.inputs, world.targets = {"x": Type((1,))}, {"y": Type((), 3)}
    world.write("a.csv", 'a,y\n"1,234","1,5"\n$5,b\n,(7)\n')
    found = world.load(csv("x, y", target="y", thousands=",", units="$", accounting=True, missing=Word("mean")))
    assert found.arrays["x"].tolist() == [[1234], [5], [619.5]]
    assert found.classes["y"] == ("(7)", "1,5", "b")


def test_a_guess_reads_numbers_as_the_reader_does() -> None:
    found = notation_for([["1e3 kg", "2.5e-3 kg", "-7 kg"], ["$(5)", "$1,200"]])
    assert found == Notation(thousands=",", units=("kg", "$"), accounting=True)
    assert [found.number(cell) for cell in ("2.5e-3 kg", "$(5)", "$1,200", "$5$", "--5")] == [
        "2.5e-3",
        "-5",
        "1200",
        None,
        None,
    ]
