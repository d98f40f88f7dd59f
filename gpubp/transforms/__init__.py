"""Transforms: from a program to a program that computes something else."""

from .grad import backward, derivative, grad
from .lift import Column, lift, outline
from .stack import stack

__all__ = ["Column", "backward", "derivative", "grad", "lift", "outline", "stack"]
