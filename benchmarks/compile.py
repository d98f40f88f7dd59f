"""How long a training program takes from the file to the first step: `python -m benchmarks.compile`.

Each line is a dense net of so many layers of 64, or an lstm over so many steps: milliseconds of the processor for
checking the file, the program with its passes, the plan, and its text with Python's own compiler; medians of a few
tries.
"""

from __future__ import annotations

import statistics
import time
from itertools import pairwise

import numpy as np

import gpubp
from benchmarks.language import lines
from gpubp.frontend import build, plan_of
from gpubp.render import compile_source, plan_source

RECURRENT = """
model {{
  input x: [{steps}, 8]
  target y: [1]
  output p = x -> lstm(64) -> lstm(64, sequence = false) -> dense(1)
}}
train {{
  loss = mse(p, y)
  optimizer = adam(lr = 0.001)
  epochs = 1
}}
"""
NETS = {f"{count} layers": lines(count) for count in (1, 10, 100, 200)}
NETS |= {f"{steps} steps": RECURRENT.format(steps=steps) for steps in (4, 64)}
TRIES = 5


def stages(text: str) -> list[float]:
    """Milliseconds of each stage."""
    times = [time.process_time()]
    net = gpubp.loads(text)
    times.append(time.process_time())
    built = build(net, "train", 64, "float32")
    times.append(time.process_time())
    planned = plan_of(built)
    times.append(time.process_time())
    compile_source(plan_source(planned, "train", built.hints), "bind_train", np)
    times.append(time.process_time())
    return [(b - a) * 1e3 for a, b in pairwise(times)]


def main() -> None:
    print(f"{'net':<12}{'check':>10}{'program':>10}{'plan':>10}{'text':>10}{'in all, ms':>12}")
    for name, text in NETS.items():
        found = [statistics.median(column) for column in zip(*(stages(text) for _ in range(TRIES)), strict=True)]
        print(f"{name:<12}{''.join(f'{ms:>10.1f}' for ms in found)}{sum(found):>12.1f}")


if __name__ == "__main__":
    main()
