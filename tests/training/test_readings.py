"""The trainings of a study read the rows of their file once, and again where others would be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.data import Dataset, Readings, entries
from gpubp.executor import Executor
from gpubp.training.dataset import dataset_of

from .worlds import write_net, write_rows


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of each entry that a reader reads."""
    names: list[str] = []
    original = entries._read

    def counted(request: Any) -> Any:
        names.append(" ".join(request.entry.names))
        return original(request)

    monkeypatch.setattr(entries, "_read", counted)
    return names


def rows_of(net: gpubp.Net, readings: Readings | None, seed: int = 0) -> Dataset:
    return dataset_of(Executor(net, "cpu"), None, seed, readings)


def test_a_study_reads_its_rows_once(tmp_path: Path, read: list[str]) -> None:
    net = gpubp.load(write_net(tmp_path, length="epochs = 2"))
    for study in (lambda: gpubp.replicate(net, seeds=5, device="cpu"), lambda: gpubp.cross_validate(net, 3, "cpu")):
        read.clear()
        study()
        assert read == ["x y"]


def test_the_rows_are_those_of_a_reading_of_its_own_and_divided_by_each_seed(tmp_path: Path, read: list[str]) -> None:
    net, readings = gpubp.load(write_net(tmp_path)), Readings()
    read.clear()
    for seed in (0, 1, 2):
        shared, own = rows_of(net, readings, seed), rows_of(net, None, seed)
        for part in own.parts:
            assert shared.parts[part].tolist() == own.parts[part].tolist()
            for name, array in own.part(part).items():
                np.testing.assert_array_equal(shared.part(part)[name], array)
    assert len(read) == 4


def test_a_file_that_has_changed_is_read_again(tmp_path: Path, read: list[str]) -> None:
    net, readings = gpubp.load(write_net(tmp_path)), Readings()
    before = rows_of(net, readings).arrays["x"]
    write_rows(tmp_path / "a.csv", 70)
    read.clear()
    assert len(rows_of(net, readings).arrays["x"]) == 70 > len(before)
    assert read == ["x y"]


def test_rows_of_many_bytes_are_read_for_each(tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "KEPT", 60 * 4 * 8 - 1)
    net, readings = gpubp.load(write_net(tmp_path)), Readings()
    read.clear()
    for _ in range(2):
        rows_of(net, readings)
    assert read == ["x y"] * 2


def test_rows_that_a_seed_draws_differ_from_seed_to_seed(tmp_path: Path) -> None:
    text = (
        "data {\n  x = uniform(rows = 20)\n  y = normal(rows = 20)\n}\nmodel {\n  input x: [1]\n  target y: [1]\n"
        "  output p = x -> dense(1)\n}\ntrain {\n  loss = mse(p, y)\n  optimizer = sgd(lr = 0.1)\n  epochs = 1\n}\n"
    )
    net, readings = gpubp.loads(text), Readings()
    first, second = (rows_of(net, readings, seed).arrays["x"] for seed in (0, 1))
    assert (first != second).all()
