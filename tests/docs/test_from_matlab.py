"""docs/from-matlab.md: its file fits a table of measurements, and what it says of words is what the help says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.cli import main
from gpubp.frontend.catalog import catalog
from gpubp.frontend.synonyms import SYNONYMS
from tools.markdown import blocks, table

PAGE = (Path(__file__).resolve().parents[2] / "docs/from-matlab.md").read_text("utf-8")
BLOCKS = {block.detail: block.text for block in blocks(PAGE)}
ROWS = table(PAGE, "MATLAB", "gpubp")


def words(cell: str) -> set[str]:
    return set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]*)`", cell))))


def test_the_file_fits_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(4)
    rpm, load = rng.uniform(800, 6200, 400), rng.uniform(5, 100, 400)
    torque = 180 * np.sin((rpm - 300) / 6200 * np.pi) * (load / 100) ** 0.8 + rng.normal(0, 3, 400)
    rows = "".join(f"{a:.0f},{b:.1f},{c:.2f}\n" for a, b, c in zip(rpm, load, torque))
    Path("engine.csv").write_text("rpm,load_pct,torque_Nm\n" + rows, "utf-8")
    Path("engine.net").write_text(BLOCKS["engine.net"], "utf-8")
    assert main(["fmt", "--check", "engine.net"]) == 0
    assert main(["run", "engine.net", "--out", "runs/engine", "--quiet"]) == 0
    assert gpubp.load_run("runs/engine").metrics["test.r2"] > 0.98
    assert main(["export", "runs/engine", "-o", "engine.c"]) == 0
    assert "int engine_predict(const float *x, float *p)" in Path("engine.c").read_text("utf-8")


def test_a_word_of_the_left_column_is_led_to_the_right_one() -> None:
    led = [(word, SYNONYMS[word], here) for there, here in ROWS for word in words(there) if word in SYNONYMS]
    assert len(led) > 12
    assert [(word, names) for word, names, here in led if words(here).isdisjoint(names)] == []


def test_words_of_the_right_column_are_words() -> None:
    known = {name for entries in catalog().entries.values() for name in entries} | {*catalog().train}
    called = {name for _, here in ROWS for name in re.findall(r"(\w+)\(", here)}
    assert called - {"column"} <= known
