"""docs/runs.md: its table of seeds is printed, and what an ensemble predicts; its Python runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gpubp
from tools.markdown import blocks, commands, run, write_files

from .test_cross_validation import ROOT, table

PAGE = (ROOT / "docs/runs.md").read_text("utf-8")

CONSOLE = [block for block in blocks(PAGE) if block.kind == "console"]


def test_the_command_prints_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (command,) = commands(CONSOLE[0])
    shown, printed = table(command.printed), table(run(command, Path()))
    assert [row[0] for row in shown] == [row[0] for row in printed]
    assert shown[0] == printed[0]
    for one, other in zip(shown[1:], printed[1:], strict=True):
        assert [*map(float, one[1:])] == pytest.approx([*map(float, other[1:])], rel=0.01)


def test_the_ensemble_predicts_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").symlink_to(ROOT / "models", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    write_files(PAGE, tmp_path)
    gpubp.replicate(gpubp.load("models/iris.net"), 4, "cpu", "runs/iris")
    (command,) = commands(CONSOLE[1])
    shown, printed = ([line.split(",") for line in text.split()] for text in (command.printed, run(command, Path())))
    assert (shown[0], len(shown)) == (printed[0], len(printed))
    for one, other in zip(shown[1:], printed[1:], strict=True):
        assert one[0] == other[0]
        assert [*map(float, one[1:])] == pytest.approx([*map(float, other[1:])], rel=0.01)
    (tmp_path / "test.csv").symlink_to(ROOT / "models/data/iris.csv")
    (block,) = (block for block in blocks(PAGE) if block.kind == "python")
    exec(block.text, {"gpubp": gpubp})


def test_the_file_of_the_study_is_that_of_init_with_two_params() -> None:
    (told,) = re.findall(r"if the file of `gpubp init iris` begins with (.*?):\n", PAGE, re.DOTALL)
    depth, rate, layers, optimizer = re.findall(r"`(.*?)`", told)
    text = (ROOT / "models/iris.net").read_text("utf-8")
    text = text.replace("dense(16) -> tanh", layers).replace("adam(lr = 0.01)", optimizer)
    net = gpubp.loads(f"{depth}\n{rate}\n{text}", params={"depth": 4, "lr": 0.003}, base=ROOT / "models")
    assert len(net.layout.parameters) == 2 * 5
