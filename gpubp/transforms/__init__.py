"""Transforms: from a program to a program that computes something else."""

from .gauss_newton import NotSquaresError, diagonal, gauss_newton, inlined, jacobian, squared
from .grad import backward, derivative, grad
from .lift import Column, lift, outline
from .stack import stack

__all__ = [
    "Column",
    "NotSquaresError",
    "backward",
    "derivative",
    "diagonal",
    "gauss_newton",
    "grad",
    "inlined",
    "jacobian",
    "lift",
    "outline",
    "squared",
    "stack",
]
