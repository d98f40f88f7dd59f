"""Several nets that are trained side by side, each in memory of its own: every launch does the same for all of them."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from ...passes import ALIGN
from ...render import CudaSource, Frame, Gemm, Launch
from .device import Device, Memory, Work
from .loops import run_steps
from .stream import Own, Stream, kept

MAX_ROWS = 65535
"""Rows of blocks that a launch can have (CUDA C++ Programming Guide, compute capabilities)."""


class Nets:
    """Steps of as many nets as the states in `tables` have rows, with arenas of `size` bytes; constants have no such
    rows. See gpubp.backends.base.LoopOfCopies."""

    def __init__(self, source: CudaSource, device: Device, stream: Stream, size: int, tables: Sequence[Any]) -> None:
        assert source.batches is not None
        self._source, self._device, self._stream, self._batches = source, device, stream, source.batches
        self._tables, self._count = tables, len(tables[0])
        self._arena, self._space = _rounded(size), _rounded(source.before + source.scratch)
        sizes = self._arena, self._space, 8 * source.batches.words
        self._arenas, self._scratch, self._control = (device.memory(self._count * n) for n in sizes)
        for k in range(self._count if source.before else 0):
            self._scratch.write(bytes(source.before), k * self._space)
        self.on = cache(self._on)

    def _on(self, control: Memory) -> _Steps:
        """What does their steps on a control block for each."""
        source, address, count = self._source, self._device.address, self._count
        pairs = zip(self._tables, source.tables, strict=True)
        rows = [(address(a), a.nbytes // count if a.ndim > v.ndim else 0) for a, v in pairs]
        nets: list[Own] = []
        for k in range(count):
            at = [*(start + k * size for start, size in rows), control.address + 8 * k * self._batches.words]
            scratch = self._scratch.address + k * self._space + source.before
            nets.append(Own(self._arenas.address + k * self._arena, at, scratch))
        return _Steps(source, self._device, self._stream, nets, (self, control))

    def takes(self, rest: object) -> bool:
        return isinstance(rest, Nets)

    def __call__(
        self,
        rows: Sequence[Any],
        order: Any | None,
        start: int,
        steps: int,
        going: Any,
        results: Sequence[Any],
        column: int,
        rest: Nets | None = None,
        epoch: int = 0,
    ) -> None:
        address, batch = self._device.address, self._batches.batch
        active = address(going)
        run, last = (None if nets is None else nets.on(self._control).run(active) for nets in (self, rest))
        assert run is not None
        count, at = (len(rows[0]), 0) if order is None else (order.shape[-1], address(order))
        data, control = [*map(address, rows)], b""
        for k in range(self._count):
            own = [address(array) + (k * array.shape[1] + column) * array.itemsize for array in results]
            order_at = at + 8 * count * k if at else 0
            control += self._batches.control(start, count, order_at, data, own, active + k)
        self._control.write(control)
        run_steps(run, last, start // batch, steps, epoch // batch)


class _Steps:
    """The steps of several nets, each in memory of its own. `alive`: what holds that memory."""

    def __init__(
        self, source: CudaSource, device: Device, stream: Stream, nets: Sequence[Own], alive: tuple[Any, ...]
    ) -> None:
        assert source.batches is not None
        self._device, self._stream, self._nets = device, stream, nets
        self._records: dict[Frame | None, tuple[Launch, Memory]] = {}
        self._active, self._alive = 0, (*alive, self)
        (works,) = source.work.values()
        self._run = stream.steps([each for work in (source.batches.take, *works) for each in self._step(work)])

    def run(self, active: int) -> Callable[[int], None]:
        """What does so many steps of those nets that are active, as the bools at an address say."""
        if self._active != active:
            self._active = active
            for work, memory in self._records.values():
                memory.write(self._record(work, self._nets))
        return self._run

    def _step(self, work: Launch | Gemm) -> list[Work]:
        """The same work for each of them."""
        nets, count = self._nets, len(self._nets)
        if isinstance(work, Gemm):
            return [kept(net.product(self._device, work), self._alive) for net in nets]
        if work.frame not in self._records:
            self._records[work.frame] = work, self._device.memory(len(self._record(work, nets)))
        first, launches = self._records[work.frame][1].address, []
        size = len(self._record(work, nets[:1]))
        for begin in range(0, count, MAX_ROWS):
            at = (ctypes.c_void_p(first + begin * size),)
            launches.append(kept(self._stream.launch(work, at, min(MAX_ROWS, count - begin)), self._alive))
        return launches

    def _record(self, work: Launch, nets: Sequence[Own]) -> bytes:
        """The array of `Net` (gpubp/ops/cuda/base.cuh) that a kernel is given."""
        record = b""
        for k, net in enumerate(nets):
            arena, tables, scratch = net.values(work)
            values = (arena, scratch, self._active + k, *(tables or (0,)))
            record += struct.pack(f"<{len(values)}Q", *values)
        return record


def _rounded(size: int) -> int:
    return max(ALIGN, -(-size // ALIGN) * ALIGN)
