"""Programs as text."""

from .python_source import compile_source, python_source

__all__ = ["compile_source", "python_source"]
