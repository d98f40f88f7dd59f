"""The training loop and saved state."""

from .checkpoint import restore, save
from .loop import Run, train

__all__ = ["Run", "restore", "save", "train"]
