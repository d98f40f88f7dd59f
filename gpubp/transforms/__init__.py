"""Transforms: programs to programs that compute something else."""

from .grad import derivative, grad
from .stack import stack

__all__ = ["derivative", "grad", "stack"]
