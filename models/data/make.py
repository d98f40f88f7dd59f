"""Writes the data sets of this folder: `python models/data/make.py` (needs numpy and scikit-learn).

The files are kept in the repository, so nobody needs to run this; it shows where every number comes from.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes, load_digits, load_iris

HERE = Path(__file__).resolve().parent


def write(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """One CSV file; compressed where `name` ends in .gz, without a time stamp, so that the bytes never change."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    content = text.getvalue().encode()
    if name.endswith(".gz"):
        content = gzip.compress(content, compresslevel=9, mtime=0)
    (HERE / name).write_bytes(content)


def iris() -> None:
    data = load_iris()
    header = ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"]
    words = [str(data.target_names[label]) for label in data.target]
    write("iris.csv", header, [[*map(float, row), word] for row, word in zip(data.data, words, strict=True)])


def diabetes() -> None:
    data = load_diabetes(scaled=False)
    header = ["age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu", "progression"]
    # Enough digits for every value as it was recorded; ten hide the rounding of binary fractions.
    rows = [[f"{number:.10g}" for number in (*row, target)] for row, target in zip(data.data, data.target, strict=True)]
    write("diabetes.csv", header, rows)


def digits() -> None:
    data = load_digits()
    header = [*(f"p_{row}_{column}" for row in range(8) for column in range(8)), "digit"]
    rows = np.concatenate([data.data, data.target[:, None]], axis=1).astype(int).tolist()
    write("digits.csv.gz", header, rows)


def spiral(points: int = 500, turns: float = 1.75, noise: float = 0.02, seed: int = 0) -> None:
    """Two arms of `points` each; the radius grows from 0.05 to 1 with the angle; normal noise on both coordinates."""
    random = np.random.default_rng(seed)
    rows: list[list[object]] = []
    for arm in range(2):
        t = np.sqrt(random.uniform(0, 1, points))  # the root spreads the points evenly along the arm
        angle = 2 * np.pi * turns * t + np.pi * arm
        place = (0.05 + 0.95 * t)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        place += random.normal(0, noise, place.shape)
        rows += [[f"{x:.5f}", f"{y:.5f}", arm] for x, y in place]
    order = random.permutation(len(rows))
    write("spiral.csv.gz", ["x", "y", "arm"], [rows[i] for i in order])


def digit_pairs(train: int = 2000, test: int = 500, seed: int = 0) -> None:
    """Pairs of images of digits.csv.gz, every second one of the same digit; those for testing are made of the last 500
    images, which no pair for training shows."""
    data = load_digits()
    random = np.random.default_rng(seed)
    header = [f"{side}_{row}_{column}" for side in "lr" for row in range(8) for column in range(8)]
    rows: list[list[object]] = []
    for part, count, first, last in (("train", train, 0, 1297), ("test", test, 1297, 1797)):
        labels = data.target[first:last]
        for i in range(count):
            one, same = random.integers(first, last), i % 2
            other = first + random.choice(np.flatnonzero((labels == data.target[one]) == bool(same)))
            rows.append([*data.data[one].astype(int), *data.data[other].astype(int), same, part])
    write("digit_pairs.csv.gz", [*header, "same", "part"], rows)


def stories(count: int = 4000, seed: int = 0) -> None:
    """A line for each story: who of three has what, and three questions in any order, of 42 words and signs in all."""
    random = np.random.default_rng(seed)
    names = "ada ben cleo dan eva finn gus hana ivan jo kim leo".split()
    colours = "red blue green black white yellow pink brown".split()
    things = "ball kite book drum lamp hat cup bike chair coat bell shoe".split()
    lines = []
    for _ in range(count):
        who, how, what = (random.choice(words, 3, replace=False) for words in (names, colours, things))
        said = [f"{name} has a {colour} {thing}." for name, colour, thing in zip(who, how, what, strict=True)]
        for i in random.permutation(3):
            by_name = f"who has got the {what[i]}? {who[i]}."
            by_colour = f"which colour is the {what[i]}? {how[i]}."
            said.append(by_name if random.integers(2) == 0 else by_colour)
        lines.append(" ".join(said) + "\n")
    (HERE / "stories.txt.gz").write_bytes(gzip.compress("".join(lines).encode(), compresslevel=9, mtime=0))


def mackey_glass(count: int = 3000, delay: int = 17, per_moment: int = 10, skipped: int = 100) -> None:
    """x'(t) = 0.2 x(t - 17) / (1 + x(t - 17)^10) - 0.1 x(t) at each whole t after the first 100 (Mackey & Glass 1977),
    from x = 1.2 and nothing before, by Runge and Kutta's fourth order in steps of 0.1, between which the delayed value
    is taken on a straight line."""
    size = 1 / per_moment
    past = np.zeros(delay * per_moment)
    x, found = 1.2, []
    trail = [*past.tolist(), x]
    for step in range((count + skipped) * per_moment):
        if step % per_moment == 0 and step >= skipped * per_moment:
            found.append([f"{x:.6f}"])
        old, new = trail[step], trail[step + 1]
        drives = [0.2 * d / (1 + d**10) for d in (old, (old + new) / 2, new)]
        k1 = drives[0] - 0.1 * x
        k2 = drives[1] - 0.1 * (x + size / 2 * k1)
        k3 = drives[1] - 0.1 * (x + size / 2 * k2)
        k4 = drives[2] - 0.1 * (x + size * k3)
        x += size / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        trail.append(x)
    write("mackey_glass.csv.gz", ["x"], found)


if __name__ == "__main__":
    iris()
    diabetes()
    digits()
    spiral()
    digit_pairs()
    stories()
    mackey_glass()
