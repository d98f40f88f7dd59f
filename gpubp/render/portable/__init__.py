"""Export of prediction programs as self-contained C files."""

from .file import portable_source
from .signature import Interface, Slot

__all__ = ["Slot", "Interface", "portable_source"]
