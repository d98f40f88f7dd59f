"""The README's examples are sound: what it shows of a command is printed, and its links lead somewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gpubp.cli.main import VERBS
from tools.markdown import Command, blocks, commands, run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks(README)
SHOWN = {" ".join(one.words): one.printed for block in BLOCKS if block.text.startswith("$ ") for one in commands(block)}


def test_every_command_is_listed() -> None:
    """In the README, and in the contract that none imports another."""
    contract = (ROOT / "pyproject.toml").read_text("utf-8").partition("commands do not import each other")[2]
    for found in (re.findall(r"^\| `gpubp (\w+)", README, re.MULTILINE), re.findall(r'"gpubp\.cli\.(\w+)"', contract)):
        assert sorted(found) == sorted(VERBS)


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "models/README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    own = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    own |= {*re.findall(r'<a id="(.*?)">', text)}
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)):
        if link.startswith("#"):
            assert link[1:] in own, link
        elif "://" not in link:
            assert (page.parent / link.partition("#")[0]).exists(), link


def test_the_first_example_is_the_model_that_ships() -> None:
    (example,) = [block.text for block in BLOCKS if block.kind == "net"]
    assert example == (ROOT / "models/xor.net").read_text(encoding="utf-8")


def test_the_mistake_is_answered_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = [block.text for block in BLOCKS if block.text.startswith("error[")]
    (example,) = [block.text for block in BLOCKS if block.kind == "net"]
    monkeypatch.chdir(tmp_path)
    Path("xor.net").write_text(example.replace("dense(8)", "dense(unit = 8)"), encoding="utf-8")
    assert run(Command(("gpubp", "check", "xor.net"), ""), Path()) == shown


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """What a command prints in an empty folder that has the models."""
    monkeypatch.chdir(tmp_path)
    Path("models").symlink_to(ROOT / "models")
    return lambda words: run(Command(tuple(words.removeprefix("python -m ").split()), ""), Path())


def follow(shown: list[str], lines: list[str], same: Callable[[str, str], bool]) -> None:
    """Require that all lines shown are among `lines`, in their order, and without a gap where `...` shows none."""
    at, gap = 0, False
    for line in shown:
        if line == "...":
            gap = True
            continue
        found = next((i for i in range(at, len(lines)) if same(line, lines[i])), None)
        assert found is not None, f"`{line}` is not printed, or not there"
        assert gap or found == at, f"`{lines[at]}` is printed before `{line}`"
        at, gap = found + 1, False
    assert gap or at == len(lines)


@pytest.mark.parametrize("words", [words for words in SHOWN if words.startswith("gpubp explain ")])
def test_a_step_is_laid_open_as_it_says(words: str, printed: Callable[[str], str]) -> None:
    follow(SHOWN[words].splitlines(), printed(words).splitlines(), lambda shown, line: shown == line)


NUMBER = re.compile(r"\d[\d,]*\.?\d*(?:e[+-]\d+)?")


def test_a_training_is_shown_as_it_says(printed: Callable[[str], str]) -> None:
    """But for the machine, the time it takes and the name of the run's folder."""

    def same(shown: str, line: str) -> bool:
        own = "saved to runs/", "`gpubp plot runs/", "`gpubp predict runs/", "models/xor.net: 33 parameters; rows: 4"
        if shown.startswith(own):
            return line.startswith(shown[:12])
        mine, ours = (NUMBER.findall(text) for text in (shown, line))
        if NUMBER.sub("0", shown) != NUMBER.sub("0", line) or len(mine) != len(ours):
            return False
        timed = " steps in " in shown
        pairs = list(zip(mine, ours, strict=True))[: 1 if timed else None]
        return all(float(a) == pytest.approx(float(b), rel=0.05, abs=1e-4) for a, b in pairs)

    words = "python -m gpubp run models/xor.net"
    follow(SHOWN[words].splitlines(), printed(words).splitlines(), same)


def test_the_gradients_are_checked_as_it_says(printed: Callable[[str], str]) -> None:
    """Which element is worst is rounding; the gradient of the one that is shown is not."""
    words = "gpubp gradcheck models/xor.net"
    checked = json.loads(printed(words + " --json"))["parameters"]
    row = re.compile(r"(\S+ +\d.*?) +\[([\d, ]+)\] +(\S+) +(\S+) +(\S+)")

    def same(shown: str, line: str) -> bool:
        mine, ours = row.fullmatch(shown), row.fullmatch(line)
        if mine is None or ours is None:
            return shown.split() == line.split()
        index = [int(i) for i in mine[2].split(",")]
        (element,) = [one for one in checked[mine[1].split()[0]]["elements"] if one["index"] == index]
        np.testing.assert_allclose([float(mine[3]), float(mine[4])], element["backprop"], rtol=1e-8)
        return mine[1].split() == ours[1].split() and max(float(mine[5]), float(ours[5])) < 1e-8

    follow(SHOWN[words].splitlines(), printed(words).splitlines(), same)
