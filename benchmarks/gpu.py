"""Training steps on a GPU beside PyTorch (eager, and compiled with CUDA graphs) and JAX: `python -m benchmarks.gpu`.

Each line is a net: microseconds of a step, the median of rounds in which all take turns. Every way computes the loss,
the gradients and Adam's update in float32 without TF32, on data that lies on the GPU. A way that is not installed or
fails says so, and the next goes on. `--json FILE` also writes what was measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import gpubp
from benchmarks import gpu_peers

ROUNDS, SECONDS = 7, 0.25
"""Rounds, and about how long one takes."""
Way = Callable[[int], None]
"""Does so many steps and waits for their end."""


@dataclass(frozen=True)
class Case:
    """A net of dense layers, or with `filters` of convolutions before them; rows of a batch."""

    name: str
    sizes: tuple[int, ...]
    batch: int
    activation: str = "relu"
    filters: tuple[int, ...] = ()

    @property
    def classes(self) -> bool:
        return self.sizes[-1] > 1

    @property
    def shape(self) -> tuple[int, ...]:
        return (28, 28, 1) if self.filters else (self.sizes[0],)


CASES = (
    Case("XOR 2-8-1 at 4", (2, 8, 1), 4, "tanh"),
    Case("784-256-128-10 at 128", (784, 256, 128, 10), 128),
    Case("784-4096x4-10 at 8192", (784, 4096, 4096, 4096, 4096, 10), 8192),
    Case("CNN 28x28 at 256", (3136, 128, 10), 256, filters=(16, 64)),
)


def text(case: Case) -> str:
    """The net as a file."""
    stages = "".join(f" -> conv({n}, 3, pad = same) -> relu -> maxpool(2)" for n in case.filters)
    stages += " -> flatten" if case.filters else ""
    stages += "".join(f" -> dense({n}) -> {case.activation}" for n in case.sizes[1:-1])
    last = case.sizes[-1]
    target = f"class({last})" if case.classes else "[1]"
    end, loss = ("softmax", "cross_entropy") if case.classes else ("sigmoid", "binary_cross_entropy")
    return f"""
model {{
  input x: [{", ".join(map(str, case.shape))}]
  target y: {target}
  output p = x{stages} -> dense({last}) -> {end}
}}
train {{
  loss = {loss}(p, y)
  optimizer = adam(lr = 0.001)
  epochs = 1
  shuffle = false
}}
"""


def data_of(case: Case) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(case.batch, *case.shape)).astype(np.float32)
    y = rng.integers(0, case.sizes[-1] if case.classes else 2, case.batch)
    return {"x": x, "y": y if case.classes else y[:, None].astype(np.float32)}


def ours(case: Case, device: str) -> Way:
    ex = gpubp.Executor(gpubp.loads(text(case)), device)
    placed = ex.place(data_of(case))

    def run(steps: int) -> None:
        ex.backend.to_host(ex.run_steps(placed, steps, case.batch)[0])

    return run


def ways(case: Case, device: str) -> dict[str, Callable[[], Way]]:
    """How each way is set up; setting it up may fail."""
    found: dict[str, Callable[[], Way]] = {"gpubp": lambda: ours(case, device)}
    for name, make in gpu_peers.PEERS.items():
        found[name] = lambda make=make: make(case, data_of(case), device)
    return found


def measure(case: Case, device: str) -> dict[str, float | str]:
    """Microseconds of a step by each way, or why there are none."""
    ready: dict[str, tuple[Way, int]] = {}
    found: dict[str, float | str] = {}
    for name, make in ways(case, device).items():
        try:
            run = make()
            run(20)
            start = time.perf_counter()
            run(20)
            each = (time.perf_counter() - start) / 20
            ready[name] = run, max(10, min(20_000, int(SECONDS / each)))
        except Exception as error:  # another library's failure must not end the others
            found[name] = (str(error) or type(error).__name__).splitlines()[0][:60]
    times: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(ROUNDS):
        for name, (run, steps) in ready.items():
            start = time.perf_counter()
            run(steps)
            times[name].append((time.perf_counter() - start) / steps * 1e6)
    return found | {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--device", default="gpu", help="cpu tries the program itself; its figures mean nothing")
    arguments = parser.parse_args()
    figures: dict[str, dict[str, float | str]] = {}
    names = ["gpubp", *gpu_peers.PEERS]
    print(f"{'net, us a step':<24}" + "".join(f"{name:>16}" for name in names), flush=True)
    for case in CASES:
        try:
            figures[case.name] = measure(case, arguments.device)
        except Exception as error:  # the next net may work
            figures[case.name] = {name: (str(error) or type(error).__name__)[:60] for name in names}
        cells = (figures[case.name].get(name, "") for name in names)
        line = "".join(f"{cell:>16.2f}" if isinstance(cell, float) else f"{'failed':>16}" for cell in cells)
        print(f"{case.name:<24}{line}", flush=True)
        for name, cell in figures[case.name].items():
            if isinstance(cell, str):
                print(f"  {name}: {cell}", flush=True)
        if arguments.json is not None:
            arguments.json.write_text(json.dumps(figures, indent=1), "utf-8")


if __name__ == "__main__":
    main()
