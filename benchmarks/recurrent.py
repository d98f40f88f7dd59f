"""A training step of a recurrent layer, and what of it is calls: `python -m benchmarks.recurrent`.

Each line is a layer of 64 units over 64 steps of 16 features, 32 rows: milliseconds of the processor for a step, and
for a step of the same net with one unit, one feature and one row, which computes next to nothing and makes the same
calls; the smallest of some rounds. Set OPENBLAS_NUM_THREADS=1 on a machine that others use too.
"""

from __future__ import annotations

import time

import numpy as np

import gpubp

STEPS, ROUNDS = 64, 40
LAYERS = ("rnn", "lstm", "gru")


def step_ms(layer: str, rows: int, features: int, units: int) -> float:
    """Milliseconds of a training step."""
    net = gpubp.loads(
        f"""model {{
          input x: [{STEPS}, {features}]
          target y: [{STEPS}, 1]
          output p = x -> {layer}({units}) -> dense(1)
        }}
        train {{ loss = mse(p, y)
                optimizer = adam(lr = 0.001)
                epochs = 1 }}"""
    )
    ex = gpubp.Executor(net, device="cpu")
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(rows, STEPS, features)), "y": rng.normal(size=(rows, STEPS, 1))}
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        ex.train_steps(data, 5, rows)
        times.append((time.process_time() - start) / 5 * 1e3)
    return min(times)


def main() -> None:
    print(f"{'layer':<8}{'step, ms':>10}{'calls, ms':>11}{'share':>8}")
    for layer in LAYERS:
        whole, calls = step_ms(layer, 32, 16, 64), step_ms(layer, 1, 1, 1)
        print(f"{layer:<8}{whole:>10.2f}{calls:>11.2f}{calls / whole:>8.0%}")


if __name__ == "__main__":
    main()
