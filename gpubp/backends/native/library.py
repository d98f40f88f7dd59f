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
        if hasattr(self._library, "pool_threads"):
            ctypes.c_int.in_dll(self._library, "pool_threads").value = threads()

    def bind(self, name: str, arena: Array, tables: Sequence[Array]) -> Callable[[], int]:
        """The function `name` on its memory, ready to call. The states among `tables` are changed in place."""
        function = self._library[name]
        function.argtypes, function.restype = (ctypes.c_void_p, ctypes.c_void_p), ctypes.c_int
        kept, addresses = _addresses([*tables, self._numbers])
        call: Any = partial(function, ctypes.c_void_p(arena.ctypes.data), addresses)
        call.kept = (arena, kept)
        bound: Callable[[], int] = call
        return bound

    def bind_many(self, name: str, arena: Array, tables: Sequence[Array]) -> Loop:
        """See gpubp.backends.base.Kernels."""
        function = self._library[name]
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        function.argtypes = (pointer, pointer, pointer, pointer, number, number, number, pointer)
        function.restype = number
        kept, addresses = _addresses([*tables, self._numbers])
        call: Any = partial(function, pointer(arena.ctypes.data), addresses)
        call.kept = (arena, kept)
        return Loop(call)

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


class Loop:
    """A function that does many steps; see gpubp.backends.base.Loop. `function`: on its memory, called with the
    addresses of rows and of their order, the batches that it has, the number of the first step, that of steps, and the
    addresses of results."""

    def __init__(self, function: Callable[..., int]) -> None:
        self._function = function

    def takes(self, rest: Any) -> bool:
        return True

    def __call__(
        self,
        rows: Sequence[Array],
        order: Array | None,
        batch: int,
        first: int,
        steps: int,
        results: Sequence[Array],
        rest: Loop | None = None,
    ) -> int:
        count, order = len(rows[0]), None if order is None else order.reshape(-1)
        if rest is None:
            return self._steps(rows, order, (count if order is None else order.size) // batch, first, steps, results)
        done, whole = 0, count // batch
        while done < steps:
            epoch, at = divmod(first + done, whole + 1)
            own = None if order is None else order[epoch * count :]
            kept = [array[done:] for array in results]
            if at < whole:
                wanted = min(whole - at, steps - done)
                made = self._steps(rows, own, whole, at, wanted, kept)
            else:
                start, wanted = whole * batch, 1
                last = rows if own is not None else [array[start:] for array in rows]
                made = rest._steps(last, None if own is None else own[start:], 1, 0, 1, kept)
            done += made
            if made < wanted:
                break
        return done

    def _steps(
        self,
        rows: Sequence[Array],
        order: Array | None,
        batches: int,
        first: int,
        steps: int,
        results: Sequence[Array],
    ) -> int:
        held = _addresses(rows), _addresses(results)
        where = None if order is None else ctypes.c_void_p(_place(order))
        return self._function(held[0][1], where, batches, first, steps, held[1][1])


def _addresses(arrays: Sequence[Array]) -> tuple[list[Array], Any]:
    """The arrays, and a C array of their addresses. What is written lies as its plan says; constants are dense."""
    kept = [a if a.flags.c_contiguous or a.flags.writeable else np.array(a, order="C") for a in arrays]
    return kept, (ctypes.c_void_p * max(len(kept), 1))(*map(_place, kept))


def _place(array: Array) -> int:
    """Where an array begins; its `ctypes.data` is the same and takes longer than some steps."""
    place: int = array.__array_interface__["data"][0]
    return place
