"""Optimizers: importing this package registers them."""

from . import clipping, optimizers
from .context import UpdateContext

__all__ = ["UpdateContext", "clipping", "optimizers"]
