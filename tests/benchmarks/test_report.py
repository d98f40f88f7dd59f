"""The texts of a recorded result. What `python -m benchmarks.report tests/benchmarks/recorded.json` prints is
table.txt, and `--docs tests/benchmarks/page.md` writes the other expected text anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.report import judged, lines, main, page, reading, table

HERE, ROOT = Path(__file__).parent, Path(__file__).resolve().parents[2]
RECORDED = HERE / "recorded.json"
RESULT = json.loads(RECORDED.read_text("utf-8"))


def test_the_table() -> None:
    assert table(RESULT) + "\n" == (HERE / "table.txt").read_text("utf-8")


def test_the_page() -> None:
    assert page(RESULT, "tests/benchmarks/recorded.json", "page.svg") == (HERE / "page.md").read_text("utf-8")


def test_the_command_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(RECORDED)]) == 0
    assert capsys.readouterr().out == (HERE / "table.txt").read_text("utf-8")


def test_what_is_lost_is_said() -> None:
    text = "\n".join(reading(RESULT))
    assert "`CNN on 28x28 at 64, a step`: 1.26 times as much as PyTorch" in text
    assert [(case.name, peer) for case, peer, found, goal in judged(RESULT) if found < goal] == [
        ("xor", "torch"), ("cnn", "torch"), ("cnn", "jax"),
    ]  # fmt: skip


def test_nothing_lost_is_said_too() -> None:
    only = RESULT | {"cases": [c for c in RESULT["cases"] if c["name"] == "memory_mlp"]}
    assert "No framework was faster" in next(reading(only))


def test_a_case_without_compiled_kernels_has_no_ratios() -> None:
    case = RESULT["cases"][0]
    alone = case | {"best": {"torch": case["best"]["torch"]}}
    (line,) = lines(RESULT | {"cases": [alone]})
    assert set(line.figures) == {"torch"}
    assert not line.ratios


def test_the_page_of_the_documentation_is_that_of_the_committed_result() -> None:
    path = "benchmarks/results/cpu.json"
    result = json.loads((ROOT / path).read_text("utf-8"))
    assert (ROOT / "docs" / "benchmarks.md").read_text("utf-8") == page(result, path, "benchmarks.svg")
