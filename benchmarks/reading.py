"""How long data takes to be read, checked and split: `python -m benchmarks.reading [ROWS]` (a million by default).

Each line is one kind of file: its size, seconds by the clock and of the processor (the best of a few tries), and
what that is in MiB a second. Tables have ten columns, nine that go in and one that is learned.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import gpubp
from gpubp.data import load

TRIES = 3
NET = """
data {{
  x, y = {reader}
  split = split(train = 80%, test = 20%)
}}
model {{
  input  x: [9]
  target y: {type}
  output p = x -> dense({width}) {end}
}}
train {{
  loss      = {loss}(p, y)
  optimizer = adam
  epochs    = 1
}}
"""


def short(table: np.ndarray) -> str:
    """Numbers as measurements are written: `-0.132105`."""
    return "\n".join([",".join("abcdefghiy"), *(",".join([f"{v:.6g}" for v in row]) for row in table.tolist())])


def exact(table: np.ndarray) -> str:
    """Numbers to the bit: `-0.1321048632913019`."""
    return "\n".join([",".join("abcdefghiy"), *(",".join(map(repr, row)) for row in table.tolist())])


def holes(table: np.ndarray) -> str:
    """One cell of each hundred rows is empty."""
    lines = short(table).split("\n")
    return "\n".join(f",{line.partition(',')[2]}" if i % 100 == 1 else line for i, line in enumerate(lines))


def words(table: np.ndarray) -> str:
    """The last column is one of three words."""
    names = ("small", "medium", "large")
    rows = (f"{','.join([f'{v:.6g}' for v in row[:9]])},{names[i % 3]}" for i, row in enumerate(table.tolist()))
    return "\n".join([",".join("abcdefghiy"), *rows])


def prices(table: np.ndarray) -> str:
    """Money with thousands separators: `$-1,321.05`."""
    return "\n".join(
        [";".join("abcdefghiy"), *(";".join([f"${v:,.2f}" for v in row]) for row in (1e4 * table).tolist())]
    )


FORMS: dict[str, tuple[Callable[[np.ndarray], str], str]] = {
    "csv, 6 digits": (short, 'csv({path}, target = "y")'),
    "csv, 17 digits": (exact, 'csv({path}, target = "y")'),
    "csv, missing cells": (holes, 'csv({path}, target = "y", missing = mean)'),
    "csv, a column of words": (words, 'csv({path}, target = "y")'),
    "csv, thousands and money": (prices, 'csv({path}, target = "y", thousands = ",", units = ["$"])'),
}


def seconds(text: str, base: Path) -> tuple[float, float]:
    """The time of one reading by the clock, and what the processor spent on it; the best of `TRIES`."""
    (base / "net.net").write_text(text)
    net = gpubp.load(base / "net.net")
    wall, busy = [], []
    for _ in range(TRIES):
        start, spent = time.perf_counter(), time.process_time()
        load(net.graph, net.base, 0)
        wall.append(time.perf_counter() - start)
        busy.append(time.process_time() - spent)
    return min(wall), min(busy)


def net(reader: str, label: bool) -> str:
    if label:
        return NET.format(reader=reader, type="class(3)", width=3, end="-> softmax", loss="cross_entropy")
    return NET.format(reader=reader, type="[1]", width=1, end="", loss="mse")


def main(rows: int) -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(rows, 10))
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)

        def report(name: str, path: Path, text: str) -> None:
            size, (took, busy) = path.stat().st_size / 2**20, seconds(text, base)
            print(f"{name:24} {size:8.1f} MiB {took:8.2f} s {busy:8.2f} s {size / took:8.0f} MiB/s", flush=True)

        for name, (write, reader) in FORMS.items():
            content = write(table)
            (base / "a.csv").write_text(content)
            report(name, base / "a.csv", net(reader.format(path='"a.csv"'), write is words))
        (base / "a.csv.gz").write_bytes(gzip.compress(short(table).encode(), 6))
        report("csv.gz, 6 digits", base / "a.csv.gz", net('csv("a.csv.gz", target = "y")', label=False))
        np.save(base / "x.npy", table[:, :9].astype(np.float32))
        np.save(base / "y.npy", table[:, 9].astype(np.float32))
        report("npy", base / "x.npy", net('npy("x.npy", "y.npy")', label=False))
        report("npy, streamed", base / "x.npy", net('npy("x.npy", "y.npy", stream = true)', label=False))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
