"""Transforms: programs to programs that compute something else."""

from .grad import grad
from .stack import stack

__all__ = ["grad", "stack"]
