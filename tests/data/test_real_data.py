"""The data sets of models/data: what they hold, and that they are read fast."""

from __future__ import annotations

import csv as standard
import gzip
from pathlib import Path

import numpy as np

from dsl.graph import Type
from gpubp.data import measure

from .worlds import World, choice, csv, data

HERE = Path(__file__).resolve().parents[2] / "models" / "data"


def test_iris() -> None:
    world = World(HERE, {"x": Type((4,))}, {"species": Type((), 3)})
    iris = world.load(csv("x, species", "iris.csv", target="species"))
    assert iris.columns["x"].shape == (150, 4)
    assert iris.columns["x"].dtype == np.float64
    assert iris.columns["x"][0].tolist() == [5.1, 3.5, 1.4, 0.2]
    assert iris.columns["species"].dtype == np.int64
    assert iris.classes == {"species": ("setosa", "versicolor", "virginica")}
    assert np.bincount(iris.columns["species"]).tolist() == [50, 50, 50]
    assert iris.parts["train"].tolist() == list(range(150))


def test_diabetes() -> None:
    world = World(HERE, {"x": Type((10,))}, {"y": Type((1,))})
    entry = csv("x, y", "diabetes.csv", target="progression", standardize=True)
    diabetes = world.load(entry, split=choice("split", train=0.8, test=0.2))
    train = diabetes.part("train")["x"]
    assert diabetes.columns["y"].shape == (442, 1)
    assert (diabetes.columns["y"].min(), diabetes.columns["y"].max()) == (25, 346)
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(train.std(axis=0), 1)
    assert abs(diabetes.part("test")["x"].mean(axis=0)).max() > 0.01


def test_digits_are_read_right_and_fast() -> None:
    world = World(HERE, {"image": Type((8, 8, 1))}, {"label": Type((), 10)})
    entry = csv("image, label", "digits.csv.gz", target="digit", scale=1 / 16, reshape=(8, 8, 1))
    world.load(entry)  # imports numpy
    digits = world.load(entry, split=choice("split", train=0.8, valid=0.1, test=0.1))
    with gzip.open(HERE / "digits.csv.gz", "rt") as file:
        rows = [[int(cell) for cell in row] for row in list(standard.reader(file))[1:]]
    expected = np.array(rows)
    np.testing.assert_array_equal(digits.columns["image"].reshape(1797, 64) * 16, expected[:, :64])
    np.testing.assert_array_equal(digits.columns["label"], expected[:, 64])
    assert {part: len(found) for part, found in digits.parts.items()} == {"train": 1437, "valid": 180, "test": 180}
    assert "label" not in digits.classes


def test_spiral() -> None:
    world = World(HERE, {"point": Type((2,))}, {"arm": Type((1,))})
    spiral = world.load(csv("point, arm", "spiral.csv.gz", target="arm"))
    assert spiral.columns["point"].shape == (1000, 2)
    assert spiral.columns["arm"].sum() == 500


def test_types_as_the_data_has_them() -> None:
    entry = csv("image, label", "digits.csv.gz", target="digit", reshape=(8, 8, 1))
    assert measure(data(entry), {"image": "float", "label": "class"}, HERE) == {
        "image": Type((8, 8, 1)),
        "label": Type((), 10),
    }
    iris = csv("x, species", "iris.csv", target="species")
    assert measure(data(iris), {"species": "class"}, HERE) == {"species": Type((), 3)}
