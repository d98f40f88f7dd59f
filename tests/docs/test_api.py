"""docs/api.md: it is what the docstrings say, says something of everything, and its examples print what it shows."""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.registry import ENTRIES
from tools.api_docs import MEMBERS, PATH, SECTIONS, page

NAMES = [name for names in SECTIONS.values() for name in names]
CALLED = [
    (name, part)
    for name in NAMES
    for part in ("", *MEMBERS.get(name, "").split())
    if part or not name.endswith("Error")
]


def test_it_is_what_the_docstrings_say() -> None:
    assert PATH.read_text("utf-8") == page(), "python -m tools.api_docs"


def test_it_has_every_name_once() -> None:
    assert sorted(NAMES) == sorted(gpubp.__all__)


@pytest.mark.parametrize(("name", "part"), CALLED)
def test_every_parameter_is_explained(name: str, part: str) -> None:
    thing = getattr(gpubp, name)
    if part:
        thing = inspect.getattr_static(thing, part)
    text = inspect.getdoc(thing) or ""
    assert text
    if not inspect.isfunction(thing) and thing not in (gpubp.Executor, gpubp.Ensemble):
        return
    if "All other arguments are those of `train`" in text:
        text += inspect.getdoc(gpubp.train) or ""
    own = {"self", "net", "path", "text", "name", "names", "data", "values", "state"}  # their names say it
    words = {word for code in re.findall(r"`([^`]*)`", text) for word in re.findall(r"\w+", code)}
    assert set(inspect.signature(thing).parameters) - own - words == set()


@pytest.mark.parametrize("name", [name for name in NAMES if ">>>" in str(inspect.getdoc(getattr(gpubp, name)))])
def test_the_examples_print_what_it_shows(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PATH.parents[1])
    known = dict(ENTRIES)
    given = {"gpubp": gpubp, "np": np, "folder": tmp_path}
    tests = doctest.DocTestFinder(exclude_empty=True).find(getattr(gpubp, name), name, globs=given)
    runner = doctest.DocTestRunner(verbose=False)
    said: list[str] = []
    try:
        for test in tests:
            runner.run(test, out=said.append)
    finally:
        for key in ENTRIES.keys() - known.keys():
            del ENTRIES[key]
    assert not said, "".join(said)
    assert runner.summarize(verbose=False).attempted
