"""Export of prediction programs as self-contained C files."""

from .file import portable_source
from .text import CannotExportError
from .told import Slot, Told

__all__ = ["CannotExportError", "Slot", "Told", "portable_source"]
