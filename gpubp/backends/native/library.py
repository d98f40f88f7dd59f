"""A loaded library of kernels."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import batches_of
from ..threads import threads
from .compiler import NativeError

Array = NDArray[Any]


class Library:
    """The functions of a shared library. `numbers`: the table of run-time numbers, passed after the other tables.
    Raises NativeError if it cannot be loaded."""

    def __init__(self, path: Path, numbers: bytes = b"") -> None:
        self._numbers = np.array(np.frombuffer(numbers, np.float64))
        try:
            self._library = ctypes.CDLL(str(path))
        except OSError as error:
            raise NativeError(f"cannot load `{path}`: {error}") from None
        if hasattr(self._library, "pool_threads"):
            ctypes.c_int.in_dll(self._library, "pool_threads").value = threads()

    def bind(self, name: str, arena: Array, tables: Sequence[Array]) -> Callable[[], int]:
        """Bind the function `name` to its memory. The states among `tables` are updated in place."""
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

    def bind_lanes(self, name: str, batch: int, arena: Array, tables: Sequence[Array]) -> LaneLoop:
        """The loop of gpubp.backends.base.BindCopies, for so many rows a step."""
        function = self._library[name]
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        function.argtypes = (*(pointer,) * 4, *(number,) * 4, pointer, pointer, number)
        function.restype = None
        kept, addresses = _addresses([*tables, self._numbers])
        call: Any = partial(function, pointer(arena.ctypes.data), addresses)
        call.kept = (arena, kept)
        return LaneLoop(call, batch)


class LaneLoop:
    """See gpubp.backends.base.LoopOfCopies. `function` is bound to its memory, and called with the addresses of the
    rows and of their permutations, the number of rows in one of these, the first row, the number of steps, that of
    copies, which of them are active, the addresses of the results, and the distance between those of two copies."""

    def __init__(self, function: Callable[..., None], batch: int) -> None:
        self._function, self._batch = function, batch

    def takes(self, rest: Any) -> bool:
        return True

    def __call__(
        self,
        rows: Sequence[Array],
        order: Array | None,
        start: int,
        steps: int,
        going: Array,
        results: Sequence[Array],
        column: int,
        rest: LaneLoop | None = None,
        epoch: int = 0,
    ) -> None:
        if rest is None:
            self._steps(rows, order, start, steps, going, results, column)
            return
        whole, count = epoch // self._batch, epoch if order is None else order.shape[-1]
        for number, smaller in batches_of(start // self._batch, steps, whole):
            (rest if smaller else self)._steps(rows, order, start, number, going, results, column)
            start = (start + number * (epoch % self._batch if smaller else self._batch)) % count
            column += number

    def _steps(
        self,
        rows: Sequence[Array],
        order: Array | None,
        start: int,
        steps: int,
        going: Array,
        results: Sequence[Array],
        column: int,
    ) -> None:
        pointer, kept = ctypes.c_void_p, _addresses(rows)
        at = None if order is None else pointer(_place(order))
        count = len(rows[0]) if order is None else order.shape[-1]
        columns = (pointer * len(results))(*(_place(a) + column * a.itemsize for a in results))
        active = pointer(_place(going))
        self._function(kept[1], at, count, start, steps, len(going), active, columns, results[0].shape[1])


class Loop:
    """A loop over many steps; see gpubp.backends.base.Loop. `function` is bound to its memory and called with the
    addresses of the rows and of their permutation, the number of batches in these, the number of the first step, the
    number of steps, and the addresses of the results."""

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
        for count_wanted, smaller in batches_of(first, steps, whole):
            epoch, step_of_epoch = divmod(first + done, whole + 1)
            epoch_order = None if order is None else order[epoch * count :]
            results_left = [array[done:] for array in results]
            if not smaller:
                count_done = self._steps(rows, epoch_order, whole, step_of_epoch, count_wanted, results_left)
            else:
                start = whole * batch
                last = rows if epoch_order is not None else [array[start:] for array in rows]
                count_done = rest._steps(
                    last, None if epoch_order is None else epoch_order[start:], 1, 0, 1, results_left
                )
            done += count_done
            if count_done < count_wanted:
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
        addresses = _addresses(rows), _addresses(results)
        order_pointer = None if order is None else ctypes.c_void_p(_place(order))
        return self._function(addresses[0][1], order_pointer, batches, first, steps, addresses[1][1])


def _addresses(arrays: Sequence[Array]) -> tuple[list[Array], Any]:
    """The arrays, and a C array of their addresses. Each is used where it lies, with the strides that were planned: a
    loop reads views of memory that changes from step to step."""
    kept = list(arrays)
    return kept, (ctypes.c_void_p * max(len(kept), 1))(*map(_place, kept))


def _place(array: Array) -> int:
    """The address of an array. `ctypes.data` is the same, but takes longer than some steps."""
    place: int = array.__array_interface__["data"][0]
    return place
