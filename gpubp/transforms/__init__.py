"""Transforms: programs to programs that compute something else."""

from .grad import backward, derivative, grad
from .stack import stack

__all__ = ["backward", "derivative", "grad", "stack"]
