"""The orders in which epochs visit rows, for several nets at once: what gpubp.seeds.shuffled makes, by compiled code
where that is faster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from ..seeds import shuffled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENOUGH = 0.01
"""Seconds of NumPy's orders, about, after which compiled code makes them. A compiler takes 0.1 s for it (NVRTC 0.3 s),
but once on a machine: later runs load what is cached, in a millisecond or two."""
MAX_ROWS = 1 << 32
"""Maximum rows of compiled code: for more, numpy draws words of 64 bits."""

Shuffle: TypeAlias = Callable[[int, Sequence[int], int, int], Any]
"""Makes orders; see Backend.orders."""


def numpy_orders(n: int, seeds: Sequence[int], epoch: int, epochs: int) -> NDArray[np.int64]:
    """See Backend.orders."""
    import numpy as np

    of = {seed: shuffled(n, seed, epoch, epochs) for seed in dict.fromkeys(seeds)}
    return np.stack([of[seed] for seed in seeds]) if len(seeds) > 1 else of[seeds[0]][None]


class Shuffles:
    """Chooses who makes orders: NumPy, until it has taken so many seconds for them (`after`), so that a small training
    waits for no compiler and loads nothing. `make`: gives the compiled function, or None where there is none."""

    def __init__(self, make: Callable[[], Shuffle | None], after: float = ENOUGH) -> None:
        self._make: Callable[[], Shuffle | None] | None = make
        self._compiled: Shuffle | None = None
        self._left = after

    def chosen(self, n: int, count: int) -> Shuffle:
        """For `count` permutations of `n` rows."""
        if n > MAX_ROWS:
            return numpy_orders
        make = self._make
        if make is not None:  # of several threads each may make it
            self._left -= numpy_seconds(n, count)
            if self._left > 0:
                return numpy_orders
            self._compiled, self._make = make(), None
        return self._compiled or numpy_orders


def numpy_seconds(n: int, count: int) -> float:
    """What NumPy takes for `count` permutations of `n` rows, about."""
    return count * (3e-6 + 1.5e-8 * n)
