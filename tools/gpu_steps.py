"""What a step of each model takes that a block of a GPU trains, alone or many side by side, beside what the CPU takes
and what `--device auto` estimates of both (gpubp.executor.device_choice): microseconds, for all nets together.

    python -m tools.gpu_steps
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import gpubp
from gpubp.executor import Ensemble, Executor
from gpubp.executor.device_choice import cpu_step, gpu_step, iterations, pieces
from gpubp.executor.machine import recorded_scalars
from gpubp.frontend import describe
from gpubp.render import CudaSource
from tests.gpu.test_compiled import rows_of
from tools.find_gpu import count_gpus

MODELS = Path(__file__).resolve().parent.parent / "models"
MANY = "xor"
"""The net that is also trained many times side by side."""
ENOUGH = 0.02
"""Seconds that a measurement takes at least."""
COLUMNS = ("GPU", "estimate", "CPU", "estimate", "quicker", "estimate")


def row(name: str, *cells: object) -> str:
    return f"{name:<16}" + "".join(f"{cell:>10}" for cell in cells)


def microseconds(run: Callable[[int], Any], finish: Callable[[], None]) -> float:
    """A step, the median of five measurements."""
    run(64)
    steps, taken = 256, list[float]()
    while len(taken) < 5:
        begin = time.perf_counter()
        run(steps)
        finish()
        seconds = time.perf_counter() - begin
        if seconds < ENOUGH and not taken:
            steps *= 4
            continue
        taken.append(1e6 * seconds / steps)
    return median(taken)


def step_of(net: gpubp.Net, batch: int, nets: int, device: str) -> float:
    """What a step of so many nets takes on a device; on the CPU as it does when it is compiled."""
    backend = "native" if device == "cpu" else "auto"
    made = Executor(net, device, backend=backend) if nets == 1 else Ensemble(net, nets, device, backend=backend)
    placed = made.place(rows_of(net, 4 * batch))
    return microseconds(lambda steps: made.run_steps(placed, steps, batch), made.backend.finish)


def line(name: str, net: gpubp.Net, batch: int, nets: int) -> str | None:
    """What is told of a net; None where no block trains it."""
    ex = Executor(net, "gpu")
    compiled = ex.compiled("train", batch)
    kept = recorded_scalars(compiled.built, compiled.plan)
    source = ex.backend.source(compiled.plan, "train", compiled.built.hints, describe, kept)
    if not isinstance(source, CudaSource) or source.block is None:
        return None
    costs, plan = compiled.costs, compiled.plan
    estimates = 1e6 * gpu_step(costs, pieces(plan), nets), 1e6 * cpu_step(costs, nets, iterations(plan))
    found = step_of(net, batch, nets, "gpu"), step_of(net, batch, nets, "cpu")
    quicker = ["GPU" if gpu <= cpu else "CPU" for gpu, cpu in (found, estimates)]
    figures = (f"{figure:.2f}" for pair in zip(found, estimates, strict=True) for figure in pair)
    return row(name, batch, nets, *figures, *quicker)


def main() -> int:
    if not (found := count_gpus())[0]:
        sys.exit(f"no GPU here: {found[1]}")
    import cupy

    count = cupy.cuda.runtime.getDeviceProperties(0)["multiProcessorCount"]
    print(f"{count} multiprocessors\n{row('net', 'batch', 'nets', *COLUMNS)}", flush=True)
    for path in sorted(MODELS.glob("*.net")):
        net = gpubp.load(path)
        if net.graph.train is None or net.size > 2**15:
            continue
        numbers = (1, 8, count, 2 * count, 8 * count) if path.stem == MANY else (1,)
        for nets in numbers:
            if told := line(path.stem, net, int(net.option("batch", 32)), nets):
                print(told, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
