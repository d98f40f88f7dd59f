"""Learning-rate schedules: the factor of the optimizer's rate, as a function of the step.

A schedule is a function of `(cx, step, length, *, options)`: `step` is the number of steps since its start, 0 at the
first; `length` is its duration in steps, by default to the end of the training. Both are float64 scalars of the
program, and so is the factor. `to` and `start` are fractions of the optimizer's rate. Durations count batches,
`200steps`, or passes over the training data, `3epochs`.
"""

from __future__ import annotations

import math

from ..ir import Var
from ..ops import cast, cos, exp, floor, full, log, maximum, minimum, power, sqrt, where
from ..registry import Count, Duration, Durations, Fraction, Inner, Multiple, NonNegative, Place, register
from .context import ScheduleContext


def _progress(cx: ScheduleContext, step: Var, length: Var, over: Duration) -> Var:
    """The elapsed fraction of `over`, or of the whole length: from 0 to 1."""
    # 0 / 0, at the first step of a schedule of length 0, would be NaN.
    total = maximum(length if over is None else cx.steps(over), 1e-9)
    return minimum(step / total, 1.0)


def _interpolate(remaining: Var, to: float) -> Var:
    """Linear interpolation: 1 for left = 1, `to` for left = 0."""
    return to + (1.0 - to) * remaining


def _half_cosine(progress: Var) -> Var:
    """(1 + cos(pi x)) / 2: from 1 to 0, with zero slope at both ends."""
    return 0.5 + 0.5 * cos(math.pi * progress)


@register("schedule", "step")
def step_(cx: ScheduleContext, step: Var, length: Var, *, every: Duration, factor: Fraction = 0.1) -> Var:
    """factor^floor(step / every): the rate falls by a factor at regular intervals."""
    return _power(factor, floor(step / cx.period(every)))


@register("schedule", "drops")
def drops(cx: ScheduleContext, step: Var, length: Var, *, at: Durations, factor: Fraction = 0.1) -> Var:
    """factor^n, where n is the number of durations in `at` that have passed."""
    count = 0.0 * step
    for duration in at:
        count = count + cast(step >= cx.steps(duration), dtype="float64")
    return _power(factor, count)


@register("schedule", "exponential")
def exponential(cx: ScheduleContext, step: Var, length: Var, *, factor: Multiple, every: Duration = None) -> Var:
    """factor^(step / every): exponential decay by `factor` per `every`, or over the whole training. With a
    factor above 1 the rate grows."""
    return _power(factor, step / (maximum(length, 1e-9) if every is None else cx.period(every)))


def _power(factor: float, count: Var) -> Var:
    """factor^count; 0^0 is 1."""
    if factor == 0:
        return cast(count <= 0.0, dtype="float64")
    return exp(count * math.log(factor))


@register("schedule", "linear")
def linear(cx: ScheduleContext, step: Var, length: Var, *, to: Multiple = 0.0, over: Duration = None) -> Var:
    """Linear from 1 to `to`, over the whole training or `over`; `to` may be above 1."""
    return _interpolate(1.0 - _progress(cx, step, length, over), to)


@register("schedule", "polynomial")
def polynomial(
    cx: ScheduleContext,
    step: Var,
    length: Var,
    *,
    degree: NonNegative = 2.0,
    to: Fraction = 0.0,
    over: Duration = None,
) -> Var:
    """to + (1 - to) (1 - step / over)^degree."""
    remaining = 1.0 - _progress(cx, step, length, over)
    return _interpolate(power(remaining, degree), to)


@register("schedule", "cosine")
def cosine(cx: ScheduleContext, step: Var, length: Var, *, to: Fraction = 0.0, over: Duration = None) -> Var:
    """to + (1 - to) (1 + cos(pi step / over)) / 2, over the whole training or `over`. Loshchilov & Hutter (2017),
    equation 5, without restarts."""
    return _interpolate(_half_cosine(_progress(cx, step, length, over)), to)


