"""Rates of learning at which nothing is learned, or everything is thrown away."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dsl.diagnostics import Diagnostic
from dsl.graph import Choice, Duration, Static, Train

from ..learning_rate import optimizer_rate
from .traced import Traced

ADAPTIVE = frozenset({"adam", "adamw", "rmsprop", "amsgrad", "adamax", "nadam", "adagrad", "lion"})
"""Optimizers whose step is about as long as the rate, whatever the gradient."""

TOO_FAST = 1.0
TOO_FAST_PLAIN = 100.0
TOO_FAR = 4
"""The power of ten that a rate may grow to: range tests end at 10 or so."""
_GROWING = {"exponential": "factor", "linear": "to"}
"""Schedules that may grow, and the option that says how far."""


def rate(net: Traced) -> Iterator[Diagnostic]:
    optimizer, value = net.graph.choice("optimizer"), optimizer_rate(net.graph)
    if optimizer is None or value is None:
        return
    limit = TOO_FAST if optimizer.name in ADAPTIVE else TOO_FAST_PLAIN
    if 0 < value <= limit:
        return
    span = optimizer.option_spans.get("lr", optimizer.span)
    help = "a usual rate is `lr = 0.001`" if optimizer.name in ADAPTIVE else "a usual rate is `lr = 0.01`"
    if value == 0:
        yield Diagnostic("W0506", "a rate of 0 trains nothing", span, "no step", (), (), (help,), "warning")
        return
    label = f"every step moves each weight by about {value:g}" if optimizer.name in ADAPTIVE else ""
    message = f"a rate of {value:g} is far too large for `{optimizer.name}`"
    yield Diagnostic("W0506", message, span, label, (), (), (help,), "warning")


def grown(net: Traced) -> Iterator[Diagnostic]:
    """Schedules that end at rates which no range test looks at: a growth meant for the whole time in each epoch."""
    train, lr = net.graph.train, optimizer_rate(net.graph)
    if train is None or lr is None or lr <= 0:
        return
    schedule: Static = train.options.get("schedule")
    while isinstance(schedule, Choice):
        factor = schedule.options.get(_GROWING.get(schedule.name, ""))
        if isinstance(factor, int | float) and factor > 1:
            times = _times(train, schedule)
            last = math.log10(lr) + times * math.log10(factor)
            if last > TOO_FAR:
                span = schedule.option_spans.get(_GROWING[schedule.name], schedule.span)
                label = f"{factor:g} times as large" + (f", {times:g} times" if times > 1 else "")
                percent = 2 <= factor <= 100
                help = f"did you mean `{factor:g}%`?" if percent else "a range test ends at a rate of about 10"
                message = f"this schedule lets the rate grow to about 1e{last:.0f}"
                yield Diagnostic("W0506", message, span, label, (), (), (help,), "warning")
        schedule = schedule.options.get("then")


def _times(train: Train, schedule: Choice) -> float:
    """How often the training lasts as long as the time in which a schedule grows; 1 where that cannot be told yet."""
    every = schedule.options.get("every")
    if not isinstance(every, Duration) or not every.amount:
        return 1.0
    whole = train.options.get(every.unit)
    return whole / every.amount if isinstance(whole, int | float) else 1.0
