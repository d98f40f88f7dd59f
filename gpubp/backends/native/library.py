"""A loaded library of kernels."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..threads import threads
from .compiler import NativeError

Array = NDArray[Any]


class Library:
    """The functions of a shared library. `numbers`: the table that they are given behind the others. Raises NativeError
    where it cannot be loaded."""

    def __init__(self, path: Path, numbers: bytes = b"") -> None:
        self._numbers = np.array(np.frombuffer(numbers, np.float64))
        try:
            self._library = ctypes.CDLL(str(path))
        except OSError as error:
            raise NativeError(f"cannot load `{path}`: {error}") from None
        if hasattr(self._library, "share_threads"):
            ctypes.c_int.in_dll(self._library, "share_threads").value = threads()

    def bind(self, name: str, arena: Array, tables: Sequence[Array]) -> Callable[[], int]:
        """The function `name` on its memory, ready to call. The states among `tables` are changed in place."""
        function = self._library[name]
        function.argtypes, function.restype = (ctypes.c_void_p, ctypes.c_void_p), ctypes.c_int
        kept, addresses = _addresses([*tables, self._numbers])
        call: Any = partial(function, ctypes.c_void_p(arena.ctypes.data), addresses)
        call.kept = (arena, kept)
        bound: Callable[[], int] = call
        return bound

    def bind_many(self, name: str, arena: Array, tables: Sequence[Array]) -> Callable[..., int]:
        """The loop `name` on its memory: called with arrays of rows (a list), the order in which to take them (or
        None), the batches that it has, the number of the first step, that of steps, and arrays for the results (a
        list), it returns how many steps were done."""
        function = self._library[name]
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        function.argtypes = (pointer, pointer, pointer, pointer, number, number, number, pointer)
        function.restype = number
        kept, addresses = _addresses([*tables, self._numbers])
        at = pointer(arena.ctypes.data)

        def many(
            rows: Sequence[Array], order: Array | None, per_epoch: int, first: int, steps: int, results: Sequence[Array]
        ) -> int:
            held = _addresses(rows), _addresses(results), kept, arena
            where = None if order is None else pointer(_place(order))
            done: int = function(at, addresses, held[0][1], where, per_epoch, first, steps, held[1][1])
            return done

        return many

    def bind_lanes(self, name: str, arena: Array, tables: Sequence[Array]) -> Callable[..., None]:
        """What gpubp.backends.base.BindCopies gives."""
        function = self._library[name]
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        function.argtypes = (*(pointer,) * 4, *(number,) * 4, pointer, pointer, number)
        function.restype = None
        kept, addresses = _addresses([*tables, self._numbers])
        at = pointer(arena.ctypes.data)

        def lanes(
            rows: Sequence[Array],
            order: Array | None,
            start: int,
            steps: int,
            going: Array,
            results: Sequence[Array],
            column: int,
        ) -> None:
            held = _addresses(rows), kept, arena
            where = None if order is None else pointer(_place(order))
            width = results[0].shape[1]
            columns = (ctypes.c_void_p * len(results))(*(_place(a) + column * a.itemsize for a in results))
            moving, copies = pointer(_place(going)), len(going)
            count = len(rows[0]) if order is None else order.shape[-1]
            function(at, addresses, held[0][1], where, count, start, steps, copies, moving, columns, width)

        return lanes


def _addresses(arrays: Sequence[Array]) -> tuple[list[Array], Any]:
    """The arrays, and a C array of their addresses. What is written lies as its plan says; constants are dense."""
    kept = [a if a.flags.c_contiguous or a.flags.writeable else np.array(a, order="C") for a in arrays]
    return kept, (ctypes.c_void_p * max(len(kept), 1))(*map(_place, kept))


def _place(array: Array) -> int:
    """Where an array begins; its `ctypes.data` is the same and takes longer than some steps."""
    place: int = array.__array_interface__["data"][0]
    return place
