"""Whether two peers compute the same thing: the losses of the first steps beside those in double precision.

All begin with the same weights and rows, so the losses differ by rounding alone. Single precision rounds to 6e-8; over
20 steps Adam, which divides each gradient by its own size, makes of it up to 2e-4 of the loss where the loss is
fitted away to a thousandth (measured: gpubp with itself in double precision and the sound peers). Of the mistakes that
a benchmark could hide, a learning rate that is off by 1 %, Adam without its corrections or a second bias move them by
1e-3 of the first loss at least in every case (tests/benchmarks). `TOLERANCE` stands between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

STEPS = 20
TOLERANCE = 2e-4
"""Of the first loss; of the largest output where outputs are compared."""


def departure(found: ArrayLike, reference: ArrayLike) -> float:
    """The largest difference, relative to the first loss, or to the largest output; inf where the shapes differ."""
    import numpy as np

    a, b = np.asarray(found, np.float64), np.asarray(reference, np.float64)
    if a.shape != b.shape:
        return float("inf")
    scale: Any = np.abs(b).max()
    worst = float(np.abs(a - b).max() / scale)
    return worst if np.isfinite(worst) else float("inf")
