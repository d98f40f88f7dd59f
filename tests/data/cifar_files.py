"""Folders of the form that the binary versions of CIFAR-10 and CIFAR-100 unpack to, with few images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TEN = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
HUNDRED = ("train.bin", "test.bin")


def record(pixels: NDArray[np.uint8], *labels: int) -> bytes:
    """One image [32, 32, 3] as its file holds it: labels, then all red, all green and all blue pixels."""
    return bytes(labels) + b"".join(pixels[..., channel].tobytes() for channel in range(3))


def images(labels: Sequence[int], seed: int = 0) -> NDArray[np.uint8]:
    """Noise with a bright bar at a height and of a colour that say the class."""
    rng = np.random.default_rng(seed)
    made = rng.integers(0, 60, (len(labels), 32, 32, 3), dtype=np.uint8)
    for image, label in zip(made, labels, strict=True):
        image[8 * (label % 4) + 2 : 8 * (label % 4) + 6, :, label // 4 % 3] += 190
    return made


def cifar_10(folder: Path, rows: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Writes six files of `rows` images each; gives all images and labels in their order."""
    folder.mkdir(parents=True)
    labels = np.arange(6 * rows) % 10
    made = images(labels.tolist())
    for k, name in enumerate(TEN):
        part = range(k * rows, (k + 1) * rows)
        (folder / name).write_bytes(b"".join(record(made[i], int(labels[i])) for i in part))
    return made, labels


def cifar_100(folder: Path, fine: Sequence[int]) -> tuple[NDArray[np.uint8], list[int]]:
    """Writes a file for training with these fine labels and one for testing with the first of them; a coarse label is a
    fifth of the fine one. Gives all images and fine labels."""
    folder.mkdir(parents=True)
    labels = [*fine, fine[0]]
    made = images(labels)
    rows = [record(image, label // 5, label) for image, label in zip(made, labels, strict=True)]
    (folder / "train.bin").write_bytes(b"".join(rows[:-1]))
    (folder / "test.bin").write_bytes(rows[-1])
    return made, labels
