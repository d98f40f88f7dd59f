"""What is put into the stream of a device: launches and products on their memory, one by one or as one graph."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from dsl.records import dataclass

from ...render import Gemm, Launch
from ..native import say_once
from .device import CaptureError, Device, Work

MAX_STEPS, MAX_WORKS = 16, 256
"""Steps of a graph, and launches and products of one of several steps. To launch a graph takes the host longer than a
GPU needs for a step of a small net."""


@dataclass(frozen=True, slots=True)
class Own:
    """The memory of a net as addresses: its arena, its states and constants and what kernels are given behind them, and
    scratch memory."""

    arena: int
    tables: Sequence[int]
    scratch: int

    def product(self, device: Device, work: Gemm) -> Work:
        """A product of its matrices, ready to be put into the stream."""
        a, b, c = (self._at(x.table, x.start) for x in (work.a, work.b, work.c))
        return device.product(work, a, b, c, None if work.bias is None else self._at(*work.bias))

    def _at(self, table: int | None, byte: int) -> int:
        return (self.arena if table is None else self.tables[table]) + byte

    def values(self, work: Launch) -> tuple[int, Sequence[int], int]:
        """What a kernel is given: an arena, tables, and scratch memory."""
        return *work.memory(self.arena, self.tables), self.scratch


class Stream:
    """Work on a device. `kernels`: see Device.module."""

    def __init__(self, device: Device, kernels: Callable[[str, int], Any]) -> None:
        self.device, self._kernels = device, kernels
        self.uncaptured = ""
        """Why steps are no graphs, where that is so."""

    def launch(self, work: Launch, arguments: Sequence[Any], rows: int = 1) -> Work:
        """A launch of so many rows of blocks, whose arguments are C values."""
        at = (ctypes.c_void_p * len(arguments))(*map(ctypes.addressof, arguments))
        kernel = self._kernels(work.kernel, work.dynamic_shared)
        return kept(partial(self.device.launch, kernel, (work.grid, rows), work.block, at), arguments)

    def steps(self, works: Sequence[Work]) -> Callable[[int], None]:
        """Does works in their order so many times: one by one the first time, so that everything is loaded; then
        captured, and launched as graphs. Where that fails, one by one for ever."""
        return _Captured(self, works).run


class _Captured:
    def __init__(self, stream: Stream, works: Sequence[Work]) -> None:
        self._stream, self._works = stream, tuple(works)
        self._graphs: dict[int, Work] = {}
        self._several = max(1, min(MAX_STEPS, MAX_WORKS // len(works)))
        self._warm = False

    def run(self, steps: int) -> None:
        if not self._warm:
            self._each(1)
            self._warm, steps = True, steps - 1
        several, single = divmod(steps, self._several)
        for count, times in ((self._several, several), (1, single)):
            for _ in range(times):
                self._launch(count)

    def _launch(self, count: int) -> None:
        """So many steps, as one graph where that can be."""
        stream = self._stream
        if count not in self._graphs and not stream.uncaptured:
            try:
                self._graphs[count] = stream.device.graph(partial(self._each, count))
            except CaptureError as error:
                stream.uncaptured = str(error)
                say_once(f"the GPU runs each kernel of a step by itself: {error}")
        self._graphs.get(count, partial(self._each, count))()

    def _each(self, count: int) -> None:
        for _ in range(count):
            for work in self._works:
                work()


def by_value(own: Own, work: Launch) -> Sequence[Any]:
    """The arguments of a kernel for one net."""
    arena, tables, scratch = own.values(work)
    return ctypes.c_void_p(arena), (ctypes.c_void_p * max(1, len(tables)))(*tables), ctypes.c_void_p(scratch)


def kept(work: Work, alive: Any) -> Work:
    """Work that keeps what it works on alive: a graph does not."""

    def run() -> None:
        work()

    run.alive = alive  # type: ignore[attr-defined]
    return run
