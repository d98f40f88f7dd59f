"""The executor: specialise, compile, run."""

from .ensemble import Ensemble
from .executor import CHUNK, Executor

__all__ = ["CHUNK", "Ensemble", "Executor"]
