"""CONTRIBUTING.md: the commands, the targets and the paths that it names are there."""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

import gpubp

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_what_it_names_is_there() -> None:
    modules, targets = re.findall(r"`python -m ([\w.]+)`", PAGE), re.findall(r"`make (\w+)`", PAGE)
    assert len(modules) == 6
    assert [name for name in modules if find_spec(name) is None] == []
    assert set(targets) <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    paths = re.findall(r"`((?:docs|dsl|gpubp|models|tests)/[\w/.-]*)`", PAGE)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_it_is_in_the_source_distribution() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert '"/CONTRIBUTING.md"' in text
    assert '"/CITATION.cff"' in text


def test_what_is_cited_is_this_version() -> None:
    cited = dict(re.findall(r"^([\w-]+): (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
    assert project["version"] == gpubp.__version__
