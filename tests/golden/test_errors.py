"""Every code: the files that show it print exactly their golden text, its explanation is there, its examples hold.

`python -m tools.golden_errors` writes the texts anew, `python -m tools.error_docs` the page of the documentation.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from dsl import explain
from gpubp.cli import main
from gpubp.cli.codes import FOLDERS, table, to_text
from tools import error_docs, golden_errors

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = table()
CODE = re.compile(r"\b[EW]0\d{3}\b")
REPORTED = re.compile(r"^(?:error|warning)\[([EW]\d{4})\]: ", re.MULTILINE)
CHECKED = [path for path in golden_errors.files() if golden_errors.words(path)[0] == "check"]
UNSHOWN = {
    "E0102",  # needs 100 KiB of text
    "E0307",  # needs a layer from outside
    "E0423",  # needs a package to be missing
    "E0425",  # needs a machine without memory
    "E0506",  # needs a run
    "W0203",  # needs a broken package to be installed
}


def name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", golden_errors.files(), ids=name)
def test_the_text_is_the_golden_one(path: Path) -> None:
    printed = golden_errors.printed(path)
    assert printed == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert path.stem.split("_")[0] in REPORTED.findall(printed)
    for message in re.findall(r"^(?:error|warning)\[\w+\]: (.*)$", printed, re.MULTILINE):
        assert not message[0].isupper()
        assert not message.endswith(".")


@pytest.mark.parametrize("path", CHECKED, ids=name)
def test_the_same_as_data(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    verb, *arguments = golden_errors.words(path)
    monkeypatch.chdir(path.parent)
    status = main([verb, "--json", *arguments])
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert printed.err == ""
    assert set(document) == {"file", "diagnostics", "run_needs"}
    assert f"{document['file']}" in arguments
    found = [(one["severity"], one["code"], one["message"]) for one in document["diagnostics"]]
    heads = re.findall(r"^(error|warning)\[(\w+)\]: (.*)$", path.with_suffix(".txt").read_text(), re.MULTILINE)
    assert sorted(found) == sorted(heads)
    assert status == (2 if any(severity == "error" for severity, *_ in found) else 0)


def test_goldens_are_complete() -> None:
    files = golden_errors.files()
    assert len(files) >= 60
    assert {path.stem.split("_")[0] for path in files} == set(TABLE) - UNSHOWN
    assert {path.stem for path in golden_errors.FOLDER.glob("*.txt")} == {path.stem for path in files}


@pytest.mark.parametrize(("package", "folder"), [("dsl", FOLDERS[0]), ("gpubp", FOLDERS[1])], ids=("dsl", "gpubp"))
def test_every_code_used_is_explained_where_it_is_used(package: str, folder: Path) -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / package).rglob("*.py"))}
    used = {code for text in sources.values() for code in re.findall(r'"([EW]0\d{3})"', text)}
    explained = set(explain.read(folder))
    assert explained <= used, "explained and never used"
    assert used <= set(TABLE), "used and not explained"


@pytest.mark.parametrize("code", sorted(UNSHOWN))
def test_what_no_file_shows_another_test_does(code: str) -> None:
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    assert any(re.search(rf"\b{code}\b", path.read_text(encoding="utf-8")) for path in tests)


def test_every_code_is_written_whole() -> None:
    """A code put together by a program, or in other quotes, would escape the test above."""
    for package in ("dsl", "gpubp"):
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"'[EW]0\d|[\"'][EW]0\d{0,2}[\"'{]", text), path
            assert not re.search(r"Diagnostic\(\s*f?[\"'](?![EW]0\d{3}[\"'])", text), path


def test_no_code_is_explained_twice() -> None:
    language, rest = (set(explain.read(folder)) for folder in FOLDERS)
    assert not language & rest


@pytest.mark.parametrize("code", TABLE)
def test_an_explanation_reads_well(code: str) -> None:
    one = TABLE[code]
    assert one.title[0].islower() or one.title[0] == "`"
    assert not one.title.endswith(".")
    assert len(one.title) <= 80
    assert one.text.endswith(".")
    assert len(one.text) >= 60
    assert "```" not in one.text
    assert (one.wrong is None) == (one.right is None) == (code in UNSHOWN | {"E0199"})


@pytest.mark.parametrize("code", [code for code, one in TABLE.items() if one.wrong])
@pytest.mark.parametrize("which", ["wrong", "right"])
def test_the_examples_hold(
    code: str, which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = TABLE[code]
    example = one.wrong if which == "wrong" else one.right
    assert example is not None
    monkeypatch.chdir(tmp_path)
    for file, text in {"net.net": example.text, **one.files}.items():
        Path(file).write_text(text, encoding="utf-8")
    program, *words = shlex.split(example.command)
    assert program == "gpubp"
    status = main(words)
    assert status == (2 if which == "wrong" and code.startswith("E") else 0)
    assert set(REPORTED.findall(capsys.readouterr().err)) == ({code} if which == "wrong" else set())


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    assert error_docs.PATH.read_text(encoding="utf-8") == error_docs.page(), "run python -m tools.error_docs"


@pytest.mark.parametrize("written", ["E0301", "e0301", " E0301 "])
def test_explain(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["check", "--explain", written])
    assert not stop.value.code
    printed = capsys.readouterr().out
    assert printed.startswith("E0301: shapes do not fit\n\n")
    assert "wrong:\n\n    model {" in printed
    assert "\x1b" not in printed


def test_explain_knows_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["check", "--explain", "E0399"])
    assert stop.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: there is no code `E0399`; near it are\n  E03")


def test_an_explanation_in_color_is_the_same_text() -> None:
    for one in TABLE.values():
        assert re.sub(r"\x1b\[\d+m", "", to_text(one, color=True)) == to_text(one)
