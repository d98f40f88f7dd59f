"""Inputs that nobody would give on purpose, to the verbs that look at a run: one clear message each, never a traceback,
and a remedy that the command at hand can follow."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gpubp.cli import main

from .worlds import MODELS, ROWS, Call, Said, write

LONG = "n" * 300


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("hostile")
    write(base)
    assert main(["run", str(base / "a.net"), "--device", "cpu", "--quiet", "--out", str(base / "run")]) == 0
    return base


@pytest.fixture
def home(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own with a copy of the run and its table."""
    shutil.copytree(trained, tmp_path / "home")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def refused(said: Said, *words: str, code: int = 2) -> None:
    assert said.code == code, said
    assert said.out == ""
    assert said.err.startswith("error")
    assert said.err.isascii() or "\N{REPLACEMENT CHARACTER}" in said.err
    assert all(one.isprintable() or one == "\n" for one in said.err)
    for word in words:
        assert word in said.err, said.err


def table(home: Path, text: str | bytes) -> Path:
    place = home / "new.csv"
    place.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Path("new.csv")


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            ROWS.partition("\n")[2],
            ("`new.csv` has no columns `a`, `b`", "put a line with the names of the columns above"),
        ),
        ("a,b,y\n", ("has a header, but no rows", "help: add rows below it")),
        (
            ROWS.replace("a,b,y", "a,b,y,a")
            .replace(",0\n", ",0,1\n")
            .replace(",1\n", ",1,1\n")
            .replace(",2\n", ",2,1\n"),
            ("more than one column is named `a`", "help: rename one\n"),
        ),
        (
            "a,b,y\n" + "one,1,1\n" * 4,
            ("`one` is text, like the whole column", "trained on numbers in this column"),
        ),
        ('[{"a": 1, "b": 2}]', ("`new.csv` is JSON, not a table", "save it as CSV")),
        ("<!DOCTYPE html><html>404</html>", ("`new.csv` is a page of HTML", "download the table itself")),
        (ROWS.encode("utf-16"), ("is UTF-16 text, not UTF-8",)),
        (b"\x1b]0;x\x07,b,y\n1,2,3\n", ("has no column `a`", "\N{REPLACEMENT CHARACTER}]0;x")),
    ],
)
def test_a_table_that_does_not_fit(
    call: Call, home: Path, verb: str, rows: str | bytes, words: tuple[str, ...]
) -> None:
    said = call(verb, "run", table(home, rows), "--device", "cpu")
    refused(said, *words)
    for option in ("missing = ", "header = ", "onehot = ", "columns = ", "csv("):
        assert option not in said.err, "an option of a reader, which this command has none of"


@pytest.mark.parametrize("cell", ["", "nan"])
@pytest.mark.parametrize(("verb", "told"), [("predict", "answers are left empty"), ("evaluate", "metrics are without")])
def test_a_row_that_cannot_be_used(call: Call, home: Path, verb: str, told: str, cell: str) -> None:
    said = call(verb, "run", table(home, ROWS.replace("3,0.9,0", f"{cell},0.9,0")), "--device", "cpu")
    assert said.code == 0
    assert said.err.startswith("warning: 1 of 10 rows of `new.csv` cannot be used: the")
    assert told in said.err
    assert "1 row misses a cell: line 5, column `a`" in said.err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (LONG, ("cannot be read: file name too long",)),
        ("n/" * 3000, ("cannot be read: file name too long",)),
        ("https://example.org/a.csv", ("does not exist", "download it first")),
        ("loop", ("too many levels of symbolic links",)),
        ("\x1b[31m.csv", ("does not exist",)),
        ("\udcff.csv", ("does not exist",)),
        (".", ("is a directory, not a file",)),
        ("/dev/zero", ("is not a regular file",)),
    ],
)
def test_a_table_that_is_none(call: Call, home: Path, name: str, words: tuple[str, ...]) -> None:
    (home / "loop").symlink_to("loop")
    said = call("predict", "run", name, "--device", "cpu")
    refused(said, *words)
    assert max(map(len, said.err.splitlines())) < 400


