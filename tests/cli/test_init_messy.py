"""`init` of tables as they come: gaps, decimal commas, signs of money, columns without a name of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from .test_init import sound, start
from .worlds import Call


def test_a_column_without_a_name_of_its_own_is_left_out(call: Call) -> None:
    rows = ",a,b,b,y\n" + "".join(f"{i},{i * i / 7},{i},{i % 3},{i % 2}\n" for i in range(60))
    said = start(call, rows)
    assert ("left out: `column 1` (no name in the header); `b`, `b` (a name that another column has too)\n") in said.out
    assert said.out.endswith("`gpubp init a.csv --target NAME --force` predicts another column\n")
    assert 'columns = [["a"], "y"]' in sound(call, "a.net")
    assert call("run", "a.net", "--epochs", "1", "--device", "cpu", "--out", "run").code == 0
    answered = call("predict", "run", "a.csv", "--device", "cpu", "--keep", "a")
    assert (answered.code, answered.err) == (0, ""), "such columns of new rows are in nobody's way"
    assert (
        "error[E0415]: `a.csv`: more than one column is named `b`" in call("predict", "run", "a.csv", "--keep", "b").err
    )


def test_decimal_commas_are_found_and_told(call: Call) -> None:
    rows = "Größe;preis;menge;y\n" + "".join(f"{i * i},5;1.{i:03},5;{'' if i == 9 else i};{i % 2}\n" for i in range(60))
    said = start(call, rows)
    assert "inputs: 3 columns of numbers\n" in said.out
    assert 'numbers are written with decimal commas: `decimal = ","`\n' in said.out
    assert 'decimal = ","' in sound(call, "a.net")
    assert call("run", "a.net", "--epochs", "1", "--device", "cpu", "--out", "run").code == 0
    Path("new.csv").write_text("Größe;preis;menge\n2,25;1.001,5;3\n", "utf-8")
    assert call("predict", "run", "new.csv", "--device", "cpu").code == 0
    Path("new.csv").write_text("Größe;preis;menge\n2.25;1001;3\n", "utf-8")
    points = call("predict", "run", "new.csv", "--device", "cpu")
    assert "column `Größe`: `2.25` is not a number: it has a decimal point, where the table has commas" in points.err


@pytest.mark.parametrize(
    ("cells", "said", "options"),
    [
        (
            "${:,.2f}",
            'numbers have thousands separators: `thousands = ","`\n',
            'thousands = ",", units = ["$"]',
        ),
        ("{:.1f} %", 'percentages are read as fractions (45% is 0.45): `units = ["%"]`\n', 'units = ["%"]'),
        ("{} km", 'units are dropped: `units = ["km"]`\n', 'units = ["km"]'),
        ("EUR {}", 'units are dropped: `units = ["EUR"]`\n', 'units = ["EUR"]'),
        ("({:,}.5)", "numbers such as (5), 5- and - 5 are negative", "accounting = true"),
        ("- {}", "numbers such as (5), 5- and - 5 are negative", "accounting = true"),
    ],
)
def test_thousands_units_and_negatives_are_found_and_told(call: Call, cells: str, said: str, options: str) -> None:
    rows = "price;a;y\n" + "".join(f"{cells.format(1000 + i * i)};{i};{i % 2}\n" for i in range(60))
    told = start(call, rows)
    assert "inputs: 1 column of numbers\n" in told.out
    assert said in told.out
    assert options in sound(call, "a.net")
    assert call("run", "a.net", "--epochs", "1", "--device", "cpu", "--out", "run").code == 0
    answered = call("predict", "run", "a.csv", "--device", "cpu")
    assert (answered.code, answered.err) == (0, "")
    Path("new.csv").write_text('price,a\n"5,5 Taler",3\n', "utf-8")
    assert "column `price`: `5,5 Taler` is not a number" in call("predict", "run", "new.csv", "--device", "cpu").err


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("{:,}", "{:,}"), 'numbers, but the comma in `1,000` may be a thousands separator (`thousands = ","`) or a '),
        (("{} kg", "{} g"), "numbers, but in different units, `kg` and `g`"),
        (("$ {}", "{} €"), "numbers, but in different units, `$` and `€`"),
    ],
)
def test_numbers_that_could_mean_two_things_are_left_out(call: Call, cells: tuple[str, str], reason: str) -> None:
    rows = "price;a;y\n" + "".join(f"{cells[i % 2].format(1000 + i * i)};{i};{i % 2}\n" for i in range(60))
    said = start(call, rows)
    assert f"`price` ({reason}" in said.out
    sound(call, "a.net")


def test_numbers_that_are_missing_are_filled_and_rows_without_a_word_are_left_out(call: Call) -> None:
    rows = "a,b,kind,y\n" + "".join(
        f"{i * i},{'NA' if i == 7 else i / 3},{'' if i in (7, 8) else 'uv'[i % 2]},{i % 3}\n" for i in range(60)
    )
    said = start(call, rows)
    assert "missing cells: `b` (1), `kind` (2); numbers are filled by the median, and 2 rows are left out\n" in said.out
    assert "missing = median" in sound(call, "a.net")
    said = start(call, rows.replace("NA", "2"), "--force")
    assert "missing cells: `kind` (2); rows that miss one are left out, 2 of them\n" in said.out
    assert "missing = drop" in sound(call, "a.net")


def test_what_is_no_number_among_numbers(call: Call) -> None:
    marks = ("-", "None", "\\N")
    rows = "a,b,kind,y\n" + "".join(
        f"{marks[i % 3] if i < 6 else i / 3},{'?!' if i == 7 else i * i},{'-+'[i % 2]},{i % 2}\n" for i in range(60)
    )
    said = start(call, rows)
    assert "left out: `b` (numbers, but line 9 holds `?!`)\n" in said.out
    assert "missing cells: `a` (6); numbers are filled by the median\n" in said.out, "among words `-` is one of them"
    assert 'columns = [["a"], "kind", "y"], missing = median' in sound(call, "a.net")
    target = call("init", "a.csv", "--force", "--target", "b")
    assert "`b` cannot be the target (numbers, but line 9 holds `?!`): a target is numbers" in target.err


def test_a_class_of_most_rows_is_told(call: Call) -> None:
    said = start(call, "a,y\n" + "".join(f"{i / 3},{'well' if i % 6 else 'ill'}\n" for i in range(60)))
    assert "one of 2 classes; 83% of the rows are `well`: `weights = balanced` in the loss counts all" in said.out
    text = Path("a.net").read_text("utf-8")
    assert "metrics    = [accuracy(p, y), f1(p, y)]" in text
    Path("a.net").write_text(text.replace("cross_entropy(p, y)", "cross_entropy(p, y, weights = balanced)"), "utf-8")
    sound(call, "a.net")


def test_columns_that_would_cost_most_rows_are_left_out(call: Call) -> None:
    rows = "full,some,few,y\n"
    rows += "".join(f"{i * i},{i / 7 if i % 3 else ''},{i / 3 if i % 4 == 1 else 'NA'},{i % 2}\n" for i in range(40))
    said = start(call, rows)
    assert "left out: `few` (too many cells are missing)\n" in said.out
    assert "missing cells: `some` (14); numbers are filled by the median\n" in said.out
    assert "few" not in sound(call, "a.net").partition("data {")[2]


def test_commas_beside_decimal_points_stand_between_thousands(call: Call) -> None:
    rows = "".join(f"{i + 1},{i:03};{i / 8:.3f};{'ab'[i % 2]}\n" for i in range(40))
    said = start(call, f"u;v;kind\n{rows}")
    assert 'numbers have thousands separators: `thousands = ","`\n' in said.out
    assert "decimal" not in sound(call, "a.net")


def test_large_numbers_that_differ_little_are_standardized_by_the_reader(call: Call) -> None:
    """Before they are rounded to float32: W0404 is not said."""
    rows = "time,a,y\n" + "".join(f"{1_700_000_000 + 37 * i % 61},{i % 7 / 3},{i * i % 3}\n" for i in range(80))
    assert start(call, rows).code == 0
    text = sound(call, "a.net")
    assert 'csv("a.csv", target = "y", standardize = true)' in text
    assert "-> standardize" not in text


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("cp1252", "cp1252, as in `Größe`"), ("utf-16", "utf-16, as in `Größe`"), ("utf-8-sig", "")],
)
def test_the_encoding_is_found_and_told(call: Call, encoding: str, said: str) -> None:
    rows = "Größe;preis;stadt;y\n" + "".join(f"{i},5;{i * i};{'Köln' if i % 3 else 'Ulm'};{i % 2}\n" for i in range(60))
    told = start(call, rows.encode(encoding))
    assert f'its text is not UTF-8 but, it seems, {said}: `encoding = "{encoding}"`\n' in told.out if said else True
    assert ("encoding = " in sound(call, "a.net")) == bool(said)
    assert call("run", "a.net", "--epochs", "1", "--device", "cpu", "--out", "run").code == 0
    answers = [call("predict", "run", "a.csv", "--device", "cpu")]
    if not encoding.startswith("utf-16"):
        Path("new.csv").write_text(rows, "utf-8")
        answers.append(call("predict", "run", "new.csv", "--device", "cpu"))
    assert all((answer.code, answer.err) == (0, "") for answer in answers)
    assert len({answer.out for answer in answers}) == 1


def test_a_line_of_totals_among_dates_and_names_in_other_letters(call: Call) -> None:
    rows = (
        "日,温度,雨\n"
        + "".join(f"2024-{i % 12 + 1:02}-01,{i * i},{'是否'[i % 2]}\n" for i in range(60))
        + "合计,9,是\n"
    )
    said = start(call, rows + ",,\n,,\n")
    assert "left out: `日` (dates; " in said.out
    assert "guessed from 61 rows\n" in said.out
    assert "target label: class(?kinds)" in sound(call, "a.net")


@pytest.mark.parametrize(
    ("cells", "hint"),
    [
        ("{0:02}.{1:02}.2026", "dates; with `dates = dmy` "),
        ("{1}/{0}/2026 5:30 PM", "dates; with `dates = mdy` "),
        ("{1}/{1}/26", "dates; with `dates = dmy` or `dates = mdy` (no cell shows which) "),
        ("2026/{1}/{0}", "dates; "),
    ],
)
def test_how_to_use_dates_is_said(call: Call, cells: str, hint: str) -> None:
    rows = "when,a,y\n" + "".join(f"{cells.format(i % 28 + 1, i % 12 + 1)},{i * i},{i % 2}\n" for i in range(60))
    said = start(call, rows)
    assert f'left out: `when` ({hint}`"when.month"` and `"when.weekday"` in `columns` are numbers)\n' in said.out
    order = f", dates = {hint.partition('dates = ')[2][:3]}" if "dates = " in hint else ""
    text = sound(call, "a.net").replace('[["a"]', '[["a", "when.month"]').replace('"y"])', f'"y"]{order})')
    Path("a.net").write_text(text, "utf-8")
    assert call("check", "a.net").code == 0


def test_a_table_without_a_header_in_a_notation_of_its_own(call: Call) -> None:
    rows = "".join(f"{i * i},5;{i},25;{i % 2},0\n" for i in range(60))
    said = start(call, rows)
    assert 'the table has no header: its columns are called "1" to "3"\n' in said.out
    assert 'csv("a.csv", target = "3", header = false, decimal = ",")' in sound(call, "a.net")


def test_columns_without_a_cell_and_with_inf_are_left_out(call: Call) -> None:
    rows = "a,b,c,y\n" + "".join(
        f"{i},{'NA' if i % 2 else ''},{'inf' if i > 50 else i % 3},{i % 2}\n" for i in range(60)
    )
    said = start(call, rows)
    assert "left out: `b` (empty); `c` (numbers, but line 53 holds `inf`)\n" in said.out
    sound(call, "a.net")


def test_a_word_of_rows_without_a_target_alone_is_no_class(call: Call) -> None:
    rows = "a,kind,y\n" + "".join(
        f"{i},{'rare' if i == 9 else 'rb'[i % 2]},{'' if i == 9 else i / 7}\n" for i in range(60)
    )
    assert "1 row is left out" in start(call, rows.replace("\n3,", "\n,")).out
    assert "missing = median" in sound(call, "a.net")


def test_lines_above_the_table_are_found_and_told(call: Call) -> None:
    head = "Device;A 5;;\nAll values as measured\n\n"
    rows = "t;v;w;y\n" + "".join(f"{i},5;{i * i};{i};{i % 2}\n" for i in range(60))
    said = start(call, head + rows)
    assert "the table starts at line 4: `skip = 3`\n" in said.out
    assert "skip = 3" in sound(call, "a.net")
    assert call("run", "a.net", "--epochs", "1", "--device", "cpu", "--out", "run").code == 0
    Path("new.csv").write_text(head + "t;v;w\n2,5;1;2\n", "utf-8")
    assert call("predict", "run", "new.csv", "--device", "cpu").code == 0
    Path("a.net").write_text(Path("a.net").read_text("utf-8").replace("skip = 3", "skip = 0"), "utf-8")
    assert "error[E0415]: `a.csv`: 3 lines stand above line 4" in call("check", "a.net").err


def test_white_space_between_cells(call: Call) -> None:
    """A table with row names, as R writes it."""
    rows = '"a" "b" "kind"\n' + "".join(f'"row {i}" {i * i} {i / 7} "{"xyz"[i % 3]}"\n' for i in range(60))
    assert "left out: `column 1` (no name in the header)\n" in start(call, rows).out
    assert "target: `kind`, one of 3 classes" in call("init", "a.csv", "--force").out
    sound(call, "a.net")


def test_a_number_that_stands_for_missing_cells_is_told(call: Call) -> None:
    said = start(call, "a,b,y\n" + "".join(f"{-999 if i % 7 == 3 else i},{i * i / 7},{i % 2}\n" for i in range(60)))
    assert "`a` holds -999 in 9 rows: if it means a missing cell, empty these cells\n" in said.out
    assert "# `a` holds -999 in 9 rows" in sound(call, "a.net")


def test_what_may_mislead_is_told(call: Call) -> None:
    said = start(
        call, "id,text,y\n" + "".join(f"{i},some words {i},{['Yes', 'no', 'yes'][i % 3]}\n" for i in range(60))
    )
    assert "inputs: `id` (identifiers, for no other column can be used)\n" in said.out
    assert "`y` holds `Yes` and `yes`: if they mean the same, write them alike\n" in said.out
    assert "# `y` holds `Yes` and `yes`: " in sound(call, "a.net")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"BZh91AY&SY", "packed by bzip2"),
        (b"PK\x03\x04\x14\0\x06\0", "an Excel workbook or another ZIP archive"),
        (b"\x89HDF\r\n\x1a\n\0", "an HDF5 or NetCDF file"),
        (b"CDF\x01\0\0\0\0", "an HDF5 or NetCDF file"),
        (b"MATLAB 5.0 MAT-file, Platform: PCWIN64\0", "a MAT-file"),
    ],
)
def test_files_that_are_taken_for_text(call: Call, content: bytes, kind: str) -> None:
    assert start(call, content).err.startswith(f"error[E0413]: `a.csv` is {kind}, not text\n")
