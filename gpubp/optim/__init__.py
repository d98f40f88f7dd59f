"""Optimizers: importing this package registers them."""

from . import optimizers
from .context import UpdateContext

__all__ = ["UpdateContext", "optimizers"]
