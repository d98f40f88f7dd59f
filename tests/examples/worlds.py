"""Small data for the experiments, drawn with a seed, under the names that their files give."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import copy
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
Array = np.ndarray[Any, Any]
Columns = Mapping[str, Any]
Rng = np.random.Generator

TEXT = """shall i compare thee to a summer's day?
thou art more lovely and more temperate:
rough winds do shake the darling buds of may,
and summer's lease hath all too short a date;
"""


def table(path: Path, columns: Columns) -> None:
    """Writes a CSV file."""
    rows = zip(*columns.values(), strict=True)
    texts = (",".join(f"{v:.5g}" if isinstance(v, float) else str(v) for v in row) for row in rows)
    path.write_text("\n".join((",".join(columns), *texts)) + "\n", encoding="utf-8")


def named(prefix: str, values: Array, first: int = 1) -> dict[str, list[Any]]:
    """The columns of a matrix."""
    return {f"{prefix}{i}": column.tolist() for i, column in enumerate(values.T, first)}


def idx(path: Path, images: Array) -> None:
    head = struct.pack(">4B3I", 0, 0, 8, 3, *images.shape)
    path.write_bytes(gzip.compress(head + images.astype(np.uint8).tobytes()))


def picture(path: Path, levels: Array) -> None:
    """Writes levels of grey from 0 to 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((255 * levels).astype(np.uint8)).save(path)


def houses(data: Path, rng: Rng) -> None:
    x = rng.normal(size=(200, 5))
    table(data / "houses.csv", {**named("x", x), "price": (x @ [3.0, 1, 0, -2, 0.5] + 100).tolist()})


def iris(data: Path, rng: Rng) -> None:
    copy(ROOT / "models/data/iris.csv", data / "iris.csv")


def two_files(data: Path, rng: Rng) -> None:
    for name in ("train", "test"):
        x = rng.normal(size=(200, 6))
        words = np.array(["up", "down", "none"])[np.argmax(x[:, :3], 1)]
        table(data / f"{name}.csv", {**named("x", x), "label": words.tolist()})


def energy(data: Path, rng: Rng) -> None:
    x = rng.normal(size=(120, 8))
    heat, cool = x @ rng.normal(size=(8, 2)).T[0], np.tanh(x[:, 0]) * x[:, 1]
    table(data / "energy.csv", {**named("x", x), "heating": heat.tolist(), "cooling": cool.tolist()})


def posts(data: Path, rng: Rng) -> None:
    words = (rng.random((80, 500)) < 0.05).astype(int)
    tags = (words[:, :60].reshape(80, 20, 3).sum(2) > 0).astype(int)
    table(data / "posts.csv", {**named("w", words), **named("tag_", tags)})


def creditcard(data: Path, rng: Rng) -> None:
    x = rng.normal(size=(600, 30))
    fraud = (x[:, :2].sum(1) > 2.3).astype(int)
    table(data / "creditcard.csv", {**named("V", x), "Class": fraud.tolist()})


def images(data: Path, rng: Rng) -> None:
    row, column = np.mgrid[:28, :28]
    centres = rng.uniform(8, 20, size=(100, 2, 1, 1))
    far = (row - centres[:, 0]) ** 2 + (column - centres[:, 1]) ** 2
    idx(data / "train-images.gz", 255 * np.exp(-far / 20))


def pairs(data: Path, rng: Rng) -> None:
    same = rng.integers(0, 2, 24)
    kinds = np.stack([kind := rng.integers(0, 2, 24), np.where(same, kind, 1 - kind)])
    shown = rng.random((2, 24, 28, 28)) * np.where(kinds, 1.0, 0.3)[..., None, None]
    left, right = np.round(shown.reshape(2, 24, 784), 2)
    table(data / "pairs.csv", {**named("l_", left), **named("r_", right), "same": same.tolist()})


def text(data: Path, rng: Rng) -> None:
    (data / "shakespeare.txt").write_text(TEXT * 5, encoding="utf-8")


def cells(data: Path, rng: Rng) -> None:
    row, column = np.mgrid[:16, :16]
    centres = rng.uniform(4, 12, size=(24, 2, 1, 1))
    mask = ((row - centres[:, 0]) ** 2 + (column - centres[:, 1]) ** 2 < 16)[..., None]
    image = 0.6 * mask + rng.uniform(0, 0.4, size=mask.shape)
    for i in range(24):
        picture(data / f"cells/{i}.png", image[i, ..., 0])
        picture(data / f"masks/{i}.png", mask[i, ..., 0])


def cifar(data: Path, rng: Rng) -> None:
    label = np.arange(10)
    image = rng.normal(size=(10, 32, 32, 3)) + label[:, None, None, None] / 10
    np.savez(data / "cifar.npz", image=image.astype(np.float32), label=label)


def boxes(data: Path, rng: Rng) -> None:
    digit, corner = rng.integers(0, 10, 40), rng.integers(0, 18, (40, 2))
    image = np.zeros((40, 28, 28), int)
    for one, d, (x, y) in zip(image, digit, corner, strict=True):
        one[y : y + 10, x : x + 10] = d + 1
    box = np.concatenate([corner, np.full((40, 2), 10)], 1) / 28
    columns = {name: box[:, i].tolist() for i, name in enumerate("xywh")}
    table(data / "boxes.csv", {**named("p_", image.reshape(40, 784)), "digit": digit.tolist(), **columns})


def flowers(data: Path, rng: Rng) -> None:
    cells(data, rng)
    for i in range(24):
        kind = i % 3
        picture(data / f"flowers/{('aster', 'lily', 'rose')[kind]}/{i}.png", (kind + rng.random((20, 24))) / 3)


def mixed(data: Path, rng: Rng) -> None:
    x = rng.normal(size=(160, 4))
    table(data / "mixed.csv", {**named("x", x), "y": np.where(x[:, 0] > 0, x[:, 1], -x[:, 2]).tolist()})


def rings(data: Path, rng: Rng) -> None:
    angle = rng.uniform(0, 2 * np.pi, 640)
    real = np.stack([np.cos(angle), np.sin(angle)], 1) * rng.choice([1.0, 2.0], (640, 1))
    table(data / "rings.csv", named("x", real))


def digits(data: Path, rng: Rng) -> None:
    copy(ROOT / "models/data/digits.csv.gz", data / "digits.csv.gz")


def tied(data: Path, rng: Rng) -> None:
    t = rng.integers(0, 7, (64, 17))
    t[:7, 0] = range(7)
    numbers = {**named("u_", rng.normal(size=(64, 8))), **named("v_", rng.normal(size=(64, 8)))}
    table(data / "t.csv", {**named("t_", t[:, :-1]), **named("n_", t[:, 1:]), **numbers})


def nothing(data: Path, rng: Rng) -> None:
    """The rows stand in the file, or are drawn."""


MAKERS: dict[str, Callable[[Path, Rng], None]] = {
    "01_linear": houses,
    "02_logistic": iris,
    "03_xor_textbook": nothing,
    "04_mlp_two_files": two_files,
    "05_multi_target": energy,
    "06_multi_label": posts,
    "07_imbalanced": creditcard,
    "08_denoising": images,
    "09_vae": images,
    "10_siamese": pairs,
    "11_charlstm": text,
    "12_transformer": text,
    "13_unet": cells,
    "13b_unet_plain": cells,
    "14_densenet": cifar,
    "15_pinn": nothing,
    "16_multitask": boxes,
    "17_finetune": flowers,
    "18_moe": mixed,
    "19_gan": rings,
    "digits_cnn": digits,
    "extra_tied": tied,
    "xor": nothing,
}
