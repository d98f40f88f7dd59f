"""The executor: specialise, compile, run."""

from .executor import CHUNK, Executor

__all__ = ["CHUNK", "Executor"]
