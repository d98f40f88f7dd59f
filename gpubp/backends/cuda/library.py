"""A plan's kernels on a GPU: bound to their memory, run one by one the first time, and as one graph from then on."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ...render import CONTROL, Block, CudaSource, Gemm, Launch, Matrix
from ..native import say_once
from .device import CaptureError, Device, Memory, Work

MOST_ARRAYS = 1024
"""Feeds and results of a loop of steps, together."""


class CudaLibrary:
    """The functions of a CUDA source. Raises NativeError where it cannot be compiled or loaded, or a product is one
    that the library of matrices cannot take."""

    def __init__(self, source: CudaSource, device: Device) -> None:
        self._source, self._device = source, device
        self._kernels = device.module(source.text)
        self._memory = device.memory(source.before + max(source.scratch, 1))
        self._scratch = self._memory.address + source.before
        if source.before:
            self._memory.write(bytes(source.before))
        for work in {work for works in source.work.values() for work in works if isinstance(work, Gemm)}:
            device.product(work, work.a.start, work.b.start, work.c.start)
        self.uncaptured = ""
        """Why steps are no graphs, where that is so."""

    def bind(self, name: str, arena: Any, tables: Sequence[Any]) -> Callable[[], int]:
        """The function `name` on its memory, ready to call: it returns 0, for what stands behind the guard looks at it
        by itself."""
        works = self._works(self._source.work[name], arena, tables, self._scratch)
        step = _Captured(self, works)

        def call() -> int:
            step()
            return 0

        return call

    def bind_many(self, name: str, arena: Any, tables: Sequence[Any]) -> Callable[..., int]:
        """A loop over many steps (gpubp.render.cuda_source): called with arrays of rows (a list), the order in which to
        take them (or None), the batches that it has, the number of the first step, that of steps, and arrays for the
        results (a list), it returns how many steps were done. The host waits once, at the end. A net that fits into a
        block is trained by one launch for many steps, others by a graph for each."""
        source, device = self._source, self._device
        if source.block is not None:
            return self._one_net(source.block, arena, tables)
        assert source.take is not None
        assert source.keep is not None
        control = device.memory(8 * (len(CONTROL) + MOST_ARRAYS))
        (own,) = source.work.values()
        works = [
            *self._works((source.take,), arena, tables, control.address),
            *self._works(own, arena, tables, self._scratch),
            *self._works((source.keep,), arena, tables, control.address),
        ]
        step = _Captured(self, works)

        def many(
            rows: Sequence[Any], order: Any | None, per_epoch: int, first: int, steps: int, results: Sequence[Any]
        ) -> int:
            at = 0 if order is None else device.address(order)
            words = [first, 0, per_epoch, at, *map(device.address, rows), *map(device.address, results)]
            control.write(struct.pack(f"<{len(words)}q", *words))
            for _ in range(steps):
                step()
            done: int = struct.unpack("<2q", control.read(16))[1]
            return done

        return many

    # A net in a block ------------------------------------------------------------------------------------------------
    def _one_net(self, block: Block, arena: Any, tables: Sequence[Any]) -> Callable[..., int]:
        run, going = self._blocks(block, arena, tables, 1), self._device.memory(1)

        def many(
            rows: Sequence[Any], order: Any | None, per_epoch: int, first: int, steps: int, results: Sequence[Any]
        ) -> int:
            going.write(b"\1")
            start = first % per_epoch * block.batch
            at = [self._device.address(array) for array in results]
            control = run(rows, order, start, steps, going.address, at, 0)
            done: int = struct.unpack("<q", control.read(8 * (block.words + 1))[-8:])[0]
            return done

        return many

    def bind_copies(self, arena: Any, tables: Sequence[Any]) -> Callable[..., None]:
        """What gpubp.backends.base.BindCopies gives: a block for each copy."""
        block = self._source.block
        assert block is not None
        run = self._blocks(block, arena, tables, len(tables[0]))

        def copies(
            rows: Sequence[Any],
            order: Any | None,
            start: int,
            steps: int,
            going: Any,
            results: Sequence[Any],
            column: int,
        ) -> None:
            at = [self._device.address(array) + column * array.itemsize for array in results]
            run(rows, order, start, steps, self._device.address(going), at, results[0].shape[1])

        return copies

    def _blocks(self, block: Block, arena: Any, tables: Sequence[Any], copies: int) -> Callable[..., Memory]:
        """As many launches as steps need, of a block for each copy. The host does not wait for them."""
        control = self._device.memory(8 * (block.words + copies))
        work = Launch(block.name, copies, block.threads, asked=block.asked)
        (launch,) = self._works((work,), arena, tables, control.address)

        def run(
            rows: Sequence[Any],
            order: Any | None,
            start: int,
            steps: int,
            going: int,
            results: Sequence[int],
            width: int,
        ) -> Memory:
            at, count = (0, len(rows[0])) if order is None else (self._device.address(order), order.shape[-1])
            words = [start, count, steps, at, width, going, *map(self._device.address, rows), *results]
            control.write(struct.pack(f"<{len(words) + copies}q", *words, *(0,) * copies))
            for _ in range(0, steps, block.most):
                launch()
            return control

        return run

    # What is put into the stream -------------------------------------------------------------------------------------
    def _works(
        self, works: Sequence[Launch | Gemm], arena: Any, tables: Sequence[Any], last: int
    ) -> list[Callable[[], None]]:
        # A constant may be a view that repeats numbers; kernels take it as it is counted.
        arrays = [arena, *(a if a.flags.c_contiguous else a.copy() for a in tables)]
        addresses = [self._device.address(array) for array in arrays]
        found: list[Callable[[], None]] = []
        for work in works:
            if isinstance(work, Gemm):
                places = (_at(matrix, addresses) for matrix in (work.a, work.b, work.c))
                found.append(_kept(self._device.product(work, *places), arrays))
                continue
            arguments = _arguments(*work.memory(addresses[0], addresses[1:]), last)
            run = partial(
                self._device.launch, self._kernels(work.kernel, work.asked), work.grid, work.block, arguments[-1]
            )
            found.append(_kept(run, (arrays, arguments)))
        return found


class _Captured:
    """Works in their order: one by one the first time, so that everything is loaded; then captured, and launched as one
    graph. Where that fails, one by one for ever."""

    def __init__(self, library: CudaLibrary, works: Sequence[Work]) -> None:
        self._library, self._works = library, tuple(works)
        self._graph: Work | None = None
        self._warm = False

    def __call__(self) -> None:
        if self._warm and self._graph is None and not self._library.uncaptured:
            try:
                self._graph = self._library._device.graph(self._each)
            except CaptureError as error:
                self._library.uncaptured = str(error)
                say_once(f"the GPU runs each kernel of a step by itself: {error}")
        (self._graph or self._each)()
        self._warm = True

    def _each(self) -> None:
        for work in self._works:
            work()


def _at(matrix: Matrix, addresses: Sequence[int]) -> int:
    return addresses[0 if matrix.table is None else matrix.table + 1] + matrix.start


def _arguments(arena: int, tables: Sequence[int], last: int) -> tuple[Any, ...]:
    """The arguments of a kernel, and the array of their addresses."""
    values = (
        ctypes.c_void_p(arena),
        (ctypes.c_void_p * max(1, len(tables)))(*tables),
        ctypes.c_void_p(last),
    )
    return *values, (ctypes.c_void_p * len(values))(*map(ctypes.addressof, values))


def _kept(work: Callable[[], None], alive: Any) -> Callable[[], None]:
    """Work that keeps what it works on alive: a graph does not."""

    def run() -> None:
        work()

    run.alive = alive  # type: ignore[attr-defined]
    return run
