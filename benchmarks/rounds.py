"""How well `gpubp search --method tpe` learns where several trials are chosen at a time: `python -m benchmarks.rounds`.

Each line is the number of trials of a round, 0 for random trials alone, and the median over the seeds of how near the
best of 20, 30 and 40 trials comes to the minimum of Branin's function. No net is trained; it takes some minutes.
"""

from __future__ import annotations

import math
from itertools import islice
from statistics import median
from unittest.mock import patch

from gpubp.frontend import Domain
from gpubp.training import Trial
from gpubp.training.tpe import learned
from gpubp.training.trials import RANDOM, settings

SEEDS, COUNTS = 60, (20, 30, 40)
SPACE = {"x": Domain(first=-5.0, last=10.0), "y": Domain(first=0.0, last=15.0)}


def main() -> None:
    print("round" + "".join(f"  {f'{count} trials':>9}" for count in COUNTS))
    for size in (1, 4, 8, 0):
        several = [above(seed, size) for seed in range(SEEDS)]
        print(f"{size:5}" + "".join(f"  {median(min(one[:count]) for one in several):9.3f}" for count in COUNTS))


def above(seed: int, size: int) -> list[float]:
    """How far the trials of a search are above the minimum, in their order."""
    if size == 0:
        return [branin(params) for params in islice(settings(SPACE, RANDOM, seed), max(COUNTS))]
    done: list[Trial] = []
    with patch("gpubp.training.tpe.ROUND", size):
        for some in learned(SPACE, seed, done, max(COUNTS), rising=False):
            done += [Trial(number, params, branin(params), 1, 0.0) for number, params in some]
    return [trial.value for trial in done if trial.value is not None]


def branin(params: dict[str, str]) -> float:
    """Dixon & Szego, "The global optimization problem: an introduction", 1978; above its minimum, 0.397887."""
    x, y = float(params["x"]), float(params["y"])
    valley = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10 - 0.397887


if __name__ == "__main__":
    main()
