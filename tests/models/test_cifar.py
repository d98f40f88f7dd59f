"""The model of CIFAR-10, whose data set does not ship: what is said without it, and training on such files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import gpubp
from gpubp.cli import main
from tests.data.cifar_files import cifar_10

MODEL = Path(__file__).resolve().parents[2] / "models/cifar_cnn.net"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the file in a folder without data."""
    return Path(shutil.copy(MODEL, tmp_path))


def test_without_the_data_one_message_says_how_to_get_it(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(model)]) == 2
    said = capsys.readouterr().err
    assert said.count("error") == 1
    assert "`data/cifar-10-batches-bin/data_batch_1.bin` does not exist" in said
    assert "help: fetch https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz" in said


def test_it_trains_on_files_of_that_form(model: Path) -> None:
    cifar_10(model.parent / "data/cifar-10-batches-bin", 8)
    model.write_text(model.read_text("utf-8").replace("batch     = 128", "batch     = 16"), "utf-8")
    run = gpubp.train(gpubp.load(model), "cpu", epochs=4, backend="numpy")
    assert {part: len(rows) for part, rows in run.dataset.parts.items()} == {"train": 36, "valid": 4, "test": 8}
    assert run.history[-1]["train.loss"] < 2.2 < run.history[0]["train.loss"]
