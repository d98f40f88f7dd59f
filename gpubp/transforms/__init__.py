"""Transforms: from a program to a program that computes something else."""

from .grad import backward, derivative, grad
from .stack import stack

__all__ = ["backward", "derivative", "grad", "stack"]
