"""The learning-rate range test: the loss while the rate grows from step to step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dsl.records import dataclass

from ..errors import DivergedError, InputError, positive
from ..executor import Executor, Rows, loss_diverged
from ..frontend import RATE_SCALE, Net, constant_rate, required, with_options
from .dataset import dataset_of

SMOOTH = 0.9
"""How much of the moving average of the loss is kept at each step."""

WORSE = 2.0
"""The test ends when the loss is above its minimum by so many times what it had fallen, or the minimum itself."""

FIRST, WIDTH = 10, 5
"""Steps before it may end so: the average of the first few is rough. Steps to either side for a slope."""

BEGUN = 0.1
"""How much of its whole fall a loss falls before the fall counts: what comes before may be the noise of the batches."""


@dataclass(frozen=True, slots=True)
class RangeTest:
    """What a range test found, by step.

    - `rates`: the learning rates; `losses`: of the batches; `smoothed`: their moving average, corrected for its start.
    - `diverged`: whether the last step ended the test, by a loss that had grown or that was not finite; such a step is
      not in the lists.
    - `lr`: the rate in the file.
    """

    rates: Sequence[float]
    losses: Sequence[float]
    smoothed: Sequence[float]
    diverged: bool
    lr: float

    def __repr__(self) -> str:
        suggested = "" if self.suggested is None else f", suggested lr = {self.suggested:g}"
        rates = f"{len(self.rates):,} rates from {self.rates[0]:g} to {self.rates[-1]:.2g}"
        return f"<RangeTest of {rates}: the loss is least at {self.least:.2g}{suggested}>"

    @property
    def least(self) -> float:
        """The rate at which the smoothed loss is least."""
        return self.rates[min(range(len(self.rates)), key=self.smoothed.__getitem__)]

    @property
    def steepest(self) -> float | None:
        """The rate at which the smoothed loss falls fastest, per power of ten, once it has begun to fall for good, and
        before it is least. The first steps do not count: their average is rough. None where no others come before the
        least loss."""
        last = self.rates.index(self.least)
        if last - WIDTH <= FIRST:
            return None
        first, least = self.smoothed[FIRST], self.smoothed[last]
        high = first - BEGUN * (first - least)
        begun = max((i for i in range(FIRST, last) if self.smoothed[i] > high), default=FIRST)
        places = range(min(begun, last - WIDTH - 1), last - WIDTH)
        return self.rates[min(places, key=lambda i: self.smoothed[i + WIDTH] - self.smoothed[i - WIDTH])]

    @property
    def suggested(self) -> float | None:
        """A tenth of `least`, to one digit: well below where the loss begins to rise. `steepest`, if it does not rise
        in the test. None if the loss never falls."""
        if self.least == self.rates[0]:
            return None
        rises = self.diverged or self.least < self.rates[-1]
        rate = self.least / 10 if rises else self.steepest
        return None if rate is None else float(f"{rate:.0e}")


def range_test(
    net: Net,
    device: str = "auto",
    *,
    data: Mapping[str, Any] | None = None,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 200,
    seed: int | None = None,
    backend: str = "auto",
) -> RangeTest:
    """Take `steps` steps, as the file says but without its schedule, while the learning rate grows exponentially from
    `low` to `high`; divergence ends the test. Smith (2017), section 3.3; its plot is the loss over the rate. The net
    itself is not changed, and nothing is written.

    - `data`, `seed`, `device`, `backend`: as of `train`.

    Returns a RangeTest. Raises InputError for numbers out of range, GpubpError for an optimizer without a learning
    rate, DivergedError if the loss or a gradient is not finite before any update, and what `train` raises for the file,
    its data and the device.

    >>> found = gpubp.range_test(gpubp.load("models/iris.net"), "cpu")
    >>> found.rates[0] < found.suggested < found.rates[-1]
    True
    """
    if not 0 < low < high < math.inf:
        raise InputError(f"the rate grows from `low` to `high`: 0 < low < high, but they are {low:g} and {high:g}")
    if positive(steps, "steps") < 2:
        raise InputError("`steps` must be at least 2")
    required(net).require_training(1, given=data is not None)
    net, lr = constant_rate(with_options(net, seed=seed))
    executor = Executor(net, device, backend=backend)
    dataset = dataset_of(executor, data, executor.seed)
    rows = dataset.part("train")
    executor.fit(rows)
    placed = executor.place(rows)
    rates = (low ** (1 - k / (steps - 1)) * high ** (k / (steps - 1)) for k in range(steps))
    return _test(executor, placed, net.batch_size(len(placed)), rates, lr)


def _test(executor: Executor, rows: Rows, batch: int, rates: Iterable[float], lr: float) -> RangeTest:
    """A step at each of the rates, until the loss diverges."""
    tried: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    mean, diverged = 0.0, False
    for step, rate in enumerate(rates):
        executor.set_counters({RATE_SCALE: rate / lr})
        try:
            found, penalties, _ = executor.run_steps(rows, 1, batch)
        except DivergedError:
            if step == 0:  # no rate has had any effect yet
                raise
            diverged = True
            break
        loss = float(found[0]) + float(penalties[0])
        if step == 0 and not math.isfinite(loss):
            raise loss_diverged(loss, 1)
        mean = SMOOTH * mean + (1 - SMOOTH) * loss
        now = mean / (1 - SMOOTH ** (step + 1))
        diverged = not math.isfinite(now) or (step >= FIRST and _worse(now, smoothed))
        if diverged:
            break
        tried.append(rate)
        losses.append(loss)
        smoothed.append(now)
    return RangeTest(tried, losses, smoothed, diverged, lr)


def _worse(now: float, before: Sequence[float]) -> bool:
    least = min(before)
    return now - least > WORSE * max(before[0] - least, abs(least))
