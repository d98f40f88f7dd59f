"""How long a training program takes from the file to the first step: `python -m benchmarks.compile`.

Each line is a dense net of so many layers of 64: milliseconds of the processor for checking the file, the program with
its passes, the plan, and its text with Python's own compiler; medians of a few tries.
"""

from __future__ import annotations

import statistics
import time
from itertools import pairwise

import numpy as np

import gpubp
from benchmarks.language import lines
from gpubp.frontend import build
from gpubp.passes import plan
from gpubp.render import compile_source, plan_source

COUNTS = (1, 10, 100, 200)
TRIES = 5


def stages(count: int) -> list[float]:
    """Milliseconds of each stage."""
    times = [time.process_time()]
    net = gpubp.loads(lines(count))
    times.append(time.process_time())
    built = build(net, "train", 64, "float32")
    times.append(time.process_time())
    planned = plan(built.program, built.program.inputs[: len(built.feeds)], built.homes)
    times.append(time.process_time())
    compile_source(plan_source(planned, "train", built.hints), "bind_train", np)
    times.append(time.process_time())
    return [(b - a) * 1e3 for a, b in pairwise(times)]


def main() -> None:
    print(f"{'layers':>6}{'check':>10}{'program':>10}{'plan':>10}{'text':>10}{'in all, ms':>12}")
    for count in COUNTS:
        found = [statistics.median(column) for column in zip(*(stages(count) for _ in range(TRIES)), strict=True)]
        print(f"{count:>6}{''.join(f'{ms:>10.1f}' for ms in found)}{sum(found):>12.1f}")


if __name__ == "__main__":
    main()
