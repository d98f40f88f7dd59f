"""What is read of a run that has not ended, or whose files are damaged."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from gpubp.training.history import health_records, records
from gpubp.training.listing import listed

SIZE = {
    "step": 8, "number": 1, "layer": "p", "activation": 0.5, "gradient": None, "dead": 0.0, "saturated": "nan",
}  # fmt: skip


def written(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in lines), "utf-8")
    return path.parent


@pytest.mark.parametrize("gradient", [None, 0.25, "inf", "-inf"])
def test_lines_of_health(tmp_path: Path, gradient: object) -> None:
    whole = [SIZE, {**SIZE, "gradient": gradient}]
    assert health_records(written(tmp_path / "health.jsonl", whole)) == whole


@pytest.mark.parametrize("value", ["gone", True, 8.5, "1", [], None])
@pytest.mark.parametrize("key", SIZE)
def test_lines_of_health_are_read_up_to_the_first_that_is_damaged(tmp_path: Path, key: str, value: object) -> None:
    damaged = {**SIZE, key: value}
    if value == "gone" and key != "layer":
        del damaged[key]
    sound = (key == "layer" and isinstance(value, str)) or (key == "gradient" and value is None)
    sound = sound or (value == 8.5 and key not in ("step", "number", "layer"))
    found = health_records(written(tmp_path / "health.jsonl", [SIZE, damaged, SIZE]))
    assert found == ([SIZE, damaged, SIZE] if sound else [SIZE])


@pytest.mark.parametrize("key", ["epoch", "step", "train.loss", "valid.loss"])
@pytest.mark.parametrize("value", ["1", None, [], {}])
def test_lines_of_metrics_are_read_up_to_the_first_that_is_damaged(tmp_path: Path, key: str, value: object) -> None:
    whole = {"epoch": 1.0, "step": 8.0, "train.loss": 0.5, "valid.loss": "inf"}
    found = records(written(tmp_path / "metrics.jsonl", [whole, {**whole, key: value}, whole]))
    assert found == [{**whole, "valid.loss": math.inf}]
    if key in ("step", "train.loss"):
        lacks = {other: figure for other, figure in whole.items() if other != key}
        assert records(written(tmp_path / "metrics.jsonl", [lacks])) == []


def test_a_run_that_has_not_ended_has_the_figures_of_its_last_epoch(tmp_path: Path) -> None:
    written(tmp_path / "env.json", [{"epochs": 3}])
    epochs = [{"epoch": float(k), "step": 8.0 * k, "train.loss": 1 / k} for k in (1, 2)]
    run = listed(written(tmp_path / "metrics.jsonl", epochs))
    assert (run.epochs, run.of, run.done, run.figures) == (2, 3, False, {"train.loss": 0.5})
