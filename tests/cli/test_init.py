"""`init`: a starter file for a table that passes as it stands, what is guessed, what is refused, the examples."""

from __future__ import annotations

import gzip
import random
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gpubp
from dsl.format import format_text
from dsl.source import Source
from gpubp.cli.starter import guess
from gpubp.cli.starter_text import text
from gpubp.data import glance
from gpubp.data.notation import is_number
from tools.markdown import blocks

from .worlds import MODELS, ROOT, Call, Said, files

PARTS = random.Random(1)
MIXED = 'id,town,when,size "m2",note,split,price\n' + "".join(
    f"{i + 100},{PARTS.choice(['Ulm', 'Bonn'])},2024-01-{i % 28 + 1:02},{PARTS.random() * 100:.2f},some text {i},"
    f"{PARTS.choice('ab')},{PARTS.gauss(250000, 40000):.0f}\n"
    for i in range(60)
)


def test_arrays_are_no_table(call: Call, tmp_path: Path) -> None:
    for kind in ("npy", "npz"):
        (tmp_path / f"a.{kind}").write_bytes(b"")
        said = call("init", f"a.{kind}")
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith(f"error: `a.{kind}` holds arrays, not a table with named columns: `{kind}(...)` in ")


def start(call: Call, rows: str | bytes, *words: str, name: str = "a.csv") -> Said:
    Path(name).write_bytes(rows if isinstance(rows, bytes) else rows.encode())
    return call("init", name, *words)


def sound(call: Call, name: str) -> str:
    """The file's text, which is formatted, checked without a warning, and trains."""
    written = Path(name).read_text("utf-8")
    assert format_text(Source(name, written)) == (written, [])
    for words in (("check", name), ("run", name, "--epochs", "2", "--device", "cpu", "--no-save", "--quiet")):
        said = call(*words)
        assert (said.code, said.err) == (0, ""), said.err
    return written


@pytest.mark.parametrize("name", ["iris.csv", "diabetes.csv", "digits.csv.gz", "spiral.csv.gz"])
def test_the_tables_that_ship(call: Call, name: str) -> None:
    said = start(call, (MODELS / "data" / name).read_bytes(), name=name)
    assert (said.code, said.err) == (0, "")
    stem = name.partition(".")[0]
    target = {"iris": "species", "diabetes": "progression", "digits": "digit", "spiral": "arm"}[stem]
    assert said.out.startswith(f"target: `{target}`, ")
    written = sound(call, f"{stem}.net")
    assert ("softmax" in written) == (stem != "diabetes")
    for line in said.out.partition("\n\n")[0].splitlines():
        assert f"# {line}" in written.splitlines(), "what was guessed stands in the file too"


def test_a_start_learns(call: Call) -> None:
    start(call, (MODELS / "data/iris.csv").read_bytes())
    assert gpubp.train(gpubp.load("a.net"), "cpu").metrics["test.accuracy"] > 0.85
    start(call, (MODELS / "data/diabetes.csv").read_bytes(), "--force")
    assert gpubp.train(gpubp.load("a.net"), "cpu").metrics["test.r2"] > 0.3


def test_what_is_guessed_of_columns(call: Call) -> None:
    said = start(call, MIXED)
    assert said.out.splitlines()[:4] == [
        "target: `price`, a number",
        "inputs: 1 column of numbers and 2 columns of words (`town`, `split`)",
        (
            'left out: `id` (identifiers); `when` (dates; `"when.month"` and `"when.weekday"` in `columns` are '
            "numbers); `note` (free text)"
        ),
        "guessed from 60 rows",
    ]
    written = sound(call, "a.net")
    assert 'columns = [["size \\"m2\\""], "town", "split", "price"]' in written
    assert "one_hot(town), one_hot(split_2)" in written


