"""Figures from a machine that is never quite quiet: blocks of steps, sized by a target time, taken in turn; medians and
quartiles of what was measured, and of the ratios within a turn."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Block = Callable[[int], tuple[float, float]]
"""Runs so many steps; seconds, and those of the processor."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A median between its quartiles."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(low, median, high)


def block_size(block: Block, target: float, chunk: int = 1) -> int:
    """How many steps, a multiple of `chunk`, take about `target` seconds. Warms up on the way: the steps are doubled
    until a block is long enough to be told from a clock's grain, and the last one is measured again."""
    steps = chunk
    block(steps)
    while (seconds := block(steps)[0]) < target / 4:
        steps *= max(2, min(16, round(target / 8 / max(seconds, 1e-9))))
    return max(1, round(target / seconds * steps / chunk)) * chunk


def in_turn(blocks: Mapping[str, tuple[Block, int]], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds a step, and of the processor, of each block of so many steps: A B C A B C ... Every second round goes
    backwards, so that nobody always follows the same one."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in blocks}
    for k in range(rounds):
        for name in list(blocks) if k % 2 == 0 else reversed(blocks):
            block, steps = blocks[name]
            seconds, busy = block(steps)
            taken[name].append((seconds / steps, busy / steps))
    return taken


def ratio(slow: Sequence[float], fast: Sequence[float]) -> Spread:
    """How many times longer `slow` takes, turn by turn."""
    return Spread.of([a / b for a, b in zip(slow, fast, strict=True)])
