"""Passes: programs to programs that compute the same, better."""

from .dce import dce
from .rewrite import rewrite

__all__ = ["dce", "rewrite"]
