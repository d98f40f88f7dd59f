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

MAX_ROWS = 65535
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
        self._nets: list[Own] = []
        for k in range(count):
            if source.before:
                self._scratch.write(bytes(source.before), k * scratch)
            at = [start + k * row for start, row in zip(starts, rows, strict=True)]
            at.append(self._control.address + k * words)
            own = self._arenas.address + k * arena, at, self._scratch.address + k * scratch + source.before
            self._nets.append(Own(*own))
        self._records: dict[Frame | None, tuple[Launch, Memory]] = {}
        self._going = 0
        (works,) = source.work.values()
        self._run = stream.steps([each for work in (source.batches.take, *works) for each in self._step(work)])

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
            for work, memory in self._records.values():
                memory.write(self._record(work, self._nets))
        count, at = (len(rows[0]), 0) if order is None else (order.shape[-1], address(order))
        data, control = [*map(address, rows)], b""
        for k in range(len(self._nets)):
            own = [address(array) + (k * array.shape[1] + column) * array.itemsize for array in results]
            order_at = at + 8 * count * k if at else 0
            control += self._batches.control(start, count, order_at, data, own, self._going + k)
        self._control.write(control)
        self._run(steps)

    def _step(self, work: Launch | Gemm) -> list[Work]:
        """The same work for each of them."""
        nets, count = self._nets, len(self._nets)
        if isinstance(work, Gemm):
            return [kept(net.product(self._device, work), self) for net in nets]
        if work.frame not in self._records:
            self._records[work.frame] = work, self._device.memory(len(self._record(work, nets)))
        first, found = self._records[work.frame][1].address, []
        size = len(self._record(work, nets[:1]))
        for begin in range(0, count, MAX_ROWS):
            at = (ctypes.c_void_p(first + begin * size),)
            found.append(kept(self._stream.launch(work, at, min(MAX_ROWS, count - begin)), self))
        return found

    def _record(self, work: Launch, nets: Sequence[Own]) -> bytes:
        """The array of `Net` (gpubp/ops/cuda/base.cuh) that a kernel is given."""
        found = b""
        for k, net in enumerate(nets):
            arena, tables, scratch = net.values(work)
            values = (arena, scratch, self._going + k, *(tables or (0,)))
            found += struct.pack(f"<{len(values)}Q", *values)
        return found


def _rounded(size: int) -> int:
    return max(ALIGN, -(-size // ALIGN) * ALIGN)