@pytest.mark.parametrize(("words", "taken"), [((), 'target = "y"'), (("town",), 'columns = [rest, "town", "y"]')])
def test_of_a_wide_table_the_columns_are_listed_that_are_left_out(call: Call, words: Sequence[str], taken: str) -> None:
    """Thousands of names would be more than a file may hold. The first column has no name, as pandas writes it."""
    head = ["", "note", *(f"{'long_' * 10}{i}" for i in range(2000)), *words, "y"]
    rows = [
        [f"s{i}", f"a note {i}", *(f"{i % k}.5" for k in range(3, 2003)), *(["Ulm", "Bonn"][i % 2] for _ in words)]
        for i in range(30)
    ]
    start(call, "\n".join([",".join(head), *(",".join([*row, f"{i % 7}.5"]) for i, row in enumerate(rows))]))
    assert f'{taken}, without = ["", "note"]' in " ".join(sound(call, "a.net").split()).replace(", )", ")")


def test_the_target_that_is_told(call: Call) -> None:
    said = start(call, MIXED, "--target", "town")
    assert said.out.startswith("target: `town`, one of 2 classes\n")
    assert "target town: class(?kinds)" in sound(call, "a.net")
    near = call("init", "a.csv", "--target", "pric", "--force")
    assert (near.code, near.err) == (2, "error: `a.csv` has no column `pric`; did you mean `price`?\n")
    dates = call("init", "a.csv", "--target", "when", "--force")
    assert dates.code == 2
    assert "`when` cannot be the target (dates; " in dates.err


@pytest.mark.parametrize(
    ("rows", "target"),
    [
        ("a,b,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n", "`y`, one of 2 classes"),
        ("x,y,arm\n" + "".join(f"{i},{i * i},{i % 2}\n" for i in range(9)), "`arm`, one of 2 classes"),
        ("class,b\n" + "u,1\nv,2\n" * 5, "`class`, one of 2 classes"),
        ("a,quality\n" + "".join(f"{i / 7},{3 + i % 5}\n" for i in range(40)), "`quality`, one of 5 classes"),
        ("a,sold\n" + "".join(f"{i / 7},{[0, 5, 1000][i % 3]}\n" for i in range(40)), "`sold`, a number"),
        ("a,y\n" + "".join(f"{i * i},{i / 3}\n" for i in range(40)), "`y`, a number"),
        ("time,level\n" + "".join(f"{i},{i % 7 + 0.5}\n" for i in range(40)), "`level`, a number"),
        ("colour,taste\n" + "red,good\nblue,bad\n" * 4, "`taste`, one of 2 classes"),
        ("1,2,0\n3,4,1\n5,6,1\n7,8,0\n", "`3`, one of 2 classes"),
        ("a;b;y\n1,5;2;0\n1,6;3;1\n".replace(",", ".") * 1 + "2;2;1\n2;5;0\n", "`y`, one of 2 classes"),
        ("data,split,loss,p,y\n" + "".join(f"{i * i},{i},{i % 5},{i / 3},{i % 2}\n" for i in range(60)), "`y`"),
        ("a,let\n1,u\n2,v\n5,u\n3,v\n", "`let`, one of 2 classes"),
    ],
)
def test_the_target_and_its_task(call: Call, rows: str, target: str) -> None:
    said = start(call, rows)
    assert said.code == 0, said.err
    assert said.out.startswith(f"target: {target}")
    sound(call, "a.net")