@pytest.mark.parametrize("verb", ["predict", "evaluate", "run"])
def test_a_table_that_is_larger_than_memory(call: Call, home: Path, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before it is read: the system would end the process."""
    size = (home / "a.csv").stat().st_size
    monkeypatch.setattr("gpubp.data.files.free_memory", lambda: size - 1)
    words = {"run": ["a.net", "--no-save"]}.get(verb, ["run", "a.csv"])
    message = f"`a.csv` has {size} bytes, but only {size - 1} bytes of memory are free"
    refused(call(verb, *words), "error[E0425]", message)


def test_columns_with_long_names_are_told_in_short(call: Call, home: Path) -> None:
    said = call("predict", "run", table(home, ROWS.replace("a,b,y", f"a,b,{'n' * 100_000}")), "--device", "cpu")
    assert (said.code, len(said.err) < 300) == (0, True)


@pytest.mark.parametrize("name", [LONG, "loop", "a.csv/x", "nowhere/x", "."])
@pytest.mark.parametrize(
    "words", [("predict", "run", "a.csv", "-o"), ("report", "run", "-o"), ("explain", "a.net", "--html")]
)
def test_a_place_that_cannot_be_written(call: Call, home: Path, words: tuple[str, ...], name: str) -> None:
    (home / "loop").symlink_to("loop")
    before = (home / "a.csv").read_bytes()
    said = call(*words, name)
    refused(said, code=1)
    assert len(said.err) < 200
    assert (home / "a.csv").read_bytes() == before
    assert (home / "loop").is_symlink()


def test_an_output_beside_a_table_that_is_not_there(call: Call, home: Path) -> None:
    refused(call("predict", "run", "nowhere.csv", "-o", "a.csv"), "`nowhere.csv` does not exist")
    (home / "link.csv").symlink_to("a.csv")
    refused(call("predict", "run", "a.csv", "-o", "link.csv"), "`link.csv` is the table itself")


def test_names_that_are_empty(call: Call, home: Path) -> None:
    refused(call("explain", "a.net", "--html", ""), "cannot save", code=1)
    refused(call("explain", "a.net", "--show", ""), "nothing in this step is called ``")


@pytest.mark.parametrize("verb", ["report", "plot", "predict", "evaluate", "explain"])
@pytest.mark.parametrize("name", [LONG, "loop", "nowhere", "a.csv", "\x1b[31m", "/dev/null", "run/env.json"])
def test_a_run_that_is_none(call: Call, home: Path, verb: str, name: str) -> None:
    (home / "loop").symlink_to("loop")
    said = call(verb, name, *(["a.csv"] if verb in ("predict", "evaluate") else []))
    refused(said)
    assert len(said.err) < 400


@pytest.mark.parametrize("verb", ["report", "plot"])
@pytest.mark.parametrize(("key", "value"), [("epochs", "many"), ("started", 7), ("environment", []), ("rows", None)])
def test_a_run_whose_account_is_damaged(call: Call, home: Path, verb: str, key: str, value: object) -> None:
    about = json.loads((home / "run/env.json").read_text())
    (home / "run/env.json").write_text(json.dumps({**about, key: value}))
    refused(call(verb, "run"), f"`run/env.json` is damaged: its `{key}` is not what a run wrote")
    said = call("runs", ".")
    assert said.code == 0
    assert f"its `{key}` is not what a run wrote" in said.err


@pytest.mark.parametrize(
    "line",
    [
        '{"epoch": "x", "step": 1}',
        '{"epoch": 1e999, "step": 1}',
        '{"metrics": 5}',
        '{"metrics": {}, "health": 3}',
        '{"metrics": {}, "health": [4]}',
        "[" * 100_000,
    ],
)
@pytest.mark.parametrize("verb", ["report", "plot", "runs", "predict"])
def test_figures_that_are_damaged_end_where_they_are_whole(call: Call, home: Path, verb: str, line: str) -> None:
    whole = (home / "run/metrics.jsonl").read_text().splitlines(keepends=True)
    (home / "run/metrics.jsonl").write_text(whole[0] + line + "\n")
    said = call(verb, *{"runs": ["."], "predict": ["run", "a.csv"]}.get(verb, ["run"]))
    assert said.code == 0, said.err


def test_a_file_in_the_place_of_a_run(call: Call, home: Path) -> None:
    refused(call("report", MODELS / "xor.net"), "is not a run: it is a file in no run's folder")
