"""Restarts side by side beside one training: `python benchmarks/restarts.py [COUNT]`.

For a small recurrent and two convolutional nets: the processor time of a training step of COUNT restarts (8) as one
program, of one training, and their ratio. Both take turns, and the quickest of 6 rounds of 24 steps counts. Each
restart has the bytes of the single training with its seed, which is checked first. `OPENBLAS_NUM_THREADS=1` in front
of it keeps BLAS from waiting for threads.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import gpubp
from gpubp.executor import Ensemble, Executor

ROUNDS, STEPS = 6, 24
LSTM = "lstm(16, sequence = false)"
CNN = "conv(8, 3, pad = same) -> relu -> maxpool(2) -> conv(16, 3, pad = same) -> relu -> maxpool(2) -> flatten"
CASES = (("lstm(16), 12 steps", LSTM, (12, 4), 16), ("cnn 8-16", CNN, (8, 8, 1), 16), ("cnn 8-16", CNN, (8, 8, 1), 64))


def text(layers: str, shape: tuple[int, ...]) -> str:
    return f"""
model {{
  input  x: {list(shape)}
  target y: class(4)
  output p = x -> {layers} -> dense(4) -> softmax
}}
train {{
  loss      = cross_entropy(p, y)
  optimizer = adam
  epochs    = 1
}}
"""


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    rng = np.random.default_rng(0)
    print(f"{'net':20} {'batch':>5} {'backend':8} {'one':>9} {f'{count} at once':>11} {'ratio':>6}")
    for name, layers, shape, batch in CASES:
        net = gpubp.loads(text(layers, shape))
        rows = {"x": rng.normal(size=(4 * batch, *shape)), "y": rng.integers(0, 4, 4 * batch)}
        for backend in ("numpy", "native"):
            one, many = (
                Executor(net, "cpu", seed=0, backend=backend),
                Ensemble(net, count, "cpu", seed=0, backend=backend),
            )
            placed = [each.place(rows) for each in (one, many)]
            alone, side_by_side = one.run_steps(placed[0], 8, batch)[0], many.run_steps(placed[1], 8, batch)[0]
            assert np.array_equal(alone, side_by_side[0])
            best = [np.inf, np.inf]
            for _ in range(ROUNDS):
                for i, each in enumerate((one, many)):
                    start = time.process_time()
                    each.run_steps(placed[i], STEPS, batch)
                    best[i] = min(best[i], 1e3 * (time.process_time() - start) / STEPS)
            print(
                f"{name:20} {batch:5} {backend:8} {best[0]:6.3f} ms {best[1]:8.3f} ms {best[1] / best[0]:6.2f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