@register("schedule", "cosine_restarts")
def cosine_restarts(
    cx: ScheduleContext, step: Var, length: Var, *, every: Duration, growth: Count = 1, to: Fraction = 0.0
) -> Var:
    """The cosine with warm restarts after `every`; each period is `growth` times as long as the one before. Loshchilov
    & Hutter (2017), equation 5, with T_0 = every and T_mult = growth."""
    first = cx.period(every)
    if growth == 1:
        cycle = step / first
        return _interpolate(_half_cosine(cycle - floor(cycle)), to)
    # Period i begins at first (growth^i - 1) / (growth - 1).
    ratio = growth - 1.0
    cycle = floor(log(1.0 + step * ratio / first) / math.log(growth))

    def period_start(i: Var) -> Var:
        return first * ((floor(exp(i * math.log(growth)) + 0.5) - 1.0) / ratio)

    # Rounding may put the logarithm just below an integer.
    cycle = cycle + cast(step >= period_start(cycle + 1.0), dtype="float64")
    start = period_start(cycle)
    return _interpolate(_half_cosine((step - start) / (period_start(cycle + 1.0) - start)), to)


@register("schedule", "cyclic")
def cyclic(
    cx: ScheduleContext,
    step: Var,
    length: Var,
    *,
    every: Duration,
    start: Fraction = 0.25,
    rise: Fraction = 0.5,
    factor: Fraction = 1.0,
) -> Var:
    """A triangular wave: linear from `start` up to 1 and down again, in each `every`, of which the fraction `rise` goes
    up; the height of each peak above `start` is `factor` times that of the one before. Smith (2017), section 3.1:
    `triangular`, and with factor = 0.5 `triangular2`; the optimizer's rate is the maximum."""
    cycle = floor(progress := step / cx.period(every))
    phase = progress - cycle
    up, down = max(rise, 1e-9), max(1.0 - rise, 1e-9)
    height = where(phase < rise, phase / up, (1.0 - phase) / down)
    return start + (1.0 - start) * height * _power(factor, cycle)


@register("schedule", "one_cycle")
def one_cycle(
    cx: ScheduleContext,
    step: Var,
    length: Var,
    *,
    rise: Fraction = 0.3,
    start: Fraction = 0.04,
    to: Fraction = 4e-6,
) -> Var:
    """Up from `start` to 1 in the fraction `rise` of the training, then down to `to`, both along half a cosine. Smith &
    Topin (2018), section 3; the optimizer's rate is the maximum."""
    progress = _progress(cx, step, length, None)
    up, down = max(rise, 1e-9), max(1.0 - rise, 1e-9)
    rising = 1.0 + (start - 1.0) * _half_cosine(progress / up)
    falling = _interpolate(_half_cosine((progress - rise) / down), to)
    return where(progress < rise, rising, falling)


@register("schedule", "warmup")
def warmup(cx: ScheduleContext, step: Var, length: Var, *, over: Duration, then: Inner = None) -> Var:
    """Linear warm-up: (step + 1) / over up to 1; then the schedule `then`, which begins there, or the full rate. Goyal
    et al. (2017), section 2.2."""
    n = cx.steps(over)
    rising = (step + 1.0) / maximum(n, 1.0)
    if then is None:
        return minimum(rising, 1.0)
    rest = cx.follow(then, maximum(step - n, 0.0), maximum(length - n, 0.0))
    return where(step < n, rising, rest)


@register("schedule", "inverse_sqrt")
def inverse_sqrt(cx: ScheduleContext, step: Var, length: Var, *, warmup: Duration) -> Var:
    """min(t / n, sqrt(n / t)) with t = step + 1 and n = warmup: linear up, then down as 1 / sqrt(t). Vaswani et al.
    (2017), equation 3, where the peak rate is lr."""
    t, n = step + 1.0, maximum(cx.steps(warmup), 1.0)
    return minimum(t / n, sqrt(n / t))


@register("schedule", "plateau")
def plateau(
    cx: ScheduleContext,
    step: Var,
    length: Var,
    *,
    figure: Place = "valid.loss",
    factor: Fraction = 0.1,
    patience: Duration,
    least: Fraction = 0.0,
) -> Var:
    """Constant 1 until `figure`, evaluated after each epoch, has not improved for `patience`: then the training
    multiplies the rate by `factor`, down to the fraction `least`, and so on."""
    return full((), 1.0, "float64")
