"""Optimizers, schedules, clipping and averages of the weights: importing this package registers them."""

from . import averages, clipping, full_batch, least_squares, optimizers, quasi_newton, rates, schedules
from .context import ScheduleContext, UpdateContext

__all__ = [
    "ScheduleContext",
    "UpdateContext",
    "averages",
    "clipping",
    "full_batch",
    "least_squares",
    "optimizers",
    "quasi_newton",
    "rates",
    "schedules",
]
