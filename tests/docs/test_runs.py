"""docs/runs.md: its table of seeds is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.markdown import blocks, commands, run

from .test_cross_validation import ROOT, table

PAGE = (ROOT / "docs/runs.md").read_text("utf-8")


def test_the_command_prints_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (block,) = (block for block in blocks(PAGE) if block.kind == "console")
    (command,) = commands(block)
    shown, printed = table(command.printed), table(run(command, Path()))
    assert [row[0] for row in shown] == [row[0] for row in printed]
    assert shown[0] == printed[0]
    for one, other in zip(shown[1:], printed[1:], strict=True):
        assert [*map(float, one[1:])] == pytest.approx([*map(float, other[1:])], rel=0.01)
