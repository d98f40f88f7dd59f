"""The `help` lines followed to the letter: the file is then without errors, a warning's code is gone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from gpubp.cli import main
from tools import golden_errors

from .mended import IN_WORDS, MENDED, Changes

QUOTED = re.compile(r"`([^`]+)`")
REPORTED = re.compile(r"^(?:error|warning)\[([EW]\d{4})\]: ", re.MULTILINE)
HELP = re.compile(r"^help: (.*)$", re.MULTILINE)


def said(new: str, helps: str) -> bool:
    """Whether the helps ask for a text, or, where it is empty, for something to be taken out."""
    if not new.strip():
        return re.search(r"delete|leave|left out|never written|ends with its line|given twice", helps) is not None
    quoted = [each.partition("...")[0].strip() for each in QUOTED.findall(helps)]
    return any(each == new or (len(each) > 1 and (each in new or new.strip() in each)) for each in quoted)


def golden(name: str) -> str:
    return (golden_errors.FOLDER / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "changes"), MENDED.items(), ids=MENDED)
def test_the_help_mends_the_file(
    name: str, changes: Changes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in golden_errors.FOLDER.iterdir():
        if path.suffix == ".csv" or path.name in ("blocks.net", f"{name}.net"):
            shutil.copy(path, tmp_path)
    helps = "\n".join(HELP.findall(golden(name)))
    assert name in IN_WORDS or any(said(new, helps) for _, new in changes)
    path = tmp_path / f"{name}.net"
    text = path.read_bytes().decode("utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path.write_bytes(text.encode("utf-8"))
    verb, *arguments = golden_errors.words(path)
    monkeypatch.chdir(tmp_path)
    status = main([verb, *arguments])
    printed = capsys.readouterr().err
    assert status == 0, printed
    assert name.split("_")[0] not in REPORTED.findall(printed)
