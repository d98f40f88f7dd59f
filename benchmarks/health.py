"""What watching a net's health costs: `python -m benchmarks.health [MODEL ...]`.

Each line is a model that ships: milliseconds of a training step and of a measurement of its layers' sizes, the medians
of rounds taken in turn, processor time; the share of the steps' time that measurements take where they are densest;
and the milliseconds that making their program takes, once in a training. With NumPy, and with compiled kernels, beside
which the measurement is NumPy's still. Models whose data does not ship get drawn rows.
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
from gpubp.insight import Gauges, drawn
from gpubp.training.health import EVERY

MODELS = Path(__file__).resolve().parent.parent / "models"
ROUNDS = 7
SECONDS = 0.2
"""Processor time of the steps of one round, about."""


def main() -> None:
    names = sys.argv[1:] or sorted(path.stem for path in MODELS.glob("*.net"))
    print(f"{'model':15}  {'kernels':7}  {'step ms':>9}  {'measured ms':>11}  {'share':>6}  {'made ms':>7}")
    for name in names:
        for backend in ("numpy", "native"):
            step, measure, made = cost(name, backend)
            share = measure / (EVERY * step + measure)
            print(
                f"{name:15}  {backend:7}  {1e3 * step:9.4f}  {1e3 * measure:11.4f}  {share:6.1%}  {1e3 * made:7.1f}",
                flush=True,
            )


def cost(name: str, backend: str) -> tuple[float, float, float]:
    """Seconds of a step, of a measurement, and of making its program."""
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
    return statistics.median(a for a, _ in times), statistics.median(b for _, b in times), made


def timed(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    main()