CHOOSE = "`y` cannot be the target (numbers, but line 9 holds `---`): a target is numbers, or a few words that each "
CHOOSE += "occur several times; `--target NAME` chooses another column\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "`a.csv` is empty"),
        ("a,b\n", "`a.csv` has a header, but no rows"),
        ("a\n1\n2\n", "`a.csv` has one column"),
        ("a,a,y\n1,2,3\n4,5,6\n", "nothing to learn `y` from: `a`, `a` (a name that another column has too)"),
        ("a,b\n1,2\n3\n", "line 3: 1 cell, where the header has 2"),
        ("a,b\n" + "1,2\n" * 5, "no column of `a.csv` can be learnt: `a`, `b` (one value only)"),
        ("Report 2024,\nkind,a\nx,1\ny,3\n", "; if lines stand above its header, delete them"),
        ("a,b\n" + "1,2\n1,3\n" * 5, "nothing to learn `b` from: `a` (one value only)"),
        ("a,y\n1,\n2,\n3,7\n4,8\n5,\n", "only 2 of 5 rows of `a.csv` have all the cells that are needed"),
        (
            "a,y\n" + "".join(f"{i},{i / 3}\n" for i in range(1, 30)) + "12x,3\n",
            "(numbers, but line 31 holds `12x`)",
        ),
        ('a,b\n1,2\n"3,4\n', "a quote opens here and never closes"),
        (b"\x7fELF\0\1\2", "is not text: line 1 contains a zero byte"),
        ("a,b,y\n" + "".join(f"{i / 7},{i % 4},{'---' if i % 9 == 7 else i / 3}\n" for i in range(40)), CHOOSE),
        ("a,y\n" + "".join(f"{i / 7},always\n" for i in range(40)), "`y` cannot be the target (one value only): "),
        ("a,b,y\n" + "".join(f'"{i},{i % 4},{i % 2}"\n' for i in range(9)), "help: each row is one quoted cell: "),
        (b"a,b\n\x01\xff,2\n", "is not UTF-8 text"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "is cut short"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 99, mtime=0)[:20], "is cut short"),
    ],
)
def test_what_is_no_table_to_learn_from(call: Call, rows: str | bytes, message: str) -> None:
    said = start(call, rows)
    assert said.code == 2
    assert message in said.err
    assert said.out == ""
    assert files(Path()) == ["a.csv"], "nothing is written"


def test_numbers_whose_squares_are_too_large(call: Call) -> None:
    """They are refused in float32, as by `check` and `run`, not before."""
    rows = "a,y\n" + "".join(f"{'1e308' if i == 7 else i / 7},{-1e300 * i}\n" for i in range(40))
    said = start(call, rows)
    assert said.code == 2
    assert "1e+308, in row 8 of `a` of `x`, is too large for float32" in said.err
    assert "-1e+300, in row 2 of `y`, is too large for float32" in said.err


def test_nothing_is_written_over(call: Call) -> None:
    rows = (MODELS / "data/iris.csv").read_bytes()
    Path("a.net").write_text("mine")
    said = start(call, rows)
    assert (said.code, Path("a.net").read_text()) == (2, "mine")
    assert said.err == "error: `a.net` already exists: `--force` writes over it, `-o FILE` to another place\n"
    assert start(call, rows, "--force").code == 0
    nowhere = start(call, rows, "-o", "sub/b.net")
    assert (nowhere.code, nowhere.err) == (2, "error: there is no folder `sub` to write `sub/b.net` to\n")
    Path("sub").mkdir()
    assert start(call, rows, "-o", "sub/b.net").code == 0
    assert 'csv("../a.csv"' in Path("sub/b.net").read_text()
    Path("c.net").mkdir()
    assert start(call, rows, "-o", "c.net", "--force").code == 2
    assert call("init", "sub").code == 2
    assert call("init", "none.csv").code == 2


