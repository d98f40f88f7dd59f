"""Programs as text."""

from .python_source import compile_source, python_source
from .standalone import Argument, standalone

__all__ = ["Argument", "compile_source", "python_source", "standalone"]
