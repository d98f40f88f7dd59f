"""The models of Fashion-MNIST, whose data set does not ship: what is said without it, and training on such files."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.cli import main
from tests.golden.damaged import idx

MODELS = Path(__file__).resolve().parents[2] / "models"
NAMES = ("fashion_mlp", "fashion_cnn")


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the file in a folder without data."""
    return Path(shutil.copy(MODELS / f"{request.param}.net", tmp_path))


def write(folder: Path, rows: dict[str, int]) -> None:
    """Data of the set's form: pictures whose brightest rows say the class."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, count in rows.items():
        labels = np.arange(count, dtype=np.uint8) % 10
        images = rng.integers(0, 60, (count, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 * label + 2 : 2 * label + 6] += 190
        for kind, values in ((f"{name}-images-idx3", images), (f"{name}-labels-idx1", labels)):
            content = gzip.compress(idx(values.shape, values.tobytes()), 1)
            (folder / f"{kind}-ubyte.gz").write_bytes(content)


@pytest.mark.parametrize("verb", ["check", "run"])
def test_without_the_data_one_message_says_how_to_get_it(
    model: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, str(model)]) == 2
    said = capsys.readouterr().err
    assert said.count("error") == 1
    assert "`data/fashion-mnist/train-images-idx3-ubyte.gz` does not exist" in said
    ways = [line for line in said.splitlines() if line.startswith("help: ")]
    assert len(ways) == 2
    assert "`apt install dataset-fashion-mnist`" in ways[0]
    assert "https://github.com/zalandoresearch/fashion-mnist" in ways[1]


def test_where_a_part_is_missing_the_same_is_said(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(model.parent / "data/fashion-mnist", {"train": 40})
    assert main(["check", str(model)]) == 2
    said = capsys.readouterr().err
    assert "`data/fashion-mnist/t10k-images-idx3-ubyte.gz` does not exist" in said
    assert "dataset-fashion-mnist" in said


def test_it_trains_on_files_of_that_form(model: Path) -> None:
    write(model.parent / "data/fashion-mnist", {"train": 600, "t10k": 100})
    params = {"width": 4} if model.stem == "fashion_cnn" else {}
    run = gpubp.train(gpubp.load(model, params=params), "cpu", epochs=4)
    assert {part: len(rows) for part, rows in run.dataset.parts.items()} == {"train": 570, "valid": 30, "test": 100}
    assert run.metrics["test.accuracy"] >= 0.6
