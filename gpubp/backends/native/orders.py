"""The orders in which epochs visit rows, by compiled C."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiler import NativeError


class LibraryOrders:
    """See gpubp.backends.base.Backend.orders. `path`: the compiled text `c_orders` of gpubp.ops. Raises NativeError if
    it cannot be loaded."""

    def __init__(self, path: Path) -> None:
        try:
            library = ctypes.CDLL(str(path))
        except OSError as error:
            raise NativeError(f"cannot load `{path}`: {error}") from None
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        self._function: Any = library.orders
        self._function.argtypes = (number, pointer, number, ctypes.c_uint64, number, pointer)
        self._function.restype = None

    def __call__(self, n: int, seeds: Sequence[int], epoch: int, epochs: int) -> NDArray[np.int64]:
        keys, orders = np.array(seeds, dtype=np.uint64), np.empty((len(seeds), epochs * n), dtype=np.int64)
        self._function(n, keys.ctypes.data, len(keys), epoch, epochs, orders.ctypes.data)
        return orders
