"""Prediction programs as C files that need nothing else."""

from .file import portable_source
from .text import CannotExportError
from .told import Slot, Told

__all__ = ["CannotExportError", "Slot", "Told", "portable_source"]
