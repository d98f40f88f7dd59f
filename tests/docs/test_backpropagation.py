"""docs/backpropagation.md: its examples are sound and train, and what it says of other pages and models holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import gpubp
from gpubp.cli import main
from tools.markdown import Block, blocks, whole

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/backpropagation.md").read_text("utf-8")
BLOCKS = blocks(PAGE)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind == "net"], ids=str)
def test_an_example_is_sound_and_trains(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = whole(block)
    net = gpubp.loads(text)
    assert net.warnings == ()
    Path("example.net").write_text(text, encoding="utf-8")
    if net.graph.train is not None:
        options = [] if "steps" in net.graph.train.options else ["--epochs", "1"]
        assert main(["run", "example.net", *options, "--device", "cpu", "--no-save"]) == 0


def test_weights_that_are_alike_stay_alike(tmp_path: Path) -> None:
    """What the page says of first weights that are all alike."""
    (text,) = [block.text for block in BLOCKS if block.file == "by_hand.net"]
    text = re.sub(r"init = constant\(.*?\]\]\)", "init = constant(0.5)", text)
    executor = gpubp.Executor(gpubp.loads(text), "cpu")
    rows = {"x": [[1, 0.5]], "y": [[1]]}
    for _ in range(3):
        executor.train_step(rows)
    for weight in (executor.parameters["hidden.dense.weight"], executor.parameters["p.dense.weight"].T):
        assert (weight[:, 0] == weight[:, 1]).all()


def test_the_loss_surface_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    (text,) = [block.text for block in BLOCKS if block.file == "by_hand.net"]
    Path("by_hand.net").write_text(text, "utf-8")
    (program,) = [block.text for block in BLOCKS if block.kind == "python"]
    names: dict[str, Any] = {}
    exec(program, names)
    assert Path("surface.png").stat().st_size > 10_000
    loss, first, last = names["loss"], names["path"][0], names["path"][-1]
    assert first.tolist() == [0.5, -0.5]
    assert (last > first).all(), "both hidden units are positive, and the output is to be 1"
    assert (loss[:, 1:] < loss[:, :-1]).all(), "the loss falls with the first weight"


def test_models_that_it_names_are_there() -> None:
    named = set(re.findall(r"models/\w+\.net", PAGE))
    assert len(named) > 6
    assert all((ROOT / name).is_file() for name in named)


def test_lines_are_short() -> None:
    assert [line for line in PAGE.splitlines() if len(line) > 120] == []
