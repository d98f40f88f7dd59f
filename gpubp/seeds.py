"""Where every random draw of a run comes from: numpy's Philox, keyed by (seed, purpose), with the epoch as its counter.

A draw depends on nothing but these three numbers, so an epoch's order can be made again without making those before it,
and two purposes never share a stream (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Purpose(IntEnum):
    """What a stream of random numbers is for. The numbers are part of what a seed means: never reuse or change one."""

    INIT = 1
    SPLIT = 2
    SHUFFLE = 3
    MIX = 4  # rows among each other, within blocks that were shuffled
    SAMPLE = 5  # rows that a reader draws
    SEARCH = 6  # the params of a trial
    SUGGESTION = 7  # the same where earlier trials are learned from
    GRADCHECK = 8  # the derivatives that are looked at
    FOLDS = 9  # the order in which rows are dealt to folds


def generator(seed: int, purpose: Purpose, counter: int = 0, place: int = 0) -> np.random.Generator:
    """The stream of `purpose` under `seed`; `counter` (an epoch, a parameter's number) picks 2^192 blocks of it, and
    `place` 2^128 of those.

    Raises ValueError for a seed, counter or place outside 0 .. 2^64 - 1.
    """
    import numpy as np

    for what, number in (("seed", seed), ("counter", counter), ("place", place)):
        if not 0 <= number < 1 << 64:
            raise ValueError(f"the {what} is {number}; it must be from 0 to 2^64 - 1")
    key = np.array([seed, int(purpose)], dtype=np.uint64)
    # Philox counts upwards from the first word, so the last one keeps the parts apart.
    return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, place, counter], dtype=np.uint64)))


def shuffled(n: int, seed: int, epoch: int, epochs: int = 1) -> NDArray[np.int64]:
    """The order in which epoch `epoch` (from 0) visits `n` rows: a permutation of 0 .. n - 1, int64; of several
    `epochs` from that one on, one behind the other."""
    import numpy as np

    stream = generator(seed, Purpose.SHUFFLE, epoch)
    bits, fresh = stream.bit_generator, stream.bit_generator.state
    orders = np.empty((epochs, n), dtype=np.int64)
    for i, order in enumerate(orders):
        # As a generator of its own, which takes four times as long to make.
        fresh["state"]["counter"][-1] = epoch + i
        bits.state = fresh
        order[...] = stream.permutation(n)
    return orders.reshape(-1)
