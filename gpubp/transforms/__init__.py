"""Transforms: programs to programs that compute something else."""

from .grad import grad

__all__ = ["grad"]
