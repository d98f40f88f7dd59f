"""Makes schedules.npz with PyTorch: `python tests/peers/make_schedules.py`. The tests need no PyTorch.

The factor of the rate in each of 200 steps. PyTorch counts the end of a rise with the steps, gpubp the moment at which
the next step begins: `total` and `pct` below say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim import lr_scheduler as schedulers

HERE = Path(__file__).parent
STEPS = 200

SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "step(30steps, factor = 0.5)": lambda o: schedulers.StepLR(o, 30, 0.5),
    "step(2epochs)": lambda o: schedulers.StepLR(o, 80),
    "drops([50steps, 3epochs, 150steps], factor = 0.2)": lambda o: schedulers.MultiStepLR(o, [50, 120, 150], 0.2),
    "exponential(0.97, every = 1steps)": lambda o: schedulers.ExponentialLR(o, 0.97),
    "exponential(0.5, every = 1epochs)": lambda o: schedulers.ExponentialLR(o, 0.5 ** (1 / 40)),
    "exponential(1.02, every = 1steps)": lambda o: schedulers.ExponentialLR(o, 1.02),
    "exponential(1e5)": lambda o: schedulers.ExponentialLR(o, 1e5 ** (1 / STEPS)),
    # Its own refuses to grow.
    "linear(to = 30)": lambda o: schedulers.LambdaLR(o, lambda s: 1 + 29 * s / STEPS),
    "linear": lambda o: schedulers.LinearLR(o, 1.0, 0.0, STEPS),
    "linear(to = 10%, over = 80steps)": lambda o: schedulers.LinearLR(o, 1.0, 0.1, 80),
    "polynomial": lambda o: schedulers.PolynomialLR(o, STEPS, 2.0),
    "polynomial(degree = 0.5, over = 3epochs)": lambda o: schedulers.PolynomialLR(o, 120, 0.5),
    "cosine": lambda o: schedulers.CosineAnnealingLR(o, STEPS),
    "cosine(to = 5%)": lambda o: schedulers.CosineAnnealingLR(o, STEPS, 0.05),
    "cosine_restarts(40steps)": lambda o: schedulers.CosineAnnealingWarmRestarts(o, 40),
    "cosine_restarts(30steps, growth = 2, to = 5%)": lambda o: schedulers.CosineAnnealingWarmRestarts(o, 30, 2, 0.05),
    "cosine_restarts(1steps, growth = 3)": lambda o: schedulers.CosineAnnealingWarmRestarts(o, 1, 3),
    "cyclic(40steps)": lambda o: schedulers.CyclicLR(o, 0.25, 1.0, 20),
    "cyclic(1epochs, start = 10%, factor = 50%)": lambda o: schedulers.CyclicLR(o, 0.1, 1.0, 20, mode="triangular2"),
    "cyclic(50steps, start = 0, rise = 20%)": lambda o: schedulers.CyclicLR(o, 0.0, 1.0, 10, 40),
    "one_cycle": lambda o: schedulers.OneCycleLR(o, 1.0, total_steps=STEPS + 1, pct_start=(0.3 * STEPS + 1) / 201),
    "one_cycle(rise = 50%, start = 10%, to = 1%)": lambda o: schedulers.OneCycleLR(
        o, 1.0, total_steps=STEPS + 1, pct_start=(0.5 * STEPS + 1) / 201, div_factor=10, final_div_factor=10
    ),
    "warmup(20steps)": lambda o: schedulers.LinearLR(o, 1 / 20, 1.0, 19),
    "warmup(1epochs, cosine(to = 0))": lambda o: schedulers.SequentialLR(
        o, [schedulers.LinearLR(o, 1 / 40, 1.0, 39), schedulers.CosineAnnealingLR(o, STEPS - 40)], [40]
    ),
    "warmup(20steps, warmup(10steps, step(50steps)))": lambda o: schedulers.SequentialLR(
        o,
        [
            schedulers.LinearLR(o, 1 / 20, 1.0, 19),
            schedulers.LinearLR(o, 1 / 10, 1.0, 9),
            schedulers.StepLR(o, 50),
        ],
        [20, 30],
    ),
    # Equation 3 of Vaswani et al. (2017) over its largest value.
    "inverse_sqrt(30steps)": lambda o: schedulers.LambdaLR(
        o, lambda s: min((s + 1) ** -0.5, (s + 1) * 30**-1.5) / 30**-0.5
    ),
}


def factors(make: Callable[[Any], Any]) -> np.ndarray:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make(optimizer)
    out = []
    for _ in range(STEPS):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return np.array(out, dtype=np.float64)


def plateau(figures: np.ndarray) -> np.ndarray:
    """The rate after each figure; a patience of 2 figures there is one of 3 epochs here."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = schedulers.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, threshold=0.0, min_lr=0.1)
    out = []
    for figure in figures:
        schedule.step(figure)
        out.append(optimizer.param_groups[0]["lr"])
    return np.array(out)


def main() -> None:
    figures = np.round(np.linspace(3, 2, 60) + np.random.default_rng(0).normal(size=60) * 0.3, 2)
    arrays = {name: factors(make) for name, make in SCHEDULES.items()}
    arrays |= {"plateau/figures": figures, "plateau/rates": plateau(figures)}
    np.savez_compressed(HERE / "schedules.npz", torch=np.array(torch.__version__.split("+")[0]), **arrays)


if __name__ == "__main__":
    main()