def test_of_a_huge_table_the_first_rows_are_looked_at(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 'a,"b\n",y\n' + "".join(f'{i / 3},"{i % 7}\n",{i % 2}\n' for i in range(3000))
    module = sys.modules["gpubp.data.glance"]
    monkeypatch.setattr(module, "MAX_BYTES", 500)
    said = start(call, rows)
    assert said.code == 0, said.err
    assert "rows; the others may differ" in said.out
    monkeypatch.setattr(module, "MAX_BYTES", 1 << 20)
    monkeypatch.setattr(module, "MAX_ROWS", 100)
    assert "guessed from the first 100 rows; the others may differ" in start(call, rows, "--force").out
    sound(call, "a.net")


NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda name: name.strip() == name and '"' not in name and not is_number(name)
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, min_size=3, max_size=5, unique=True), st.integers(0, 99))
def test_any_names_of_columns_make_a_sound_file(tmp_path: Path, names: list[str], seed: int) -> None:
    """Whatever the columns are called, the file reads them as they are meant."""
    draw = random.Random(seed)
    rows = [[f"{draw.random():.4f}", *(draw.choice(["u", "v", "w"]) for _ in names[1:])] for _ in range(30)]
    lines = [[f'"{name}"' for name in names], *rows]
    table = tmp_path / "a.csv"
    table.write_text("\n".join(",".join(line) for line in lines) + "\n", "utf-8")
    found = guess(glance(table, (names[-1],)), names[-1])
    net = gpubp.frontend.loads(text(found, "a.net", "a.csv"), "a.net", base=tmp_path)
    assert len(net.graph.inputs) == len(names) - 1


def test_an_example_that_is_not_there_is_named(call: Call) -> None:
    said = call("run", "models/xor.net")
    assert said.code == 2
    assert said.err.splitlines()[1:] == ["help: `gpubp init xor` writes this example to the working directory"]
    call("init", "xor")
    assert "help: did you mean `xor.net`?" in call("check", "models/xor.net").err


def test_the_examples(call: Call) -> None:
    listed = call("init")
    known = [line.split()[0] for line in listed.out.partition("\n\n")[0].splitlines()]
    assert known == sorted(path.stem for path in MODELS.glob("*.net"))
    for name in known:
        said = call("init", name)
        assert said.code == 0, said.err
        assert Path(f"{name}.net").read_bytes() == (MODELS / f"{name}.net").read_bytes()
        checked = call("check", f"{name}.net")
        assert checked.code == 0 or "does not exist" in checked.err
    again = call("init", "iris")
    assert (again.code, "kept data/iris.csv" in again.out) == (0, True)
    Path("data/iris.csv").write_text("mine")
    assert call("init", "iris").code == 2
    assert Path("data/iris.csv").read_text() == "mine"
    near = call("init", "irs")
    assert near.err == "error: there is no example `irs`, and no such file; did you mean `iris`?\n"


def test_the_readme_goes_from_a_table_to_a_model_in_five_commands(call: Call) -> None:
    page = (ROOT / "README.md").read_text("utf-8").partition("## From a table to a model")[2].partition("\n## ")[0]
    commands = [
        line[2:].partition("#")[0].split()
        for block in blocks(page)
        for line in block.text.splitlines()
        if line[:2] == "$ "
    ]
    assert [words[1] for words in commands] == ["init", "check", "search", "run", "predict"]
    for name in ("iris.csv", "new.csv"):
        Path(name).write_bytes((MODELS / "data/iris.csv").read_bytes())
    for words in commands:
        said = call(*words[1:])
        told = "wrote answers.csv: 150 rows of " if words[1] == "predict" else ""
        assert (said.code, said.err[: len(told) or None]) == (0, told), said.err
    assert Path("answers.csv").read_text().startswith("species,p.setosa,")


def test_what_it_says_to_type_can_be_typed(call: Call) -> None:
    Path("my fruit's.csv").write_bytes((MODELS / "data/iris.csv").read_bytes())
    said = call("init", "my fruit's.csv")
    typed = re.findall(r"`(gpubp .*?)`", said.out)
    assert [shlex.split(line)[1:] for line in typed] == [
        ["check", "my fruit's.net"],
        ["run", "my fruit's.net"],
        ["init", "my fruit's.csv", "--target", "NAME", "--force"],
    ]


def test_paths_on_the_command_line_start_where_one_is(call: Call) -> None:
    said = call("init", "nowhere/rows.csv")
    assert said.code == 2
    assert "help: paths start in the folder that you are in" in said.err
