"""Export of prediction programs as self-contained C files."""

from .file import portable_source
from .told import Slot, Told

__all__ = ["Slot", "Told", "portable_source"]
