"""Several nets that are trained side by side, each in memory of its own: every launch does the same for all of them."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

from ...passes import ALIGN
from ...render import CudaSource, Frame, Gemm, Launch
from .device import Device, Memory, Work
from .stream import Own, Stream, kept

MOST_ROWS = 65535
"""Rows of blocks that a launch can have (CUDA C++ Programming Guide, compute capabilities)."""


class Nets:
    """As many nets as the states in `tables` have rows, with arenas of `size` bytes; constants have no such rows."""

    def __init__(self, source: CudaSource, device: Device, stream: Stream, size: int, tables: Sequence[Any]) -> None:
        assert source.batches is not None
        self._source, self._device, self._stream, self._batches = source, device, stream, source.batches
        self._tables, count = tables, len(tables[0])
        arena, scratch = _rounded(size), _rounded(source.before + source.scratch)
        words = 8 * source.batches.words
        self._arenas, self._scratch, self._control = (device.memory(count * n) for n in (arena, scratch, words))
        rows = [a.nbytes // count if a.ndim > v.ndim else 0 for a, v in zip(tables, source.tables, strict=True)]
        starts = [*map(device.address, tables)]
        self._works_on: list[Own] = []
        self._steers: list[Own] = []
        for k in range(count):
            if source.before:
                self._scratch.write(bytes(source.before), k * scratch)
            at = [start + k * row for start, row in zip(starts, rows, strict=True)]
            first = self._arenas.address + k * arena
            self._works_on.append(Own(first, at, self._scratch.address + k * scratch + source.before))
            self._steers.append(Own(first, at, self._control.address + k * words))
        self._records: dict[tuple[Frame | None, bool], tuple[Launch, Memory]] = {}
        self._going = 0
        (own,) = source.work.values()
        works = [*self._step(source.batches.take, self._steers)]
        for work in own:
            works += self._step(work, self._works_on)
        self._run = stream.steps([*works, *self._step(source.batches.keep, self._steers)])

    def train(
        self,
        rows: Sequence[Any],
        order: Any | None,
        start: int,
        steps: int,
        going: Any,
        results: Sequence[Any],
        column: int,
    ) -> None:
        """So many steps of all of them; see gpubp.backends.base.BindCopies."""
        address = self._device.address
        if self._going != address(going):
            self._going = address(going)
            for (_, steers), (work, memory) in self._records.items():
                memory.write(self._record(work, self._steers if steers else self._works_on))
        count, at = (len(rows[0]), 0) if order is None else (order.shape[-1], address(order))
        data, control = [*map(address, rows)], b""
        for k in range(len(self._steers)):
            own = [address(array) + (k * array.shape[1] + column) * array.itemsize for array in results]
            control += self._batches.control(start, count, at + 8 * count * k if at else 0, data, own)
        self._control.write(control)
        self._run(steps)

    def _step(self, work: Launch | Gemm, nets: Sequence[Own]) -> list[Work]:
        """The same work for each of them."""
        if isinstance(work, Gemm):
            return [kept(net.product(self._device, work), self) for net in nets]
        key, count = (work.frame, nets is self._steers), len(nets)
        if key not in self._records:
            self._records[key] = work, self._device.memory(len(self._record(work, nets)))
        first, found = self._records[key][1].address, []
        size = len(self._record(work, nets[:1]))
        for begin in range(0, count, MOST_ROWS):
            at = (ctypes.c_void_p(first + begin * size),)
            found.append(kept(self._stream.launch(work, at, min(MOST_ROWS, count - begin)), self))
        return found

    def _record(self, work: Launch, nets: Sequence[Own]) -> bytes:
        """The array of `Net` (gpubp/ops/cuda/base.cuh) that a kernel is given."""
        found = b""
        for k, net in enumerate(nets):
            arena, tables, last = net.values(work)
            values = (arena, last, self._going + k, *(tables or (0,)))
            found += struct.pack(f"<{len(values)}Q", *values)
        return found


def _rounded(size: int) -> int:
    return max(ALIGN, -(-size // ALIGN) * ALIGN)
