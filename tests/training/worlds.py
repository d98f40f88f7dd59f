"""An experiment in a folder of its own, small enough to train in a blink."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import gpubp

DATA = '  x, y = csv("a.csv", target = "y")\n'
SPLIT = "  split = split(train = 60%, valid = 20%, test = 20%)\n"
MODEL = """
model {{
  input  x: [3]
  target y: [1]
  output p = x -> standardize -> dense(6) -> tanh{regular} -> dense(1)
}}
"""


def write_rows(path: Path, count: int = 60) -> None:
    """A CSV file of three numbers and a target that depends on them."""
    rng = np.random.default_rng(0)
    x = rng.normal(2, 3, size=(count, 3))
    y = np.sin(x[:, :1]) + x[:, 1:2] - 0.5 * x[:, 2:]
    lines = [",".join(f"{v:.6f}" for v in row) for row in np.concatenate([x, y], axis=1)]
    path.write_text("\n".join(["a,b,c,y", *lines, ""]), "utf-8")


def write_net(
    base: Path,
    *,
    optimizer: str = "adam(lr = 0.02)",
    length: str = "epochs = 10",
    keys: str = "",
    split: str = SPLIT,
    regular: str = "",
    rows: int = 60,
) -> Path:
    """The experiment's file; 36 rows to train in batches of 8, so that an epoch's last batch has 4."""
    write_rows(base / "a.csv", rows)
    train = f"train {{\n  loss = mse(p, y)\n  optimizer = {optimizer}\n  batch = 8\n  {length}\n{keys}}}\n"
    path = base / "a.net"
    path.write_text("data {\n" + DATA + split + "}\n" + MODEL.format(regular=regular) + train, "utf-8")
    return path


def train(path: Path, **options: Any) -> gpubp.Run:
    return gpubp.train(gpubp.load(path), "cpu", **options)


def state(run: gpubp.Run) -> dict[str, bytes]:
    """Every byte that a run has come to."""
    return {name: array.tobytes() for name, array in run.executor.state_dict().items()}


def write_net_with_burst(tmp_path: Path) -> Path:
    """A net that diverges for some seeds: those whose training rows include one with a burst."""
    path = write_net(tmp_path, optimizer="sgd(lr = 0.02)", split="  split = split(train = 50%, test = 50%)\n")
    path.write_text(path.read_text("utf-8").replace("standardize -> dense(6) -> tanh -> ", ""), "utf-8")
    lines = path.with_suffix(".csv").read_text("utf-8").splitlines()
    lines[5] = ",".join(["1e15", *lines[5].split(",")[1:]])
    path.with_suffix(".csv").write_text("\n".join([*lines, ""]), "utf-8")
    return path
