"""The executor: specialise, compile, run."""

from .blame import first_bad
from .ensemble import Ensemble
from .executor import CHUNK, Executor
from .memory import require_memory

__all__ = ["CHUNK", "Ensemble", "Executor", "first_bad", "require_memory"]
