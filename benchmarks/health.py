"""What watching a net's health costs: `python -m benchmarks.health [MODEL ...]`.

Each line is a model that ships: milliseconds of a training step and of a measurement of its layers' sizes, the medians
of rounds taken in turn, processor time; how many steps lie between two measurements at first, and the share of the time
that they take then; and the milliseconds that making their program takes, once in a training. With NumPy, and with
compiled kernels, beside which the measurement is NumPy's still. Models whose data does not ship get drawn rows.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gpubp
from gpubp.data import Stream
from gpubp.data import load as load_data
from gpubp.health import Gauges
from gpubp.insight import drawn
from gpubp.training.health import Health

MODELS = Path(__file__).resolve().parent.parent / "models"
ROUNDS = 7
SECONDS = 0.2
"""Processor time of the steps of one round, about."""


def main() -> None:
    names = sys.argv[1:] or sorted(path.stem for path in MODELS.glob("*.net"))
    print(
        f"{'model':15}  {'kernels':7}  {'step ms':>9}  {'measured ms':>11}  {'every':>5}  {'share':>6}  {'made ms':>7}"
    )
    for name in names:
        for backend in ("numpy", "native"):
            step, measure, made, every = cost(name, backend)
            share = measure / (every * step + measure)
            times = f"{1e3 * step:9.4f}  {1e3 * measure:11.4f}  {every:5}  {share:6.1%}  {1e3 * made:7.1f}"
            print(f"{name:15}  {backend:7}  {times}", flush=True)


def cost(name: str, backend: str) -> tuple[float, float, float, int]:
    """Seconds of a step, of a measurement, and of making its program; the steps between two measurements."""
    net = gpubp.load(MODELS / f"{name}.net")
    try:
        rows: Any = load_data(net.graph, net.base, 0).part("train")
    except gpubp.errors.DataError:
        rows = drawn(net, 1024)
    count = len(rows) if isinstance(rows, Stream) else len(next(iter(rows.values())))
    batch = min(int(net.option("batch", 32)), count)
    executor = gpubp.Executor(net, "cpu", backend=backend)
    placed = executor.place(rows)
    executor.fit_first(placed)
    start = time.process_time()
    gauges = Gauges(executor, batch)
    arrays = placed.batch(0, 0, 0, batch, mixed=False)
    gauges.measure([arrays])
    made = time.process_time() - start
    every = Health(placed, batch, 1, [], None).distance(executor, 0)
    executor.run_steps(placed, -(-count // batch), batch)
    once = timed(lambda: executor.run_steps(placed, 1, batch))
    steps = max(1, min(2000, int(SECONDS / max(once, 1e-6))))
    times = [
        (
            timed(lambda: executor.run_steps(placed, steps, batch)) / steps,
            timed(lambda: [gauges.measure([placed.batch(0, 0, 0, batch, mixed=True)]) for _ in range(5)]) / 5,
        )
        for _ in range(ROUNDS)
    ]
    return statistics.median(a for a, _ in times), statistics.median(b for _, b in times), made, every


def timed(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    main()
