"""The CPU, by compiled C: kernels for the fusions of a plan, and NumPy for other equations."""

from .backend import NativeBackend, say_busy, say_once
from .cache import CACHE_HELP, CacheError, KernelCache
from .compiler import SUPPORTED, Compiler, NativeError, find_compiler, processor
from .library import Library

__all__ = [
    "CACHE_HELP",
    "SUPPORTED",
    "CacheError",
    "Compiler",
    "KernelCache",
    "Library",
    "NativeBackend",
    "NativeError",
    "find_compiler",
    "processor",
    "say_busy",
    "say_once",
]
