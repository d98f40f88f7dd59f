"""docs/architecture.md: the packages and files that it names are there, and its commands show what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gpubp.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
WHOLE = "(?:dsl|gpubp|tests|docs|models)/"


def test_every_package_is_named() -> None:
    packages = {path.parent.name for path in (ROOT / "gpubp").glob("*/__init__.py")}
    assert packages <= set(re.findall(r"\w+", PAGE))


def test_the_files_that_it_names_are_there() -> None:
    paths = set(re.findall(rf"`({WHOLE}[\w/.-]*)`", PAGE))
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []
    for package, names in re.findall(r"^\*\*`(\w+)`\*\*(.*?)\n\n", PAGE, re.MULTILINE | re.DOTALL):
        for name in re.findall(rf"`((?!{WHOLE})[\w*/]+\.py)`", names):
            assert [*(ROOT / "gpubp" / package).glob(name)], f"{package}/{name}"


@pytest.mark.parametrize("command", re.findall(r"^\| [\w ]+ \| `gpubp (.*?)` \|", PAGE, re.MULTILINE))
def test_each_stage_can_be_looked_at(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command.replace("FILE", "models/xor.net").split()) == 0
    assert capsys.readouterr().out
