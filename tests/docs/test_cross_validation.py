"""docs/cross-validation.md: its table is printed, its file is one fold of the same, its Python runs."""

from __future__ import annotations

from pathlib import Path

import pytest

import gpubp
from tools.markdown import blocks, commands, run

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = {block.kind: block for block in blocks((ROOT / "docs/cross-validation.md").read_text("utf-8"))}


def table(text: str) -> list[list[str]]:
    """The folds and what they come to, without the seconds."""
    return [line.split()[:-1] for line in text.strip().split("\n\n")[1].splitlines()]


def test_the_command_prints_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (command,) = commands(BLOCKS["console"])
    shown, printed = table(command.printed), table(run(command, Path()))
    assert shown[0] == printed[0]
    for one, other in zip(shown, printed, strict=True):
        assert one[0] == other[0]
    numbers = [[[float(cell) for cell in row[1:]] for row in rows[1:]] for rows in (shown, printed)]
    for one, other in zip(*numbers, strict=True):
        assert one == pytest.approx(other, rel=0.01)


def test_the_file_holds_out_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    runs: list[gpubp.Run] = []
    gpubp.cross_validate(gpubp.load("models/iris.net"), 5, "cpu", epochs=1, ended=lambda _, run: runs.append(run))
    alone = gpubp.train(gpubp.loads(BLOCKS["net"].text), "cpu", epochs=1)
    assert {k: v.tolist() for k, v in alone.dataset.parts.items()} == {
        k: v.tolist() for k, v in runs[2].dataset.parts.items()
    }


def test_its_python_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    exec(BLOCKS["python"].text, {})
    mean, losses = capsys.readouterr().out.splitlines()
    assert " +- " in mean
    assert losses.count(",") == 4
