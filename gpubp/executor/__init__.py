"""The executor: specialise, compile, run."""

from .blame import diverged, first_bad
from .ensemble import Ensemble
from .executor import CHUNK, Executor
from .memory import require_memory

__all__ = ["CHUNK", "Ensemble", "Executor", "diverged", "first_bad", "require_memory"]
