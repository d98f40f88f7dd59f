"""docs/backpropagation.md: its examples are sound and train, and what it says of other pages and models holds."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import gpubp
from gpubp.cli import main
from gpubp.ir import PRIMITIVES
from gpubp.registry import ENTRIES
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


def test_the_deltas_of_one_step_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = [block.text for block in BLOCKS if block.file == "by_hand.net"]
    Path("by_hand.net").write_text(text, "utf-8")
    (program,) = [block.text for block in BLOCKS if block.detail == "deltas"]
    exec(program, {})
    told = re.findall(r"  (delta\d) = .*  \[(.*)\]", capsys.readouterr().out)
    assert told[0::2] == [("delta2", "-0.1242"), ("delta2", "-0.1174"), ("delta2", "-0.1106")]
    assert told[1] == ("delta1", "-0.01537, 0.01549")


def test_the_rate_is_changed_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = [block.text for block in BLOCKS if block.file == "by_hand.net"]
    Path("by_hand.net").write_text(text, "utf-8")
    (program,) = [block.text for block in BLOCKS if block.detail == "rate"]
    names: dict[str, Any] = {}
    exec(program, names)
    name, net = "hidden.dense.weight", gpubp.load("by_hand.net")
    slow, fast = names["ex"].parameters[name], gpubp.Executor(net, "cpu")
    fast.train_step(names["rows"])
    before, (_, gradients) = fast.parameters[name].copy(), fast.gradients(names["rows"])
    assert before - slow == pytest.approx(0.1 * 0.5 * gradients[name])


def test_the_loss_surface_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain steps swing across the valley, those of momentum less often, and Adam's lead straight to its bottom."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    (text,) = [block.text for block in BLOCKS if block.file == "valley.net"]
    Path("valley.net").write_text(text, "utf-8")
    (program,) = [block.text for block in BLOCKS if block.detail == "surface"]
    names: dict[str, Any] = {}
    exec(program, names)
    assert Path("surface.png").stat().st_size > 10_000
    across = {method: [first - 1 for first, _ in path] for method, path in names["paths"].items()}
    assert {values[0] for values in across.values()} == {-2}
    turns = {method: sum(a * b < 0 for a, b in pairwise(values)) for method, values in across.items()}
    assert turns["sgd"] > 30 > 10 > turns["momentum"] > turns["adam"]
    walked = names["paths"]["adam"][5] - names["paths"]["adam"][0]
    assert walked[0] > 1
    assert walked[0] == pytest.approx(walked[1], rel=0.02)


def test_a_planted_derivative_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = [block.text for block in BLOCKS if block.detail == "lab.py"]
    path = tmp_path / "a.net"
    (text,) = [block.text for block in BLOCKS if block.file == "by_hand.net"]
    path.write_text(text.replace("-> sigmoid", "-> bent"), "utf-8")
    try:
        exec(program, {})
        assert main(["gradcheck", str(path)]) == 1
        assert "the derivative of `bent` with respect to input 1 is wrong" in capsys.readouterr().out
    finally:
        PRIMITIVES.pop("bent", None)
        ENTRIES.pop(("function", "bent"), None)


def test_models_that_it_names_are_there() -> None:
    named = set(re.findall(r"models/\w+\.net", PAGE))
    assert len(named) > 6
    assert all((ROOT / name).is_file() for name in named)


def test_lines_are_short() -> None:
    assert [line for line in PAGE.splitlines() if len(line) > 120] == []
