"""The check on a machine with a GPU: a part that fails, hangs or says nothing never keeps the next from running."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import gpu_check
from tools.gpu_check import Part, check, gpu_name

GOOD = Part("good", ("-c", "print('all is well')"), 60)
BAD = Part("bad", ("-c", "print('before'); raise SystemExit(3)"), 60)
SLOW = Part("slow", ("-c", "import time; print('begun', flush=True); time.sleep(600)"), 0.7)
DEAD = Part("dead", ("-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"), 60)


def test_every_part_is_run_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check("NVIDIA H100 80GB", tmp_path, (BAD, SLOW, DEAD, GOOD)) == 1
    text = (tmp_path / "nvidia-h100-80gb.md").read_text("utf-8")
    for line in (
        "| bad | failed (exit code 3)",
        "| slow | too long",
        "| dead | failed (exit code -11)",
        "| good | well",
    ):
        assert line in text
    assert "before" in text
    assert "begun" in text
    assert "bad: failed (exit code 3)" in capsys.readouterr().out


def test_all_is_well(tmp_path: Path) -> None:
    assert check("X", tmp_path, (GOOD,)) == 0


def test_what_there_is_no_time_for_is_told(tmp_path: Path) -> None:
    assert check("X", tmp_path, (GOOD, GOOD), limit=0.5) == 1
    assert "no time was left" in (tmp_path / "x.md").read_text("utf-8")


def test_the_parts_exist() -> None:
    assert sum(part.seconds for part in gpu_check.PARTS) <= gpu_check.LIMIT + 80, "most take less than their most"
    for part in gpu_check.PARTS:
        for word in part.words:
            assert "/" not in word or (gpu_check.ROOT / word.rpartition("=")[2]).exists(), word


def test_without_a_gpu_there_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_check.subprocess, "run", lambda *a, **k: type("Told", (), {"stdout": "{}"})())
    assert gpu_name() == ""
