"""A run in the place of a file, and a folder in that of a run: the message names what is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from .worlds import Call


@pytest.mark.parametrize("verb", ["run", "check", "search", "range"])
def test_a_run_in_place_of_a_file(call: Call, tmp_path: Path, verb: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "resolved.net").touch()
    said = call(verb, "a")
    assert (said.code, said.out) == (2, "")
    assert said.err == "error: `a` is the folder of a run, not a `.net` file: that is `a/resolved.net`\n"
    (tmp_path / "s").mkdir()
    (tmp_path / "a").rename(tmp_path / "s" / "seed-0")
    wanted = "error: `s` is a folder of runs, not a `.net` file: each has one, such as `s/seed-0/resolved.net`\n"
    assert call(verb, "s").err == wanted


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("search.json", "it is a search, which keeps no weights: `gpubp search --resume` prints the command for its"),
        ("a/env.json", "it holds runs, which `gpubp runs found` lists: name one"),
        ("a/seed-0/env.json", "it holds runs, which `gpubp runs found` lists: name one"),
        ("seeds.json", "it is to hold those of several seeds, none of which is saved yet: `gpubp run --resume found`"),
        ("a/a.txt", "it has no `"),
    ],
)
@pytest.mark.parametrize("verb", ["report", "plot", "export", "explain"])
def test_a_folder_in_place_of_a_run(call: Call, tmp_path: Path, verb: str, file: str, why: str) -> None:
    (tmp_path / "found" / file).parent.mkdir(parents=True)
    (tmp_path / "found" / file).touch()
    said = call(verb, "found")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: `found` is not a run: {why}")
