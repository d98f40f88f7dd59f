"""Optimizers, schedules, clipping and averages of the weights: importing this package registers them."""

from . import averages, clipping, full_batch, optimizers, rates, schedules
from .context import ScheduleContext, UpdateContext

__all__ = [
    "ScheduleContext",
    "UpdateContext",
    "averages",
    "clipping",
    "optimizers",
    "rates",
    "schedules",
    "full_batch",
]
